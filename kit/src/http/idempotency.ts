import { createHash } from 'node:crypto'
import { type Context, type MiddlewareHandler } from 'hono'
import { createMiddleware } from 'hono/factory'
import { type Kysely, type QueryExecutorProvider, sql } from 'kysely'
import { z } from 'zod'
import { type Identity } from '../tokens/index.ts'
import { Problem } from './problem.ts'

/** What the middleware gives to handlers. */
export interface IdempotencyEnv {
  Variables: {
    /**
     * The request's key, with who and what in front, so that it is unique in the database: for the idempotencyKey of the
     * command's append, which makes its effect single even when the answer could not be kept. Undefined without a key.
     */
    idempotencyKey: string | undefined
    /** Whose key it is: set by bearer, before this. */
    identity?: Identity
  }
}

/** For a route's `request.headers`. */
export const idempotencyHeader = z.object({
  'idempotency-key': z
    .string()
    .min(1)
    .max(200)
    .optional()
    .meta({
      description:
        'Makes a repetition safe: the same key and request get the first answer again, for a day. Another body under it ' +
        'is 422 `idempotency-key-reused`; while the first request is still at work, 409 `request-in-flight`',
      example: '0198c3a4-7f10-7c3e-9d51-3a6b0c1d2e40',
    }),
})

/** Creates the table `http_answers`, as a step of a migration. */
export const createHttpAnswers = async (db: Kysely<unknown>): Promise<void> => {
  await sql`
    create table http_answers (
      key text primary key,
      request_hash bytea not null,
      started_at timestamptz not null default now(),
      status integer,
      content_type text,
      location text,
      body bytea
    )`.execute(db)
  await sql`create index http_answers_age on http_answers (started_at)`.execute(db)
}

/** Deletes the answers that are too old to be given again. @returns how many */
export const pruneHttpAnswers = async (db: QueryExecutorProvider, olderThanMs = dayMs): Promise<number> => {
  const { numAffectedRows = 0n } = await sql`
    delete from http_answers where started_at < now() - ${olderThanMs} * interval '1 ms'`.execute(db)
  return Number(numAffectedRows)
}

const dayMs = 24 * 60 * 60 * 1000

/** A request of which nothing was heard for so long died with its process. Beyond the longest that a request takes. */
const inFlightMs = 60_000

interface AnswerRow {
  request_hash: Buffer
  status: number | null
  content_type: string | null
  location: string | null
  body: Buffer | null
}

const keyOf = (c: Context<IdempotencyEnv>, given: string): string =>
  `${c.var.identity?.userId ?? 'anonymous'} ${c.req.method} ${c.req.path} ${given}`

const hashOf = async (c: Context): Promise<Buffer> =>
  createHash('sha256')
    .update(new Uint8Array(await c.req.arrayBuffer()))
    .digest()

/** True: the key is ours now. A key whose answer is too old, or whose request died, is as good as new. */
const claim = async (
  db: QueryExecutorProvider,
  key: string,
  hash: Buffer,
  lifeMs: number,
): Promise<boolean> => {
  const { rows } = await sql`
    insert into http_answers as a (key, request_hash) values (${key}, ${hash})
    on conflict (key) do update
      set request_hash = excluded.request_hash, started_at = now(), status = null, content_type = null, location = null,
        body = null
      where a.started_at < now() - ${lifeMs} * interval '1 ms'
        or a.status is null and a.started_at < now() - ${inFlightMs} * interval '1 ms'
    returning 1`.execute(db)
  return rows.length > 0
}

const firstAnswer = async (db: QueryExecutorProvider, key: string, hash: Buffer): Promise<Response> => {
  const { rows } = await sql<AnswerRow>`select * from http_answers where key = ${key}`.execute(db)
  const [row] = rows
  if (row && !row.request_hash.equals(hash))
    throw new Problem(422, 'idempotency-key-reused', 'This Idempotency-Key was used for another request')
  if (row?.status == null)
    throw new Problem(
      409,
      'request-in-flight',
      'The first request with this Idempotency-Key is still at work',
      {
        headers: { 'retry-after': '1' },
      },
    )
  const headers: Record<string, string> = { 'idempotency-replayed': 'true' }
  if (row.content_type !== null) headers['content-type'] = row.content_type
  if (row.location !== null) headers['location'] = row.location
  return new Response(row.body?.length ? new Uint8Array(row.body) : null, { status: row.status, headers })
}

/**
 * Gives the first answer again to a write that comes again under its `Idempotency-Key`; without that header it does
 * nothing. Stand it behind `bearer`: keys are each user's own. An answer of 5xx, 409 or 429 is not kept, since the same
 * request may succeed later. Not for answers that carry secrets: they are kept as they are.
 *
 * @param lifeMs how long an answer is given again; a day unless given
 */
export const idempotent = (
  db: QueryExecutorProvider,
  { lifeMs = dayMs }: { readonly lifeMs?: number } = {},
): MiddlewareHandler<IdempotencyEnv> =>
  createMiddleware<IdempotencyEnv>(async (c, next) => {
    const given = c.req.header('idempotency-key')
    if (given === undefined) {
      await next()
      return undefined
    }
    if (!/^[\x21-\x7e]{1,200}$/.test(given))
      throw new Problem(
        400,
        'invalid-idempotency-key',
        'An Idempotency-Key has 1 to 200 visible ASCII characters',
      )
    const key = keyOf(c, given)
    const hash = await hashOf(c)
    if (!(await claim(db, key, hash, lifeMs))) return firstAnswer(db, key, hash)
    c.set('idempotencyKey', key)
    await next()
    const { status, headers } = c.res
    if (status >= 500 || status === 409 || status === 429)
      await sql`delete from http_answers where key = ${key} and status is null`.execute(db)
    else
      await sql`
        update http_answers set status = ${status}, content_type = ${headers.get('content-type')},
          location = ${headers.get('location')}, body = ${Buffer.from(await c.res.clone().arrayBuffer())}
        where key = ${key}`.execute(db)
    return undefined
  })
