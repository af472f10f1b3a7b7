import { createHash } from 'node:crypto'
import { type Context, type MiddlewareHandler } from 'hono'
import { createMiddleware } from 'hono/factory'
import { type Kysely, type QueryExecutorProvider, sql } from 'kysely'
import { z } from 'zod'
import { duration } from '../env/index.ts'
import { pruneIdempotencyKeys } from '../events/store.ts'
import { type Logger } from '../log/index.ts'
import { repeat } from '../repeat/index.ts'
import { type Identity } from '../tokens/index.ts'
import { type BearerEnv } from './bearer.ts'
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

/** Before the routes of whoever is signed in: bearer, then what makes their writes single. */
export type CallerMiddleware = [MiddlewareHandler<BearerEnv>, MiddlewareHandler<IdempotencyEnv>]

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

/** For the settings of a service that has it. */
export const idempotencyEnvironment = {
  IDEMPOTENCY_RETENTION: duration(
    'how long a write that comes again under its Idempotency-Key gets the first answer',
    '24h',
  ),
} as const

/** Deletes the answers that are too old to be given again. @returns how many */
export const pruneHttpAnswers = async (db: QueryExecutorProvider, olderThanMs = dayMs): Promise<number> => {
  const { numAffectedRows = 0n } = await sql`
    delete from http_answers where started_at < now() - ${olderThanMs} * interval '1 ms'`.execute(db)
  return Number(numAffectedRows)
}

/** Keeps answers so that nobody else can read them, nor guess the requests by their hashes. */
export interface AnswerSeal {
  /** undefined = the person was erased: nothing is kept of what they ask. */
  seal(userId: string, plain: Buffer): Promise<Buffer | undefined>
  /** undefined = the person was erased. */
  open(userId: string, sealed: Buffer): Promise<Buffer | undefined>
}

export interface IdempotencyOptions {
  /** How long an answer is given again; a day unless given. */
  readonly lifeMs?: number
  /** For routes that speak of people. They are kept as they are unless given. */
  readonly seal?: AnswerSeal
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

const firstAnswer = async (
  db: QueryExecutorProvider,
  key: string,
  hash: Buffer,
  open: (sealed: Buffer) => Promise<Buffer | undefined>,
): Promise<Response> => {
  const { rows } = await sql<AnswerRow>`select * from http_answers where key = ${key}`.execute(db)
  const [row] = rows
  const first = row && (await open(row.request_hash))
  if (row && !first) throw new Problem(410, 'answer-erased', 'The first answer was erased with the person')
  if (first && !first.equals(hash))
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
  const body = row.body === null ? undefined : await open(row.body)
  return new Response(body?.length ? new Uint8Array(body) : null, { status: row.status, headers })
}

/** Whether the same request would get the same answer later. */
const isFinal = (status: number): boolean => status < 500 && status !== 409 && status !== 429

/**
 * Gives the first answer again to a write that comes again under its `Idempotency-Key`; without that header it does
 * nothing. Stand it behind `bearer`: keys are each user's own. An answer of 5xx, 409 or 429 is not kept, since the same
 * request may succeed later. Not for requests or answers that carry secrets, such as passwords and tokens. Reading
 * requests pass.
 */
export const idempotent = (
  db: QueryExecutorProvider,
  { lifeMs = dayMs, seal }: IdempotencyOptions = {},
): MiddlewareHandler<IdempotencyEnv> =>
  createMiddleware<IdempotencyEnv>(async (c, next) => {
    const given = c.req.header('idempotency-key')
    if (given === undefined || c.req.method === 'GET' || c.req.method === 'HEAD') {
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
    const userId = c.var.identity?.userId ?? ''
    const keep = async (plain: Buffer) => (seal === undefined ? plain : seal.seal(userId, plain))
    const open = async (kept: Buffer) => (seal === undefined ? kept : seal.open(userId, kept))
    const kept = await keep(hash)
    if (kept === undefined) {
      await next()
      return undefined
    }
    if (!(await claim(db, key, kept, lifeMs))) return firstAnswer(db, key, hash, open)
    c.set('idempotencyKey', key)
    await next()
    const { status, headers } = c.res
    const body = Buffer.from(await c.res.clone().arrayBuffer())
    const answer = isFinal(status) ? await keep(body) : undefined
    if (answer === undefined)
      await sql`delete from http_answers where key = ${key} and status is null`.execute(db)
    else
      await sql`
        update http_answers set status = ${status}, content_type = ${headers.get('content-type')},
          location = ${headers.get('location')}, body = ${answer}
        where key = ${key}`.execute(db)
    return undefined
  })

const pruneEveryMs = 60 * 60 * 1000

/**
 * The first answers of a service, which forgets them by itself, and with them the keys that its appends used.
 *
 * @param db has createHttpAnswers' table and createEventStore's
 */
export const openAnswers = (
  db: QueryExecutorProvider,
  { lifeMs, log, seal }: { readonly lifeMs: number; readonly log: Logger; readonly seal?: AnswerSeal },
): {
  /** Stands behind bearer, before the routes that write. */
  readonly once: MiddlewareHandler<IdempotencyEnv>
  close(): Promise<void>
} => {
  const pruning = repeat('forget old answers', { everyMs: pruneEveryMs, log }, async () => {
    await pruneHttpAnswers(db, lifeMs)
    await pruneIdempotencyKeys(db, lifeMs)
  })
  return {
    once: idempotent(db, { lifeMs, ...(seal && { seal }) }),
    close: () => pruning.close(),
  }
}
