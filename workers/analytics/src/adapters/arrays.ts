import { type RawBuilder, sql } from 'kysely'

/** How an element of a type is written in PostgreSQL's binary form (its source: utils/adt, the `recv` functions). */
interface Element<V> {
  /** The type's oid, from pg_type. */
  readonly oid: number
  /** Of a value; most types have one for all. */
  readonly bytesOf: (value: V) => number
  readonly write: (bytes: Buffer, value: V, at: number) => void
}

const uuidBytes = 16
const twoTo32 = 2 ** 32

/** More than any digit. */
const noDigit = 16

/** The value of a hexadecimal digit, by its code. */
const digits = new Uint8Array(128).fill(noDigit)
for (let value = 0; value < noDigit; value++) {
  const digit = value.toString(16)
  digits[digit.charCodeAt(0)] = value
  digits[digit.toUpperCase().charCodeAt(0)] = value
}

const writeUuid = (bytes: Buffer, uuid: string, start: number): void => {
  let from = 0
  let wrong = 0
  for (let at = start; at < start + uuidBytes; at++) {
    // Before the bytes 4, 6, 8 and 10.
    if (uuid.charCodeAt(from) === 0x2d) from++
    const high = digits[uuid.charCodeAt(from++)] ?? noDigit
    const low = digits[uuid.charCodeAt(from++)] ?? noDigit
    wrong |= high | low
    bytes[at] = (high << 4) | low
  }
  if (wrong >= noDigit || from !== uuid.length) throw new RangeError('not a UUID')
}

const numbers = (
  oid: number,
  size: number,
  write: (bytes: Buffer, value: number, at: number) => void,
): Element<number> => ({ oid, bytesOf: () => size, write })

const elements = {
  uuid: { oid: 2950, bytesOf: () => uuidBytes, write: writeUuid },
  text: {
    oid: 25,
    bytesOf: (text: string) => Buffer.byteLength(text),
    write: (bytes: Buffer, text: string, at: number) => void bytes.write(text, at),
  },
  bytea: {
    oid: 17,
    bytesOf: (value: Buffer) => value.length,
    write: (bytes: Buffer, value: Buffer, at: number) => void value.copy(bytes, at),
  },
  smallint: numbers(21, 2, (bytes, value, at) => bytes.writeInt16BE(value, at)),
  int: numbers(23, 4, (bytes, value, at) => bytes.writeInt32BE(value, at)),
  bigint: numbers(20, 8, (bytes, value, at) => {
    bytes.writeInt32BE(Math.floor(value / twoTo32), at)
    bytes.writeUInt32BE(value >>> 0, at + 4)
  }),
} satisfies Readonly<Record<string, Element<never>>>

type Elements = typeof elements
type Value<Type extends keyof Elements> = Parameters<Elements[Type]['write']>[1]

const headBytes = 20
const nullLength = -1

/** An array of one dimension, as PostgreSQL's array_recv reads it: its head, then each element after its length. */
const encode = <V>({ oid, bytesOf, write }: Element<V>, values: readonly (V | null)[]): Buffer => {
  let size = headBytes
  for (const value of values) size += 4 + (value === null ? 0 : bytesOf(value))
  const bytes = Buffer.allocUnsafe(size)
  bytes.writeInt32BE(1, 0)
  // Whether there are nulls: not read by array_recv, which finds them by their length.
  bytes.writeInt32BE(0, 4)
  bytes.writeInt32BE(oid, 8)
  bytes.writeInt32BE(values.length, 12)
  // The first index.
  bytes.writeInt32BE(1, 16)
  let at = headBytes
  for (const value of values) {
    const length = value === null ? nullLength : bytesOf(value)
    bytes.writeInt32BE(length, at)
    at += 4
    if (value === null) continue
    write(bytes, value, at)
    at += length
  }
  return bytes
}

/**
 * A column of many rows as one parameter, in binary: as text it would cost both sides several times as much, to write and to
 * read. UUIDs are given as text, bigints as numbers that are safe.
 */
export const column = <T, Type extends keyof Elements>(
  rows: readonly T[],
  type: Type,
  of: (row: T) => Value<Type> | null,
): RawBuilder<unknown> => {
  const element = elements[type] as Element<Value<Type>>
  return sql`${encode(element, rows.map(of))}::${sql.raw(type)}[]`
}
