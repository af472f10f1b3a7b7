import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { type Sealing } from '@veza/kit/sealing'
import { calculateJwkThumbprint } from 'jose'
import { type Kysely, sql } from 'kysely'
import { dueChanges, type KeySchedule, type ScheduledKey, signingKeyAt } from '../domain/key-schedule.ts'
import { type AuthDatabase } from './database.ts'
import { systemSubject } from './system-secrets.ts'

/** Signature algorithm of access tokens, the only one that their verifiers accept. */
export const signatureAlgorithm = 'ES256'

/** A published key, a JWK (RFC 7517). An alias, since jose's JWK has an index signature. */
export type PublicKey = {
  readonly kty: 'EC'
  readonly crv: 'P-256'
  readonly x: string
  readonly y: string
  readonly kid: string
  readonly use: 'sig'
  readonly alg: typeof signatureAlgorithm
}

/** The keys as this process last read them: one signs, all verify. */
export interface SigningKeys {
  /** The key that signs at a moment. */
  signing(now: Date): { readonly kid: string; readonly privateKey: KeyObject }
  /** Public halves, as `/.well-known/jwks.json` serves them. */
  published(): PublicKey[]
  /**
   * Does what the schedule asks for and reads the keys anew. Any number of processes may do so at any time.
   * Rejects SealBroken; the keys then stay as they were.
   */
  rotate(now: Date): Promise<void>
}

interface HeldKey extends ScheduledKey {
  readonly privateKey: KeyObject
  readonly jwk: PublicKey
}

const place = (kid: string) => ({ table: 'signing_keys', row: kid, column: 'private_key' })

const publicHalf = (privateKey: KeyObject) => {
  // Every key of ours is on a curve, so it has both coordinates.
  const { x, y } = createPublicKey(privateKey).export({ format: 'jwk' }) as { x: string; y: string }
  return { kty: 'EC', crv: 'P-256', x, y } as const
}

/** A key to be, sealed before any transaction is open: whoever holds the key-encryption key may be asked. */
const draftKey = async (sealing: Sealing) => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const kid = await calculateJwkThumbprint(publicHalf(privateKey))
  const plain = privateKey.export({ format: 'der', type: 'pkcs8' })
  const [sealed] = await sealing.seal([{ subject: systemSubject, plain, place: place(kid) }])
  plain.fill(0)
  if (!sealed) throw new Error('nothing was sealed')
  return { kid, private_key: sealed }
}

const readKeys = (db: Kysely<AuthDatabase>) =>
  db
    .selectFrom('signing_keys')
    .select(['kid', 'private_key as sealed', 'published_at as publishedAt', 'active_at as activeAt'])
    .execute()

/** Carries out what is due. The advisory lock makes processes that do so at once agree: one works, the others find it done. */
const carryOut = (
  db: Kysely<AuthDatabase>,
  schedule: KeySchedule,
  { draft, now }: { draft: Awaited<ReturnType<typeof draftKey>> | undefined; now: Date },
): Promise<void> =>
  db.transaction().execute(async (trx) => {
    await sql`select pg_advisory_xact_lock(hashtext('veza auth signing keys'))`.execute(trx)
    const { create, retire } = dueChanges(await readKeys(trx), schedule, now)
    // The row goes as a whole: a private half that no longer exists can't be stolen.
    if (retire.length > 0)
      await trx
        .deleteFrom('signing_keys')
        .where('kid', 'in', [...retire])
        .execute()
    if (create && draft)
      await trx
        .insertInto('signing_keys')
        .values({ ...draft, published_at: create.publishedAt, active_at: create.activeAt })
        .execute()
  })

/** Reads the signing keys, and creates the first one where there is none. Rejects SealBroken. */
export const openSigningKeys = async (
  db: Kysely<AuthDatabase>,
  { sealing, schedule, now }: { sealing: Sealing; schedule: KeySchedule; now: Date },
): Promise<SigningKeys> => {
  let keys: readonly HeldKey[] = []

  const hold = async (): Promise<void> => {
    const rows = await readKeys(db)
    const opened = await sealing.open(rows.map(({ kid, sealed }) => ({ sealed, place: place(kid) })))
    keys = rows.map(({ kid, publishedAt, activeAt }, index) => {
      const key = opened[index]
      if (key?.state !== 'open') throw new Error(`the data key of ${systemSubject} was erased`)
      const privateKey = createPrivateKey({ key: key.plain, format: 'der', type: 'pkcs8' })
      const jwk = { ...publicHalf(privateKey), kid, use: 'sig', alg: signatureAlgorithm } as const
      return { kid, publishedAt, activeAt, privateKey, jwk }
    })
  }

  const rotate = async (at: Date): Promise<void> => {
    const { create, retire } = dueChanges(await readKeys(db), schedule, at)
    if (create || retire.length > 0)
      await carryOut(db, schedule, { draft: create && (await draftKey(sealing)), now: at })
    await hold()
  }

  await rotate(now)
  return {
    signing(at) {
      const key = signingKeyAt(keys, at)
      if (!key) throw new Error('there is no signing key')
      return key
    },
    published: () => keys.map(({ jwk }) => jwk),
    rotate,
  }
}
