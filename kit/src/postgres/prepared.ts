import { type CompiledQuery } from 'kysely'
import type pg from 'pg'

/**
 * Makes a query that is asked all the time: built and compiled once, and parsed and planned once by each connection rather
 * than each time, which is more than half of what finding a row by its key costs, here and at the server. It runs on a
 * connection of the pool, never in a transaction.
 *
 * @param name of the statement: no other query of the database has it
 * @param build gets what stands for the values: they can be put into the query, and nothing else be done with them. Name
 * the columns, since a prepared `select *` fails once there is one more.
 */
export type Prepare = <Values extends Readonly<Record<string, unknown>>, Row>(
  name: string,
  build: (values: Values) => { compile(): CompiledQuery<Row> },
) => (values: Values) => Promise<Row[]>

/** Stands for a value while the query is built. */
class Placeholder {
  readonly key: string
  constructor(key: string) {
    this.key = key
  }
}

const placeholders = new Proxy({}, { get: (_, key) => new Placeholder(String(key)) })

export const prepareOn =
  (pool: pg.Pool): Prepare =>
  <Values extends Readonly<Record<string, unknown>>, Row>(
    name: string,
    build: (values: Values) => { compile(): CompiledQuery<Row> },
  ) => {
    const { sql: text, parameters } = build(placeholders as Values).compile()
    return async (values: Values) => {
      const given = parameters.map((parameter) =>
        parameter instanceof Placeholder ? values[parameter.key] : parameter,
      )
      const { rows } = await pool.query<Row & pg.QueryResultRow>({ name, text, values: given })
      return rows
    }
  }
