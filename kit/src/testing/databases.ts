import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { infrastructure } from './infrastructure.ts'

/** A database of one test's own. */
export interface FreshDatabase {
  readonly url: string
  /** Drops it, connections included. */
  readonly drop: () => Promise<void>
}

const administer = async (url: string, statement: string): Promise<void> => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

/** Creates an empty database with a random name on the server that DATABASE_URL names. */
export const freshDatabase = async (): Promise<FreshDatabase> => {
  const { databaseUrl } = infrastructure()
  const name = `test_${randomBytes(8).toString('hex')}`
  await administer(databaseUrl, `create database ${name}`)
  const url = new URL(databaseUrl)
  url.pathname = `/${name}`
  return {
    url: url.href,
    drop: () => administer(databaseUrl, `drop database if exists ${name} with (force)`),
  }
}
