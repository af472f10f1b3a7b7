import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, inject, it, vi } from 'vitest'
import { inParallel, register, request } from '../support/api.ts'

const waiting = { timeout: 40_000, interval: 100 }
const root = join(import.meta.dirname, '../..')

/** `npm run ops`, on the stack of the tests. */
const ops = async (args: readonly string[]) => {
  const child = spawn(process.execPath, ['--import', 'tsx', 'deploy/ops/main.ts', ...args], {
    cwd: root,
    env: { PATH: process.env['PATH'], VEZA_DIR: inject('veza').dataDir },
  })
  let [output, errors] = ['', '']
  child.stdout.on('data', (data: Buffer) => (output += data.toString()))
  child.stderr.on('data', (data: Buffer) => (errors += data.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, output, errors }
}

it('rebuilds what people see of each other while they look and change, and nobody notices', async () => {
  const { http } = inject('veza')
  const people = await inParallel(4, Array.from({ length: 8 }), (_, n) => register(http, `Person ${n}`))
  const [ana, ...others] = people
  if (ana === undefined) throw new Error('nobody is there')
  const call = (token: string, method: string, path: string, body?: unknown) =>
    request(http, method, path, { token, ...(body === undefined ? {} : { body }) })
  for (const { token } of people) expect((await call(token, 'GET', '/v1/users/me')).status).toBe(200)
  for (const { token } of others)
    expect((await call(token, 'PUT', `/v1/users/${ana.id}/follow`)).status).toBe(200)
  const seen = (index: number) => call(people[index]?.token ?? '', 'GET', `/v1/users/${ana.id}`)
  // The others' follows are on their way here for a moment.
  await vi.waitFor(async () => {
    expect(await seen(1)).toMatchObject({ body: { followers: others.length } })
  }, waiting)

  const state = { ended: false }
  const replaying = ops(['replay', 'users-views']).finally(() => (state.ended = true))
  let changes = 0
  // At least once after the swap too.
  for (let isLast = false; !isLast; changes++) {
    isLast = state.ended
    expect((await call(ana.token, 'PATCH', '/v1/users/me', { bio: `bio ${changes}` })).status).toBe(200)
    // The caller's own changes are there at once, whichever views are.
    expect(await call(ana.token, 'GET', '/v1/users/me')).toMatchObject({
      status: 200,
      body: { bio: `bio ${changes}`, followers: others.length },
    })
    expect(await seen(1 + (changes % others.length))).toMatchObject({
      status: 200,
      body: { displayName: 'Person 0', followers: others.length, relationship: { following: 'following' } },
    })
  }
  const { code, output, errors } = await replaying
  expect([code, errors]).toEqual([0, ''])
  expect(output).toMatch(/^0 of \d+ records\n(?:\d+ of \d+ records\n)*swapped after \d+ records, [\d.]+ s\n$/)
})
