import { createLog } from '@veza/kit/log'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { requestMail } from './adapters/mail-requests.ts'
import { type Mail } from './adapters/mailer.ts'
import { sendMail } from './commands/send-mail.ts'
import { type AuthParts, openParts } from './open-parts.ts'
import { type AuthFixture, openAuthFixture } from './testing/auth-fixture.ts'

let fixture: AuthFixture
let parts: AuthParts
const logged: { msg: string; attempts?: number }[] = []
const log = createLog('test', 'info', {
  write: (line) => void logged.push(JSON.parse(line) as (typeof logged)[number]),
})

beforeAll(async () => {
  fixture = await openAuthFixture()
  const { settings, codec } = fixture
  parts = await openParts(settings, { log, codec, applicationName: 'test', poolSize: 2 })
})
afterAll(async () => {
  await parts.close()
  await fixture.close()
})

/** Sends from a day on at which the fixture's own clock does not arrive. */
const sender = (send: (mail: Mail) => Promise<void>) => {
  const { db } = parts.database
  let now = new Date(fixture.now().getTime() + 24 * 3_600_000)
  const deps = { db, personal: parts.personal, log, now: () => now, appUrl: 'https://veza.example' }
  return {
    want: (email: string) =>
      requestMail(db, { kind: 'reset-password', emailHash: parts.index.email(email) }, now),
    run: sendMail({ ...deps, mailer: { send, close: () => undefined } }),
    /** When the next letter is due; undefined: none is wanted. The clock goes there. */
    untilDue: async () => {
      const due = await db.selectFrom('mail_requests').select('next_attempt_at').executeTakeFirst()
      if (due !== undefined) now = due.next_attempt_at
      return due && now
    },
  }
}

it('a letter that cannot be sent is tried again for eight hours, less and less often, then given up', async () => {
  const ana = await fixture.person()
  await expect.poll(() => fixture.letters(ana.user.email)).toHaveLength(1)
  const attempts: Date[] = []
  const { want, run, untilDue } = sender(() => Promise.reject(new Error('the mail server is away')))
  await want(ana.user.email)
  for (let due = await untilDue(); due !== undefined; due = await untilDue()) {
    attempts.push(due)
    expect(await run()).toBe(1)
  }
  const hours = (from: Date | undefined, to: Date | undefined) =>
    ((to?.getTime() ?? 0) - (from?.getTime() ?? 0)) / 3_600_000
  expect(attempts).toHaveLength(10)
  expect(hours(attempts[0], attempts.at(-1))).toBeCloseTo(8.5, 1)
  expect(hours(attempts[0], attempts[1])).toBeLessThan(hours(attempts[1], attempts[2]))
  expect(logged.at(-1)?.msg).toBe('gave up a letter')
  expect(JSON.stringify(logged)).not.toContain(ana.user.email)
})

it('a letter to an address that nobody has is wanted like any other, and sent to nobody', async () => {
  const sent: Mail[] = []
  const { want, run, untilDue } = sender((mail) => Promise.resolve(void sent.push(mail)))
  await want('nobody@example.org')
  expect(await run()).toBe(1)
  const ana = await fixture.person()
  await expect.poll(() => fixture.letters(ana.user.email)).toHaveLength(1)
  await want(ana.user.email)
  expect(await run()).toBe(1)
  expect(sent.map(({ to }) => to)).toEqual([ana.user.email])
  expect(await untilDue()).toBeUndefined()
})
