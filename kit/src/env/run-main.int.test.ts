import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'

const env = new URL('./index.ts', import.meta.url).href

const start = (body: string) => {
  const code = `import { integer, readEnv, runMain } from ${JSON.stringify(env)}\n${body}`
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], {
    env: { PATH: process.env['PATH'] },
  })
  const text = { out: '', err: '' }
  child.stdout.on('data', (data: Buffer) => (text.out += data.toString()))
  child.stderr.on('data', (data: Buffer) => (text.err += data.toString()))
  return { child, text, closed: once(child, 'close') as Promise<[number | null]> }
}

test('a process that lacks settings says so in plain lines and exits with 78', async () => {
  const { text, closed } = start(`await runMain('demo', async () => { readEnv({ PORT: integer('Port') }) })`)
  expect(await closed).toEqual([78, null])
  expect(text).toEqual({
    out: '',
    err: 'demo: the environment is not right\n  PORT is missing: Port. Expected a whole number at least 0\n',
  })
})

test('a process that is told to stop closes its parts, and exits with 0', async () => {
  const { child, text, closed } = start(`await runMain('demo', async (run) => {
    const timer = setInterval(() => undefined, 1000)
    run.onStop('timer', () => clearInterval(timer))
    console.log('up')
  })`)
  await expect.poll(() => text.out, { timeout: 20_000 }).toContain('up')
  child.kill('SIGTERM')
  expect(await closed).toEqual([0, null])
})

test('a promise that nobody caught is logged as JSON, and ends the process with 1', async () => {
  const { text, closed } = start(`await runMain('demo', async () => {
    setInterval(() => undefined, 1000)
    void Promise.reject(new Error('forgotten'))
  })`)
  expect(await closed).toEqual([1, null])
  expect(JSON.parse(text.out)).toMatchObject({ level: 'fatal', name: 'demo', err: { message: 'forgotten' } })
})
