import { type ReadModel } from '@veza/kit/projection'
import { type RawBuilder, sql } from 'kysely'

/** Who follows and who blocks whom: what tracks has to know of users, in a schema of its own, by workers/tracks-relations. */
export interface RelationsDatabase {
  follows: { follower_id: string; followee_id: string }
  blocks: { blocker_id: string; blocked_id: string }
  /** Their own events and those of their pairs are in different partitions: what comes after the end must not count. */
  erased: { user_id: string }
}

export const relationsModel: ReadModel<RelationsDatabase> = {
  schema: 'relations',
  version: 1,
  async createTables(db) {
    await db.schema
      .createTable('follows')
      .addColumn('follower_id', 'uuid', (column) => column.notNull())
      .addColumn('followee_id', 'uuid', (column) => column.notNull())
      .addPrimaryKeyConstraint('follows_key', ['follower_id', 'followee_id'])
      .execute()
    await db.schema
      .createTable('blocks')
      .addColumn('blocker_id', 'uuid', (column) => column.notNull())
      .addColumn('blocked_id', 'uuid', (column) => column.notNull())
      .addPrimaryKeyConstraint('blocks_key', ['blocker_id', 'blocked_id'])
      .execute()
    await db.schema
      .createTable('erased')
      .addColumn('user_id', 'uuid', (column) => column.primaryKey())
      .execute()
    // Both are looked for from the other side too: whoever is erased leaves none.
    await db.schema.createIndex('follows_followee').on('follows').column('followee_id').execute()
    await db.schema.createIndex('blocks_blocked').on('blocks').column('blocked_id').execute()
  },
}

/** Their id, or an expression that is it. */
type Person = string | RawBuilder<string | null>

/** Does this person follow the owner? */
export const followsOwner = (userId: Person, owner: string) => sql<boolean>`exists (
  select from relations.follows where follower_id = ${userId} and followee_id = ${sql.ref(owner)})`

/** Does one of this person and the owner block the other? */
export const blockedWithOwner = (userId: Person, owner: string) => sql<boolean>`exists (
  select from relations.blocks where (blocker_id, blocked_id) in
    ((${userId}::uuid, ${sql.ref(owner)}), (${sql.ref(owner)}, ${userId}::uuid)))`
