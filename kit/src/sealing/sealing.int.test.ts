import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createLog } from '../log/index.ts'
import { type Database, migrate, openDatabase } from '../postgres/index.ts'
import { type FreshDatabase, freshDatabase } from '../testing/index.ts'
import {
  createDataKeys,
  createSealing,
  envKeyEncryption,
  eraseDataKey,
  indexErasures,
  type KeyEncryption,
  rewrapDataKeys,
  type Sealing,
  SubjectErased,
} from './index.ts'

const log = createLog('test', 'silent')
const kek = randomBytes(32)
let fresh: FreshDatabase
let database: Database<Record<string, never>>

beforeAll(async () => {
  fresh = await freshDatabase()
  await migrate(fresh.url, { '001-keys': { up: createDataKeys }, '002-erased': { up: indexErasures } })
  database = openDatabase(fresh.url, { applicationName: 'test', poolSize: 5, log })
})
afterAll(async () => {
  await database.close()
  await fresh.drop()
})

const person = () => `user:${randomUUID()}`
const placeOf = (row: string) => ({ table: 'profiles', row, column: 'phone' })
const text = (subject: string, plain: string) => ({
  subject,
  plain: Buffer.from(plain),
  place: placeOf(subject),
})

/** As another process has it: nothing in memory. */
const process = (keyEncryption: KeyEncryption = envKeyEncryption([kek]), options = {}): Sealing =>
  createSealing({ db: database.db, keyEncryption, ...options })

const sealOne = async (sealing: Sealing, subject: string, plain: string): Promise<Buffer> =>
  (await sealing.seal([text(subject, plain)]))[0] ?? Buffer.of()

const openOne = async (sealing: Sealing, subject: string, sealed: Uint8Array): Promise<string> => {
  const [opened] = await sealing.open([{ sealed, place: placeOf(subject) }])
  return opened?.state === 'open' ? opened.plain.toString() : (opened?.state ?? 'nothing')
}

/** Counts what is asked of a holder of key-encryption keys. */
const counted = (inner: KeyEncryption) => {
  const calls = { wrap: 0, unwrap: 0 }
  const keyEncryption: KeyEncryption = {
    ...inner,
    wrap: (keys) => (calls.wrap++, inner.wrap(keys)),
    unwrap: (keys) => (calls.unwrap++, inner.unwrap(keys)),
  }
  return { calls, keyEncryption }
}

describe('sealing', () => {
  it('opens in another process what one process sealed', async () => {
    const ana = person()
    const sealed = await sealOne(process(), ana, '+49 30 1234')
    expect(sealed.includes('1234')).toBe(false)
    expect(await openOne(process(), ana, sealed)).toBe('+49 30 1234')
  })

  it('gives each person one key, also when many seal for them at once', async () => {
    const ana = person()
    const sealed = await Promise.all(Array.from({ length: 12 }, (_, n) => sealOne(process(), ana, `${n}`)))
    const { rows } = await database.pool.query('select 1 from sealing.data_keys where subject = $1', [ana])
    expect(rows).toHaveLength(1)
    expect(await Promise.all(sealed.map((bytes) => openOne(process(), ana, bytes)))).toEqual(
      Array.from({ length: 12 }, (_, n) => `${n}`),
    )
  })

  it('loads the keys of many people in one go, and then from memory', async () => {
    const people = Array.from({ length: 40 }, person)
    const sealed = await process().seal(people.map((subject) => text(subject, subject)))
    const { calls, keyEncryption } = counted(envKeyEncryption([kek]))
    const sealing = process(keyEncryption)
    const items = people.map((subject, index) => ({
      sealed: sealed[index] ?? Buffer.of(),
      place: placeOf(subject),
    }))
    const opened = await sealing.open(items)
    expect(opened.map((one) => one.state === 'open' && one.plain.toString())).toEqual(people)
    await sealing.open(items)
    await sealing.seal(people.map((subject) => text(subject, 'more')))
    expect(calls).toEqual({ wrap: 0, unwrap: 1 })
  })

  it('keeps no more keys in memory than it is told to', async () => {
    const [ana, bob] = [person(), person()]
    const { calls, keyEncryption } = counted(envKeyEncryption([kek]))
    const sealing = process(keyEncryption, { maxKeys: 1 })
    const [ofAna, ofBob] = [await sealOne(sealing, ana, 'a'), await sealOne(sealing, bob, 'b')]
    calls.unwrap = 0
    expect(await openOne(sealing, bob, ofBob)).toBe('b')
    expect(calls.unwrap).toBe(0)
    expect(await openOne(sealing, ana, ofAna)).toBe('a')
    expect(await openOne(sealing, bob, ofBob)).toBe('b')
    expect(calls.unwrap).toBe(2)
  })

  it('does not open under a key that is not here', async () => {
    const elsewhere = await freshDatabase()
    await migrate(elsewhere.url, { '001-keys': { up: createDataKeys } })
    const other = openDatabase(elsewhere.url, { applicationName: 'test', poolSize: 1, log })
    try {
      const ana = person()
      const foreign = createSealing({ db: other.db, keyEncryption: envKeyEncryption([kek]) })
      const sealed = await sealOne(foreign, ana, 'x')
      await expect(openOne(process(), ana, sealed)).rejects.toMatchObject({ code: 'unknown-key' })
      await expect(openOne(process(), ana, Buffer.from('no sealed value'))).rejects.toMatchObject({
        code: 'damaged',
      })
    } finally {
      await other.close()
      await elsewhere.drop()
    }
  })

  it('does not open with a key that was moved to somebody else', async () => {
    const [ana, bob] = [person(), person()]
    await sealOne(process(), ana, 'a')
    const ofBob = await sealOne(process(), bob, 'b')
    await database.pool.query(
      `update sealing.data_keys set wrapped = (select wrapped from sealing.data_keys where subject = $1)
       where subject = $2`,
      [ana, bob],
    )
    await expect(openOne(process(), bob, ofBob)).rejects.toMatchObject({ code: 'damaged' })
  })
})

