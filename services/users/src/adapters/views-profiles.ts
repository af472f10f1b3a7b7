import { type Kysely, sql } from 'kysely'
import { searchForm } from '../domain/fields.ts'
import { evolve, type UserEvent, unknownUser, type User } from '../domain/user.ts'
import { type UsersRecord } from './publish.ts'
import { type ViewsDatabase } from './schema.ts'

/** An event of a person. `event` is undefined when what it says was erased by now, or is said anew by a later one. */
export interface SeenUserEvent {
  readonly userId: string
  readonly record: UsersRecord
  readonly event: UserEvent | undefined
  readonly version: number
}

type Row = ViewsDatabase['profiles']
export type ProfileRows = Map<string, Row>

/** Types of the columns, for rows that are sent as one JSON text: a parameter a value would cost more than all the rest. */
const columns = {
  user_id: 'uuid',
  version: 'bigint',
  erased: 'boolean',
  display_name: 'text',
  handle: 'text',
  bio: 'text',
  location: 'text',
  links: 'jsonb',
  avatar_id: 'uuid',
  approve_followers: 'boolean',
  searchable: 'boolean',
  follows_visible_to: 'text',
  private_fields: 'bytea',
  settings: 'bytea',
  search: 'text',
  erasure_due_at: 'timestamptz',
  created_at: 'timestamptz',
  updated_at: 'timestamptz',
} as const satisfies Record<keyof Row, string>
const names = Object.keys(columns) as (keyof Row)[]

const bytesText = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : `\\x${Buffer.from(bytes).toString('hex')}`

/** Rows as a table that a statement can select from. */
const asTable = (rows: readonly Row[]) => {
  const texts = rows.map((row) => ({
    ...row,
    private_fields: bytesText(row.private_fields),
    settings: bytesText(row.settings),
  }))
  const types = names.map((name) => `${name} ${columns[name]}`).join()
  return sql<Row>`json_to_recordset(${JSON.stringify(texts)}::json)`.as<'row'>(sql.raw(`row (${types})`))
}

const blank = (userId: string, version: number, erased: boolean): Row => ({
  user_id: userId,
  version,
  erased,
  ...columnsOf(unknownUser),
  private_fields: null,
  settings: null,
  updated_at: null,
})

const columnsOf = ({ profile, avatarId, privacy, erasureDueAt, createdAt }: User) => ({
  display_name: profile.displayName,
  handle: profile.handle,
  bio: profile.bio,
  location: profile.location,
  links: profile.links,
  avatar_id: avatarId,
  approve_followers: privacy.approveFollowers,
  searchable: privacy.searchable,
  follows_visible_to: privacy.followsVisibleTo,
  search: searchForm(`${profile.displayName} ${profile.handle ?? ''}`),
  erasure_due_at: erasureDueAt,
  created_at: createdAt,
})

const userOf = (row: Row): User => ({
  ...unknownUser,
  profile: {
    displayName: row.display_name,
    handle: row.handle,
    bio: row.bio,
    location: row.location,
    links: row.links,
  },
  avatarId: row.avatar_id,
  privacy: {
    approveFollowers: row.approve_followers,
    searchable: row.searchable,
    followsVisibleTo: row.follows_visible_to,
  },
  erasureDueAt: row.erasure_due_at,
  createdAt: row.created_at,
})

/** The rows of these people, made where they are missing, and locked until the transaction ends. */
export const lockProfiles = async (
  trx: Kysely<ViewsDatabase>,
  userIds: readonly string[],
): Promise<ProfileRows> => {
  const ids = [...new Set(userIds)].sort()
  if (ids.length === 0) return new Map()
  await trx
    .insertInto('profiles')
    .columns(names)
    .expression((eb) => eb.selectFrom(asTable(ids.map((id) => blank(id, 0, false)))).select(names))
    .onConflict((conflict) => conflict.column('user_id').doNothing())
    .execute()
  const rows = await trx
    .selectFrom('profiles')
    .select(names)
    .where('user_id', '=', sql<string>`any(${ids}::uuid[])`)
    .orderBy('user_id')
    .forUpdate()
    .execute()
  return new Map(rows.map((row) => [row.user_id, row]))
}

const take = (row: Row, { record, event, version, userId }: SeenUserEvent): Row => {
  if (record.type === 'UserErased') return blank(userId, version, true)
  const seen = { ...row, version }
  if (event === undefined) return seen
  const updated = { ...seen, ...columnsOf(evolve(userOf(row), event)), updated_at: event.at }
  // The sealed documents are copied as they are: nobody needs to open them until the person asks.
  if (record.type === 'PrivateProfileUpdated') return { ...updated, private_fields: record.value.fields }
  if (record.type === 'SettingsChanged') return { ...updated, settings: record.value.settings }
  return updated
}

/**
 * Takes events into the locked rows, and stores them.
 * @returns who was erased by one of these events
 */
export const projectProfiles = async (
  trx: Kysely<ViewsDatabase>,
  rows: ProfileRows,
  events: readonly SeenUserEvent[],
): Promise<string[]> => {
  const touched = new Set<string>()
  const erased: string[] = []
  for (const seen of events) {
    const row = rows.get(seen.userId)
    if (row === undefined || seen.version <= row.version || row.erased) continue
    rows.set(seen.userId, take(row, seen))
    touched.add(seen.userId)
    if (seen.record.type === 'UserErased') erased.push(seen.userId)
  }
  const changed = [...touched].flatMap((id) => rows.get(id) ?? [])
  if (changed.length > 0)
    await trx
      .insertInto('profiles')
      .columns(names)
      .expression((eb) => eb.selectFrom(asTable(changed)).select(names))
      .onConflict((conflict) =>
        conflict
          .column('user_id')
          .doUpdateSet((eb) =>
            Object.fromEntries(
              names.filter((name) => name !== 'user_id').map((name) => [name, eb.ref(`excluded.${name}`)]),
            ),
          ),
      )
      .execute()
  return erased
}
