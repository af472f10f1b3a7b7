import { type Kysely, sql } from 'kysely'
import { type MailKind } from '../domain/letters.ts'
import { type AuthDatabase } from './database.ts'

/** A letter that is wanted. */
export interface MailRequest {
  readonly id: number
  readonly kind: MailKind
  readonly emailHash: Buffer
  /** This one included. */
  readonly attempts: number
}

/** Wants a letter, in the transaction of what it is about. The same whether anybody has the address or not. */
export const requestMail = async (
  db: Kysely<AuthDatabase>,
  { kind, emailHash }: { kind: MailKind; emailHash: Buffer },
  now: Date,
): Promise<void> => {
  await db
    .insertInto('mail_requests')
    .values({ kind, email_hash: emailHash, requested_at: now, next_attempt_at: now })
    .execute()
}

// Minutes later, then hours: a mail server that is down over a night loses no letter.
const pauseMs = 60_000

/**
 * Takes letters that are due, oldest first. Nobody else gets one of them before its next attempt is due, which is longer
 * than sending takes, and later each time.
 */
export const takeMailRequests = async (
  db: Kysely<AuthDatabase>,
  limit: number,
  now: Date,
): Promise<MailRequest[]> => {
  const { rows } = await sql<MailRequest>`
    update mail_requests set
      attempts = attempts + 1,
      next_attempt_at = ${now}::timestamptz + ${pauseMs} * interval '1 millisecond' * power(2, attempts)
    where id in (
      select id from mail_requests where next_attempt_at <= ${now}
      order by next_attempt_at limit ${limit} for update skip locked)
    returning id, kind, email_hash as "emailHash", attempts`.execute(db)
  return rows
}

/** It was sent, or given up. */
export const deleteMailRequest = async (db: Kysely<AuthDatabase>, id: number): Promise<void> => {
  await db.deleteFrom('mail_requests').where('id', '=', id).execute()
}