describe('a person whose key was deleted', () => {
  it('has nothing that opens, here and elsewhere, and the others keep theirs', async () => {
    const [ana, bob] = [person(), person()]
    const sealing = process()
    const [ofAna, ofBob] = [await sealOne(sealing, ana, 'a'), await sealOne(sealing, bob, 'b')]
    expect(await database.db.transaction().execute((trx) => sealing.erase(trx, ana))).toBe(true)
    for (const reader of [sealing, process()]) {
      const opened = await reader.open([
        { sealed: ofAna, place: placeOf(ana) },
        { sealed: ofBob, place: placeOf(bob) },
      ])
      expect(opened).toEqual([{ state: 'erased' }, { state: 'open', plain: Buffer.from('b') }])
    }
    expect(await eraseDataKey(database.db, ana)).toBe(false)
  })

  it('leaves no key behind in the row', async () => {
    const ana = person()
    const sealing = process()
    await sealOne(sealing, ana, 'a')
    await sealing.erase(database.db, ana)
    const { rows } = await database.pool.query(
      'select wrapped, kek, erased_at is not null as erased from sealing.data_keys where subject = $1',
      [ana],
    )
    expect(rows).toEqual([{ wrapped: null, kek: null, erased: true }])
  })

  it('gets no new one, whether there was a key or not', async () => {
    for (const before of [true, false]) {
      const ana = person()
      const sealing = process()
      if (before) await sealOne(sealing, ana, 'a')
      await sealing.erase(database.db, ana)
      await expect(sealOne(sealing, ana, 'again')).rejects.toBeInstanceOf(SubjectErased)
    }
  })

  it('keeps it when the transaction is rolled back', async () => {
    const ana = person()
    const sealing = process()
    const sealed = await sealOne(sealing, ana, 'a')
    await database.db
      .transaction()
      .execute(async (trx) => {
        await sealing.erase(trx, ana)
        throw new Error('rolled back')
      })
      .catch(() => undefined)
    expect(await openOne(sealing, ana, sealed)).toBe('a')
  })

  it('is forgotten by other processes that have it in memory, at their next look', async () => {
    const [ana, bob] = [person(), person()]
    const { calls, keyEncryption } = counted(envKeyEncryption([kek]))
    const other = process(keyEncryption, { checkAfterMs: 0 })
    const [ofAna, ofBob] = [await sealOne(other, ana, 'a'), await sealOne(other, bob, 'b')]
    const both = [
      { sealed: ofAna, place: placeOf(ana) },
      { sealed: ofBob, place: placeOf(bob) },
    ]
    await process().erase(database.db, ana)
    calls.unwrap = 0
    expect((await other.open(both)).map(({ state }) => state)).toEqual(['erased', 'open'])
    await expect(sealOne(other, ana, 'again')).rejects.toThrow(SubjectErased)
    // A look is a query: Vault is not asked for what is in memory.
    expect(calls.unwrap).toBe(0)
  })

  it('is forgotten also when others looked while it was being erased', async () => {
    const ana = person()
    const other = process(undefined, { checkAfterMs: 0 })
    const sealed = await sealOne(other, ana, 'a')
    await database.db.transaction().execute(async (trx) => {
      await process().erase(trx, ana)
      // Of a transaction that goes on nothing is to be seen, and it will say that it began before this look.
      expect(await openOne(other, ana, sealed)).toBe('a')
    })
    expect(await openOne(other, ana, sealed)).toBe('erased')
  })

  it('is used for a second by who has it in memory, and is not read each time', async () => {
    const ana = person()
    const [patient, other] = [process(undefined, { checkAfterMs: 60_000 }), process()]
    const sealed = await sealOne(patient, ana, 'a')
    expect(await openOne(other, ana, sealed)).toBe('a')
    const queries = vi.spyOn(database.pool, 'connect')
    for (let n = 0; n < 20; n++) expect(await openOne(patient, ana, sealed)).toBe('a')
    expect(queries).not.toHaveBeenCalled()
    queries.mockRestore()
    await process().erase(database.db, ana)
    await vi.waitFor(
      async () => {
        expect(await openOne(other, ana, sealed)).toBe('erased')
      },
      { timeout: 10_000 },
    )
  })
})

