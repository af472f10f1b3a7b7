import { type RawBuilder, sql } from 'kysely'

/** What needs no quotes in an array's text: numbers, UUIDs, and words without white space, `,`, `{`, `"` or `\`. */
type Plain = string | number | null

/**
 * A column of many rows as one parameter. pg looks at each element for what it must escape, which costs more than the
 * statement does; here nothing is to be escaped.
 */
export const column = <T>(
  rows: readonly T[],
  type: 'uuid' | 'int' | 'bigint' | 'smallint' | 'text',
  of: (row: T) => Plain,
): RawBuilder<unknown> => {
  let text = ''
  for (const row of rows) {
    const value = of(row)
    text += `${text === '' ? '' : ','}${value === null ? 'NULL' : value === '' ? '""' : value}`
  }
  return sql`${`{${text}}`}::${sql.raw(type)}[]`
}

/** The same for bytes. */
export const bytesColumn = <T>(rows: readonly T[], of: (row: T) => Buffer): RawBuilder<unknown> =>
  sql`${`{${rows.map((row) => String.raw`"\\x${of(row).toString('hex')}"`).join(',')}}`}::bytea[]`
