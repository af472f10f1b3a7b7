/** What is known of an entity, as of a version of it. */
export interface Versioned<T> {
  /** Of the entity: grows with every change of it. 0: it has never been there. */
  readonly version: number
  /** undefined: there is no such entity (any more). That is worth remembering too. */
  readonly value: T | undefined
}

/** An entity is of this version by now, so that whatever is older must not be answered any more. */
export interface Change {
  /** `<cache>:<id>` */
  readonly tag: string
  readonly version: number
}

export const tagOf = (cache: string, id: string): string => `${cache}:${id}`

/** What the shared level knows of a tag. */
export interface SharedAnswer {
  /** What a later put has to show; undefined: nothing in there is believed now, and nothing is to be put. */
  readonly generation: string | undefined
  readonly entry: { readonly version: number; readonly writtenAt: number; readonly text: string } | undefined
  /** The entity is of this version at least; 0 = nothing is known of it. */
  readonly atLeast: number
}

/** The level that processes share. It never rejects: whatever it can't answer is not known to it. */
export interface SharedLevel {
  get(tag: string): Promise<SharedAnswer>
  /** Keeps an entry, unless something newer is known, or what was read before `generation` began. */
  put(
    tag: string,
    entry: { readonly generation: string; readonly version: number; readonly text: string },
  ): Promise<void>
}

/** The shared level could not be asked. */
export const unknown: SharedAnswer = { generation: undefined, entry: undefined, atLeast: 0 }
