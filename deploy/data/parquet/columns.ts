import { type RecordName } from '@veza/contracts'
import { type AvroType, fieldsOf, withoutNull } from '@veza/contracts/catalogue'
import { type ConsumedRecord, headerOf } from '@veza/kit/kafka'
import {
  BLOB,
  BIGINT,
  BOOLEAN,
  DOUBLE,
  type DuckDBAppender,
  type DuckDBType,
  FLOAT,
  INTEGER,
  LIST,
  listValue,
  VARCHAR,
} from '@duckdb/node-api'

/** A value that no column can hold: the record is left out, and told. */
export class NotExportable extends Error {
  override readonly name = 'NotExportable'
}

/** A column of a Parquet file. */
export interface Column {
  readonly name: string
  readonly kind: Kind
}

const uuidForm = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** How a type of Avro is held in memory, and what it is in the file. */
export interface Kind {
  readonly held: DuckDBType
  /** The type in the file, in SQL. */
  readonly type: string
  /** What makes one of the other, in SQL. */
  readonly keep: (column: string) => string
  readonly append: (appender: DuckDBAppender, value: never) => void
  /** Throws NotExportable. */
  readonly check?: (value: never) => void
}

const kind = <T>(
  held: DuckDBType,
  append: (appender: DuckDBAppender, value: T) => void,
  more: Partial<Pick<Kind, 'type' | 'keep'>> & { readonly check?: (value: T) => void } = {},
): Kind => ({ held, type: held.toString(), keep: (column) => column, append, ...more })

const appendLong = (appender: DuckDBAppender, value: number): void => {
  appender.appendBigInt(BigInt(value))
}
const appendText = (appender: DuckDBAppender, value: string): void => {
  appender.appendVarchar(value)
}

const kinds: Readonly<Record<string, Kind>> = {
  boolean: kind<boolean>(BOOLEAN, (to, value) => {
    to.appendBoolean(value)
  }),
  int: kind<number>(INTEGER, (to, value) => {
    to.appendInteger(value)
  }),
  long: kind(BIGINT, appendLong),
  float: kind<number>(FLOAT, (to, value) => {
    to.appendFloat(value)
  }),
  double: kind<number>(DOUBLE, (to, value) => {
    to.appendDouble(value)
  }),
  string: kind(VARCHAR, appendText),
  bytes: kind<Buffer>(BLOB, (to, value) => {
    to.appendBlob(value)
  }),
  // Held as text, which costs least on the way in.
  uuid: kind(VARCHAR, appendText, {
    ...{ type: 'UUID', keep: (column) => `${column}::UUID` },
    check(value) {
      if (!uuidForm.test(value)) throw new NotExportable(`no UUID: ${value.slice(0, 64)}`)
    },
  }),
  'timestamp-millis': kind(BIGINT, appendLong, {
    ...{ type: 'TIMESTAMP_MS', keep: (column) => `make_timestamp_ms(${column})::TIMESTAMP_MS` },
  }),
}

const named = (type: AvroType): string => {
  if (typeof type === 'string') return type
  if ('type' in type) return type.logicalType ?? named(type.type)
  throw new Error('a union in a union has no column')
}

const known = (name: string): Kind => {
  const found = kinds[name]
  if (!found) throw new Error(`no column is known for the Avro type ${name}`)
  return found
}

/** @throws Error for a shape that no contract uses yet (maps, nested records, decimals): extend this when one does */
export const kindOf = (type: AvroType): Kind => {
  if (typeof type !== 'object' || !('items' in type)) return known(named(type))
  const item = known(named(type.items))
  const list = LIST(item.held)
  return kind<readonly never[]>(
    list,
    (to, values) => {
      to.appendList(listValue([...values]), list)
    },
    {
      ...{ type: `${item.type}[]`, keep: (column) => `${column}::${item.type}[]` },
      check(values) {
        for (const value of values) item.check?.(value)
      },
    },
  )
}

/** Where a record was, and what its headers say. The names are of no field. */
const placeColumns: readonly Column[] = [
  { name: 'kafka_partition', kind: known('int') },
  { name: 'kafka_offset', kind: known('long') },
  { name: 'kafka_timestamp', kind: known('timestamp-millis') },
  { name: 'kafka_key', kind: known('string') },
  { name: 'ce_id', kind: known('string') },
]

/** How records of one type become rows. */
export interface Shape {
  readonly columns: readonly Column[]
  /** Throws NotExportable before anything is appended. */
  readonly append: (appender: DuckDBAppender, record: ConsumedRecord, value: object) => void
}

/** The columns of a record's newest version. */
export const shapeOf = (record: RecordName): Shape => {
  const fields = fieldsOf(record).map(({ name, type }): Column => {
    return { name, kind: kindOf(withoutNull(type).type) }
  })
  return {
    columns: [...placeColumns, ...fields],
    append(appender, source, value) {
      const values = value as Readonly<Record<string, unknown>>
      for (const { name, kind: of } of fields)
        if (of.check && values[name] !== null) of.check(values[name] as never)
      const places = [
        source.partition,
        source.offset,
        source.timestamp,
        source.key,
        headerOf(source, 'ce_id'),
      ]
      placeColumns.forEach(({ kind: of }, index) => {
        const place = places[index]
        if (place === null || place === undefined) appender.appendNull()
        else of.append(appender, place as never)
      })
      for (const { name, kind: of } of fields) {
        if (values[name] === null) appender.appendNull()
        else of.append(appender, values[name] as never)
      }
      appender.endRow()
    },
  }
}
