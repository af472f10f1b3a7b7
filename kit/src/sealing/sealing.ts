import { createSecretKey, type KeyObject, randomBytes, randomUUID } from 'node:crypto'
import { type QueryExecutorProvider } from 'kysely'
import { LRUCache } from 'lru-cache'
import {
  type DataKeyRow,
  eraseDataKey,
  findWholeKeys,
  insertDataKeys,
  placeOfKey,
  readDataKeys,
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
   * How long a key in memory is used without asking the database whether it was erased, milliseconds. Default 1,000; a
   * query of all keys that are due, no unwrapping.
   */
  readonly checkAfterMs?: number
}

/** A key in memory. */
interface Held {
  readonly keyId: string
  readonly key: KeyObject
  /** When it was last known to be in the database: before that was asked. */
  seenAt: number
}

type Known = Pick<Held, 'keyId' | 'key'> | { readonly erased: true }

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

  const remember = (row: DataKeyRow, bytes: Buffer, seenAt: number): Held => {
    // A KeyObject is outside of the JavaScript heap, so heap dumps do not hold it.
    const held = { keyId: row.key_id, key: createSecretKey(bytes), seenAt }
    bytes.fill(0)
    byId.set(row.key_id, held)
    idOfSubject.set(row.subject, row.key_id)
    return held
  }

  /** Those of the keys that are in memory, and were not erased. */
  const recall = async (keyIds: Iterable<string>): Promise<Held[]> => {
    const now = performance.now()
    const held = [...new Set(keyIds)].flatMap((keyId) => byId.get(keyId) ?? [])
    const due = held.filter(({ seenAt }) => now - seenAt >= checkAfterMs)
    if (due.length === 0) return held
    const whole = new Set(
      await findWholeKeys(
        db,
        due.map(({ keyId }) => keyId),
      ),
    )
    const erased = new Set(due.filter(({ keyId }) => !whole.has(keyId)))
    for (const one of due) {
      if (erased.has(one)) byId.delete(one.keyId)
      else one.seenAt = now
    }
    return held.filter((one) => !erased.has(one))
  }

  /** The keys of rows that were read at a time, unwrapped together. Those that are erased are marked so. */
  const unwrapAll = async (rows: readonly DataKeyRow[], readAt: number): Promise<Map<DataKeyRow, Known>> => {
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
      known.set(row, remember(row, bytes, readAt))
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
      const readAt = performance.now()
      const rows = await readDataKeys(db, { subjects: missing })
      for (const [row, known] of await unwrapAll(rows, readAt)) found.set(row.subject, known)
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
        const readAt = performance.now()
        const rows = await readDataKeys(db, { ids: missing })
        for (const [row, known] of await unwrapAll(rows, readAt)) keys.set(row.key_id, known)
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
