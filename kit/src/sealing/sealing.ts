import { createSecretKey, type KeyObject, randomBytes, randomUUID } from 'node:crypto'
import { type QueryExecutorProvider } from 'kysely'
import { LRUCache } from 'lru-cache'
import {
  type DataKeyRow,
  eraseDataKey,
  insertDataKeys,
  placeOfKey,
  readDataKeys,
  recentlyErased,
} from './data-keys.ts'
import { type KeyEncryption } from './key-encryption.ts'
import { keyIdOf, openWith, SealBroken, type SealedPlace, sealWith } from './seal.ts'

/** Something to be sealed. */
export interface ToSeal {
  /** Whose it is: their data key seals it, and with that key it goes. */
  readonly subject: string
  readonly plain: Uint8Array
  readonly place: SealedPlace
}

/** Something to be opened. */
export interface ToOpen {
  readonly sealed: Uint8Array
  readonly place: SealedPlace
}

/** What became of opening. `erased`: its person's data key was deleted, so nobody can open it any more. */
export type Opened = { readonly state: 'open'; readonly plain: Buffer } | { readonly state: 'erased' }

/** The person's data key was deleted: nothing can be sealed for them. */
export class SubjectErased extends Error {
  override readonly name = 'SubjectErased'
}

export interface Sealing {
  /**
   * Seals each under its subject's data key, which is made at first use. Many in one go cost one query and one unwrapping
   * for all keys that are not in memory. Rejects SubjectErased, KeyEncryptionUnavailable, or the database's error.
   */
  seal(items: readonly ToSeal[]): Promise<Buffer[]>
  /** Opens each, in order. Rejects SealBroken, KeyEncryptionUnavailable, or the database's error. */
  open(items: readonly ToOpen[]): Promise<Opened[]>
  /**
   * Deletes the subject's data key, in the transaction that is given. Other processes may use it from memory for
   * `checkAfterMs` more, and forget it then.
   *
   * @returns false when it had been erased before
   */
  erase(trx: QueryExecutorProvider, subject: string): Promise<boolean>
}

export interface SealingOptions {
  /** A database that has createDataKeys' table. Not a transaction: new keys must outlive one that is rolled back. */
  readonly db: QueryExecutorProvider
  readonly keyEncryption: KeyEncryption
  /** Data keys in memory at most. Default 10,000, some 3 MB. */
  readonly maxKeys?: number
  /** How long a key stays in memory, milliseconds. Default 60,000. */
  readonly maxAgeMs?: number
  /**
   * How long keys in memory are used without asking the database which were erased, milliseconds. Default 1,000; one query
   * for all of them.
   */
  readonly checkAfterMs?: number
}

/** A key in memory. */
interface Held {
  readonly keyId: string
  readonly key: KeyObject
}

type Known = Held | { readonly erased: true }

// An erasure has the time at which its transaction began, which the server ends after 30 s (kit/postgres).
const longestErasureMs = 35_000

