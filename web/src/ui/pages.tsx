import { type ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { type ApiProblem, asProblem } from '../api/problem.ts'
import { words } from '../i18n/index.ts'
import { Loading, ProblemNote } from './controls.tsx'
import { type Loaded } from './load.ts'

/** What was loaded, or what stands in its place. */
export const Shown = <T,>({
  of,
  again,
  children,
}: {
  of: Loaded<T>
  again?: () => void
  children: (value: T) => ComponentChildren
}) => {
  if (of.state === 'loading') return <Loading />
  if (of.state === 'failed') return <ProblemNote problem={of.problem} again={again} />
  return <>{children(of.value)}</>
}

interface Page<T> {
  readonly items: readonly T[]
  /** Cursor of the page after it; null: there is none. */
  readonly next: string | null
}

interface Pages<T> {
  readonly key: string
  readonly items: readonly T[]
  readonly next: string | null | undefined
  readonly problem: ApiProblem | undefined
}

/** A list that comes by pages, the next when it is asked for. Another key is another list. */
export const Paged = <T,>({
  name,
  load,
  empty,
  children,
}: {
  name: string
  load: (cursor: string | undefined) => Promise<Page<T>>
  empty: ComponentChildren
  children: (items: readonly T[]) => ComponentChildren
}) => {
  const fresh: Pages<T> = { key: name, items: [], next: undefined, problem: undefined }
  const [pages, setPages] = useState(fresh)
  const [isBusy, setBusy] = useState(true)
  const shown = pages.key === name ? pages : fresh
  const loadMore = async (from: Pages<T>): Promise<void> => {
    setBusy(true)
    try {
      const page = await load(from.next ?? undefined)
      setPages({ key: name, items: [...from.items, ...page.items], next: page.next, problem: undefined })
    } catch (error) {
      setPages({ ...from, problem: asProblem(error) })
    } finally {
      setBusy(false)
    }
  }
  useEffect(() => {
    void loadMore(fresh)
  }, [name])
  if (shown.problem !== undefined)
    return (
      <ProblemNote problem={shown.problem} again={() => void loadMore({ ...shown, problem: undefined })} />
    )
  if (shown.next === undefined) return <Loading />
  return (
    <>
      {shown.items.length === 0 ? empty : children(shown.items)}
      {shown.next !== null && (
        <button type="button" class="button more" disabled={isBusy} onClick={() => void loadMore(shown)}>
          {words.value.app.more}
        </button>
      )}
    </>
  )
}
