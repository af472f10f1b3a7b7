import { gather } from '../gather/index.ts'
import { type Gate } from './gate.ts'
import { type Versioned } from './types.ts'

/** How entities are read from where the truth is. A later call never gives an older version. */
export type Loading<T> =
  | { readonly load: (id: string) => Promise<Versioned<T>>; readonly loadAll?: undefined }
  | {
      readonly load?: undefined
      /** All that are asked for in one turn of the event loop. What is not in the answer has never been there. */
      readonly loadAll: (ids: readonly string[]) => Promise<ReadonlyMap<string, Versioned<T>>>
    }

/** @param gate what is read together passes it as one */
export const loaderOf = <T>(loading: Loading<T>, gate: Gate): ((id: string) => Promise<Versioned<T>>) => {
  const { load, loadAll } = loading
  if (loadAll === undefined) return (id) => gate(() => load(id))
  const one = gather((ids) => gate(() => loadAll(ids)))
  return async (id) => (await one(id)) ?? { version: 0, value: undefined }
}