describe('when the key-encryption key changes', () => {
  const next = randomBytes(32)
  const both = () => envKeyEncryption([next, kek])

  it('what was sealed before opens, and what is new is under the new one', async () => {
    const [ana, bob] = [person(), person()]
    const ofAna = await sealOne(process(), ana, 'a')
    const ofBob = await sealOne(process(both()), bob, 'b')
    expect(await openOne(process(both()), ana, ofAna)).toBe('a')
    await expect(openOne(process(), bob, ofBob)).rejects.toMatchObject({ code: 'unknown-key' })
  })

  it('rewrapping makes the old one needless, in steps that add up', async () => {
    const people = Array.from({ length: 7 }, person)
    const sealed = await process().seal(people.map((subject) => text(subject, subject)))
    const steps: number[] = []
    const result = await rewrapDataKeys(database.db, both(), {
      batch: 3,
      progress: (done) => steps.push(done),
    })
    expect(result).toMatchObject({ current: await both().current() })
    expect(result.rewrapped).toBeGreaterThanOrEqual(people.length)
    expect(steps.at(-1)).toBe(result.rewrapped)
    expect(steps).toHaveLength(Math.ceil((result.rewrapped + Object.values(result.left).length) / 3))
    const opened = await process(envKeyEncryption([next])).open(
      people.map((subject, index) => ({ sealed: sealed[index] ?? Buffer.of(), place: placeOf(subject) })),
    )
    expect(opened.map((one) => one.state === 'open' && one.plain.toString())).toEqual(people)
    expect(await rewrapDataKeys(database.db, both())).toMatchObject({ rewrapped: 0 })
  })

  it('rewrapping says how many need a key that it was not given, and does the others', async () => {
    const lost = randomBytes(32)
    const [ana, bob] = [person(), person()]
    await sealOne(process(envKeyEncryption([lost])), ana, 'a')
    await sealOne(process(), bob, 'b')
    const result = await rewrapDataKeys(database.db, both(), { batch: 1 })
    expect(result.left).toMatchObject({ [await envKeyEncryption([lost]).current()]: 1 })
    expect(result.rewrapped).toBeGreaterThanOrEqual(1)
  })

  it('rewrapping never brings back a key that was deleted meanwhile', async () => {
    const ana = person()
    const sealed = await sealOne(process(), ana, 'a')
    const meanwhile: KeyEncryption = {
      ...both(),
      async wrap(keys) {
        await eraseDataKey(database.db, ana)
        return both().wrap(keys)
      },
    }
    await rewrapDataKeys(database.db, meanwhile)
    expect(await openOne(process(both()), ana, sealed)).toBe('erased')
  })
})