/** Seals people's data, each under a key of their own that the key-encryption key wraps. */
export const createSealing = ({
  db,
  keyEncryption,
  maxKeys = 10_000,
  maxAgeMs = 60_000,
  checkAfterMs = 1_000,
}: SealingOptions): Sealing => {
  const byId = new LRUCache<string, Held>({ max: maxKeys, ttl: maxAgeMs })
  const idOfSubject = new LRUCache<string, string>({ max: maxKeys, ttl: maxAgeMs })

  const remember = (row: DataKeyRow, bytes: Buffer): Held => {
    // A KeyObject is outside of the JavaScript heap, so heap dumps do not hold it.
    const held = { keyId: row.key_id, key: createSecretKey(bytes) }
    bytes.fill(0)
    byId.set(row.key_id, held)
    idOfSubject.set(row.subject, row.key_id)
    return held
  }

  let askedAt = performance.now()
  let asking: Promise<void> | undefined
  const forgetErased = async (): Promise<void> => {
    const now = performance.now()
    for (const keyId of await recentlyErased(db, now - askedAt + longestErasureMs)) byId.delete(keyId)
    askedAt = now
  }

  /** Those of the keys that are in memory, and were not erased. */
  const recall = async (keyIds: Iterable<string>): Promise<Held[]> => {
    const ids = [...new Set(keyIds)]
    if (performance.now() - askedAt >= checkAfterMs && ids.some((keyId) => byId.has(keyId)))
      await (asking ??= forgetErased().finally(() => {
        asking = undefined
      }))
    return ids.flatMap((keyId) => byId.get(keyId) ?? [])
  }

  /** The keys of rows, unwrapped together. Those that are erased are marked so. */
  const unwrapAll = async (rows: readonly DataKeyRow[]): Promise<Map<DataKeyRow, Known>> => {
    const whole = rows.flatMap((row) => {
      const { wrapped, kek } = row
      if (wrapped === null || kek === null) return []
      return [{ row, wrapped, kek, place: placeOfKey(row.key_id, row.subject) }]
    })
    const keys = whole.length === 0 ? [] : await keyEncryption.unwrap(whole)
    const known = new Map<DataKeyRow, Known>(rows.map((row) => [row, { erased: true }]))
    whole.forEach(({ row }, index) => {
      const bytes = keys[index]
      if (!Buffer.isBuffer(bytes)) throw bytes ?? new SealBroken('damaged')
      known.set(row, remember(row, bytes))
    })
    return known
  }

  const createFor = async (subjects: readonly string[]): Promise<void> => {
    const fresh = subjects.map((subject) => {
      const keyId = randomUUID()
      return { keyId, subject, key: randomBytes(32), place: placeOfKey(keyId, subject) }
    })
    const wrapped = await keyEncryption.wrap(fresh)
    await insertDataKeys(
      db,
      wrapped.flatMap((key, index) => {
        const made = fresh[index]
        return made === undefined ? [] : [{ keyId: made.keyId, subject: made.subject, ...key }]
      }),
    )
    for (const { key } of fresh) key.fill(0)
  }

  const keysOfSubjects = async (subjects: readonly string[]): Promise<Map<string, Known>> => {
    const found = new Map<string, Known>()
    const wanted = new Map(
      subjects.flatMap((subject) => {
        const keyId = idOfSubject.get(subject)
        return keyId === undefined ? [] : [[keyId, subject] as const]
      }),
    )
    for (const held of await recall(wanted.keys())) found.set(wanted.get(held.keyId) ?? '', held)
    const load = async (missing: readonly string[]): Promise<void> => {
      if (missing.length === 0) return
      const rows = await readDataKeys(db, { subjects: missing })
      for (const [row, known] of await unwrapAll(rows)) found.set(row.subject, known)
    }
    const missing = () => [...new Set(subjects)].filter((subject) => !found.has(subject))
    await load(missing())
    const unborn = missing()
    if (unborn.length > 0) {
      await createFor(unborn)
      // Read back: somebody else's may have been first.
      await load(unborn)
    }
    return found
  }

  return {
    async seal(items) {
      const keys = await keysOfSubjects(items.map(({ subject }) => subject))
      return items.map(({ subject, plain, place }) => {
        const known = keys.get(subject)
        if (known === undefined || 'erased' in known) throw new SubjectErased('the data key was deleted')
        return sealWith(known.key, known.keyId, plain, place)
      })
    },

    async open(items) {
      const ids = items.map(({ sealed }) => keyIdOf(sealed))
      const keys = new Map<string, Known>()
      for (const held of await recall(ids)) keys.set(held.keyId, held)
      const missing = [...new Set(ids)].filter((keyId) => !keys.has(keyId))
      if (missing.length > 0) {
        const rows = await readDataKeys(db, { ids: missing })
        for (const [row, known] of await unwrapAll(rows)) keys.set(row.key_id, known)
      }
      return items.map(({ sealed, place }, index): Opened => {
        const known = keys.get(ids[index] ?? '')
        if (known === undefined) throw new SealBroken('unknown-key')
        return 'erased' in known
          ? { state: 'erased' }
          : { state: 'open', plain: openWith(known.key, sealed, place) }
      })
    },

    async erase(trx, subject) {
      const erased = await eraseDataKey(trx, subject)
      const keyId = idOfSubject.get(subject)
      if (keyId !== undefined) byId.delete(keyId)
      idOfSubject.delete(subject)
      return erased
    },
  }
}
