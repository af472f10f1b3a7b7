import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { migrateAuth } from '@veza/auth/migrate'
import { freshDatabase, infrastructure } from '@veza/kit/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openAuthFixture, type AuthFixture } from './testing/auth-fixture.ts'

let fixture: AuthFixture
beforeAll(async () => {
  fixture = await openAuthFixture()
})
afterAll(() => fixture.close())

describe('auth as a process of its own', () => {
  const main = fileURLToPath(new URL('main.ts', import.meta.url))
  const start = (environment: Record<string, string>) => {
    const child = spawn(process.execPath, ['--import', 'tsx', main], {
      env: {
        PATH: process.env['PATH'],
        HTTP_PORT: '0',
        INTERNAL_PORT: '0',
        KAFKA_BROKERS: infrastructure().kafkaBrokers.join(),
        SCHEMA_REGISTRY_URL: infrastructure().schemaRegistryUrl,
        SERVICE_TOKEN: 'a-service-token-for-tests',
        ...environment,
      },
    })
    let [output, errors] = ['', '']
    child.stdout.on('data', (data: Buffer) => (output += data.toString()))
    child.stderr.on('data', (data: Buffer) => (errors += data.toString()))
    const exited = once(child, 'exit').then(([code]) => code as number | null)
    return {
      port: () =>
        expect
          .poll(() => /"port":(\d+),"msg":"listening"/.exec(output)?.[1], { timeout: 30_000 })
          .toBeDefined()
          .then(() => Number(/"port":(\d+),"msg":"listening"/.exec(output)?.[1])),
      errors: () => errors,
      exited,
      stop: () => {
        child.kill('SIGTERM')
        return exited
      },
    }
  }

  it('starts twice at once on a fresh database, agrees on one key, and stops when told', async () => {
    const database = await freshDatabase()
    await migrateAuth(database.url)
    const environment = {
      AUTH_DATABASE_URL: database.url,
      KEY_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    }
    const both = [start(environment), start(environment)]
    try {
      const sets = await Promise.all(
        both.map(async ({ port }) =>
          (await fetch(`http://127.0.0.1:${await port()}/.well-known/jwks.json`)).text(),
        ),
      )
      expect(sets[0]).toContain('"kid"')
      expect(sets[1]).toBe(sets[0])
    } finally {
      expect(await Promise.all(both.map(({ stop }) => stop()))).toEqual([0, 0])
      await database.drop()
    }
  })

  it('says in a line each what is wrong with its settings', async () => {
    const { exited, errors } = start({
      AUTH_DATABASE_URL: fixture.database.url,
      KEY_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    })
    expect(await exited).toBe(78)
    expect(errors().trim().split('\n')).toEqual([
      expect.any(String),
      expect.stringMatching(/^ +KEY_ENCRYPTION_KEY is not the key that the signing keys/),
    ])
  })
})
