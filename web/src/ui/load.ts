import { useCallback, useEffect, useState } from 'preact/hooks'
import { type ApiProblem, asProblem } from '../api/problem.ts'

/** What a component asked for. */
export type Loaded<T> =
  | { readonly state: 'loading' }
  | { readonly state: 'ready'; readonly value: T }
  | { readonly state: 'failed'; readonly problem: ApiProblem }

/**
 * Loads when it is first shown and whenever `key` changes; what was loaded for an earlier key is not shown.
 *
 * @returns what came of it, and how to load again: what is shown stays until the new is there
 */
export const useLoad = <T>(key: string, load: () => Promise<T>): readonly [Loaded<T>, () => void] => {
  const [loaded, setLoaded] = useState<{ key: string; outcome: Loaded<T> }>()
  const [round, setRound] = useState(0)
  useEffect(() => {
    let isCurrent = true
    load().then(
      (value) => {
        if (isCurrent) setLoaded({ key, outcome: { state: 'ready', value } })
      },
      (error: unknown) => {
        if (isCurrent) setLoaded({ key, outcome: { state: 'failed', problem: asProblem(error) } })
      },
    )
    return () => {
      isCurrent = false
    }
    // `load` is another function each time; the key says what it loads.
  }, [key, round])
  const again = useCallback(() => {
    setRound((count) => count + 1)
  }, [])
  return [loaded?.key === key ? loaded.outcome : { state: 'loading' }, again]
}
