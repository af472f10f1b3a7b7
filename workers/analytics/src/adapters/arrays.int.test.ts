import { createLog } from '@veza/kit/log'
import { openDatabase } from '@veza/kit/postgres'
import { infrastructure } from '@veza/kit/testing'
import { type RawBuilder, sql } from 'kysely'
import { afterAll, expect, it } from 'vitest'
import { column } from './arrays.ts'

const database = openDatabase(infrastructure().databaseUrl, {
  ...{ applicationName: 'test', poolSize: 1, log: createLog('test', 'silent') },
})
afterAll(() => database.close())

const readBack = async (parameter: RawBuilder<unknown>): Promise<unknown[]> => {
  const { rows } = await sql<{ value: unknown }>`
    select value from unnest(${parameter}) with ordinality as given (value, nth) order by nth`.execute(
    database.db,
  )
  return rows.map(({ value }) => value)
}

const as = <T>(value: T): T => value

it.each([
  ['smallint', [0, 1, -1, 32_767, -32_768, null]],
  ['int', [0, -1, 2_147_483_647, -2_147_483_648, null]],
  ['bigint', [0, 1, -1, 2 ** 32, -(2 ** 32) - 1, 1_764_000_000_000, Number.MAX_SAFE_INTEGER, null]],
] as const)('numbers come as they were: %s', async (type, values) => {
  expect(await readBack(column<number | null, typeof type>(values, type, as))).toEqual(values)
})

it('so do UUIDs, texts, bytes and nothing at all', async () => {
  const uuids = ['00000000-0000-0000-0000-000000000000', null, '0193ba5c-89de-7abc-bdef-fedcba987654']
  expect(await readBack(column(uuids, 'uuid', as))).toEqual(uuids)
  expect(await readBack(column(['0193BA5C-89DE-7ABC-BDEF-FEDCBA987654'], 'uuid', as))).toEqual([uuids[2]])
  const texts = ['', '0-10;20-30', 'NULL', '{a,"b"\\}', 'zażółć 🎧', null]
  expect(await readBack(column(texts, 'text', as))).toEqual(texts)
  const bytes = [Buffer.from([0, 255, 92]), Buffer.alloc(0), null]
  expect(await readBack(column(bytes, 'bytea', as))).toEqual(bytes)
  expect(await readBack(column([], 'uuid', as))).toEqual([])
})

it.each([
  '',
  '0193ba5c',
  '0193ba5c-89de-7abc-bdef-fedcba98765',
  '0193ba5c-89de-7abc-bdef-fedcba98765g',
  'ż'.repeat(36),
])('what is no UUID is refused before the database sees it: %j', (text) => {
  expect(() => column([text], 'uuid', as)).toThrow('not a UUID')
})
