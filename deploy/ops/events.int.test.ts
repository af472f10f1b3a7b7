import { freshDatabase } from '@veza/kit/testing'
import { migrateUsers } from '@veza/users/migrate'
import { expect, it, onTestFinished } from 'vitest'
import { type Command, UsageError } from './command.ts'
import { rebase, replayReadModel } from './events.ts'

const run = async (command: Command, args: readonly string[], env: Record<string, string> = {}) => {
  const printed: string[] = []
  const print = (line: string) => void printed.push(line)
  const done = await command.run(args, { env, print, warn: print })
  return { done, printed }
}

it.each([
  [],
  ['users-views', '--since', '2026-11-24'],
  ['users-views', '--from'],
  ['users-views', '--from', 'yesterday'],
  ['users-views', '--from', '2026-11-24', 'more'],
])('replay is not called with %s %s %s %s', async (...args) => {
  await expect(run(replayReadModel, args)).rejects.toThrow(UsageError)
})

it('replay says which read models there are, and which settings are missing', async () => {
  await expect(run(replayReadModel, ['lists'])).rejects.toThrow('no read model lists; there are: users-views')
  await expect(run(replayReadModel, ['users-views'])).rejects.toThrow('KAFKA_BROKERS is missing')
})

it('rebase-outbox gives the events of a restored database transaction ids of its new cluster', async () => {
  const fresh = await freshDatabase()
  onTestFinished(() => fresh.drop())
  await migrateUsers(fresh.url)
  const done = await run(rebase, ['users'], { USERS_DATABASE_URL: fresh.url })
  expect(done).toEqual({ done: true, printed: ['0 events of users are to be published'] })
  await expect(run(rebase, ['nobody'])).rejects.toThrow('one of auth, chat, users')
  await expect(run(rebase, ['users', 'more'])).rejects.toThrow(UsageError)
})
