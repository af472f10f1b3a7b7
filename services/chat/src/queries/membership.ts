import { type Cache, type Caches, type Versioned } from '@veza/kit/cache'
import { currentVersionOf } from '@veza/kit/events'
import { type Database } from '@veza/kit/postgres'
import { sql } from 'kysely'
import { streamOf } from '../adapters/rooms.ts'
import { type ChatDatabase } from '../adapters/schema.ts'
import { Rejection } from '../domain/rejection.ts'
import { type Role, type Visibility, visibleTo } from '../domain/room.ts'

/** What somebody is in a room. What kind of room it is never changes. */
interface Membership {
  readonly visibility: Visibility
  /** null = not a member. */
  readonly role: Role | null
}

/**
 * What people are in rooms, as of the version of the room's stream: what is asked before anything is read or posted. Who is
 * in a private room is nobody else's business, so it does not leave the process (ADR 79). What is remembered lets in; only
 * what the database says turns away, so that nobody is who has just joined at another process.
 */
export interface Memberships {
  /** Throws Rejection `room-not-found`, also for a room that does not exist for the person. */
  readable(roomId: string, userId: string): Promise<void>
  /** The same, and throws `not-a-member` for a room that they may read alone. */
  member(roomId: string, userId: string): Promise<void>
  /** Something about the person has happened in the room. */
  changed(roomId: string, userId: string, version: number): void
}

const membershipBytes = 32 * 1024 ** 2
const uuidLength = 36

const prepareRow = ({ db, prepare }: Pick<Database<ChatDatabase>, 'db' | 'prepare'>) =>
  prepare(
    'chat-membership',
    ({ roomId, userId, stream }: { roomId: string; userId: string; stream: string }) =>
      db
        .selectFrom(sql<{ current: number }>`(select ${currentVersionOf(stream)} as current)`.as('stream'))
        .leftJoin('rooms', (join) => join.on('rooms.id', '=', roomId))
        .leftJoin('members', (join) =>
          join.onRef('members.room_id', '=', 'rooms.id').on('members.user_id', '=', userId),
        )
        .select(['stream.current', 'rooms.visibility', 'members.role']),
  )

/** @param caches those of the process */
export const openMemberships = (
  database: Pick<Database<ChatDatabase>, 'db' | 'prepare'>,
  caches: Pick<Caches, 'open'>,
): Memberships => {
  const rowOf = prepareRow(database)
  const load = async (id: string): Promise<Versioned<Membership>> => {
    const [roomId, userId] = [id.slice(0, uuidLength), id.slice(uuidLength + 1)]
    const [row] = await rowOf({ roomId, userId, stream: streamOf(roomId) })
    const { visibility, role, current = 0 } = row ?? {}
    return {
      version: current,
      value: visibility === undefined || visibility === null ? undefined : { visibility, role: role ?? null },
    }
  }
  const cache: Cache<Membership> = caches.open({ name: 'membership', maxBytes: membershipBytes, load })

  /** @param check throws Rejection */
  const decide = async (
    roomId: string,
    userId: string,
    check: (found: Membership | undefined) => void,
  ): Promise<void> => {
    const id = `${roomId}/${userId}`
    const remembered = await cache.read(id)
    try {
      check(remembered.value)
    } catch (error) {
      if (!(error instanceof Rejection)) throw error
      const { version, value } = await load(id)
      cache.changed(id, version)
      check(value)
    }
  }

  return {
    readable: (roomId, userId) =>
      decide(roomId, userId, (found) => {
        visibleTo(found, found?.role ?? null)
      }),
    member: (roomId, userId) =>
      decide(roomId, userId, (found) => {
        if (visibleTo(found, found?.role ?? null).role === null) throw new Rejection('not-a-member')
      }),
    changed(roomId, userId, version) {
      cache.changed(`${roomId}/${userId}`, version)
    },
  }
}
