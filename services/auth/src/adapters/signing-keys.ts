import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { calculateJwkThumbprint } from 'jose'
import { type Kysely, sql, type Transaction } from 'kysely'
import { type AuthDatabase } from './database.ts'
import { type Sealing } from './sealing.ts'

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

/** The keys in use: one signs, all published ones verify. */
export interface SigningKeys {
  readonly kid: string
  readonly privateKey: KeyObject
  /** Public halves, as `/.well-known/jwks.json` serves them. */
  readonly published: PublicKey[]
}

const place = (kid: string) => ({ table: 'signing_keys', row: kid, column: 'private_key' })

const publicHalf = (privateKey: KeyObject) => {
  // Every key of ours is on a curve, so it has both coordinates.
  const { x, y } = createPublicKey(privateKey).export({ format: 'jwk' }) as { x: string; y: string }
  return { kty: 'EC', crv: 'P-256', x, y } as const
}

const createKey = async (trx: Transaction<AuthDatabase>, sealing: Sealing, now: Date) => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const kid = await calculateJwkThumbprint(publicHalf(privateKey))
  const key = {
    kid,
    private_key: sealing.seal(privateKey.export({ format: 'der', type: 'pkcs8' }), place(kid)),
    published_at: now,
    active_at: now,
  }
  await trx.insertInto('signing_keys').values(key).execute()
  return key
}

/**
 * Reads the signing keys and creates the first one where there is none. The advisory lock makes processes that start
 * together agree on it. Throws SealBroken when a private half does not open.
 */
export const openSigningKeys = (
  db: Kysely<AuthDatabase>,
  sealing: Sealing,
  now: Date,
): Promise<SigningKeys> =>
  db.transaction().execute(async (trx) => {
    await sql`select pg_advisory_xact_lock(hashtext('veza auth signing keys'))`.execute(trx)
    const stored = await trx
      .selectFrom('signing_keys')
      .select(['kid', 'private_key', 'active_at'])
      .where('retired_at', 'is', null)
      .orderBy('active_at', 'desc')
      .execute()
    const rows = stored.length > 0 ? stored : [await createKey(trx, sealing, now)]
    const keys = rows.map(({ kid, private_key, active_at }) => ({
      kid,
      activeAt: active_at,
      privateKey: createPrivateKey({
        key: sealing.open(private_key, place(kid)),
        format: 'der',
        type: 'pkcs8',
      }),
    }))
    // The newest that is active; the oldest where none is yet, since the clock of the process that created it may be
    // ahead of ours.
    const { kid, privateKey } = keys.reduce((newer, older) => (newer.activeAt <= now ? newer : older))
    return {
      kid,
      privateKey,
      published: keys.map((key) => ({
        ...publicHalf(key.privateKey),
        kid: key.kid,
        use: 'sig',
        alg: signatureAlgorithm,
      })),
    }
  })
