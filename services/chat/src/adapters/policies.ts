import { type PoolClient } from 'pg'
import { openPolicy, type Policy, wordFilter } from '../domain/policy.ts'
import { together } from './together.ts'

/** The rooms' policies, remembered by version. */
export interface Policies {
  /** The policies of rooms, whose versions were read under their locks. */
  read(client: PoolClient, versions: ReadonlyMap<string, number>): Promise<(roomId: string) => Policy>
}

/** Where the words are kept that no room lets through: the nil UUID stands for Veza as a whole. */
export const platformId = '00000000-0000-0000-0000-000000000000'

const platformFreshMs = 5_000
const maxRemembered = 10_000

interface PolicyRow {
  id: string
  archived: boolean
  slow_mode_seconds: number
  words: string[]
}

/**
 * Version 0 is the policy of a room that was never changed, which is most of them: nothing is read for it. Words that
 * hold for all of Veza take effect within five seconds, a room's own policy with the next chunk.
 */
export const createPolicies = (now: () => Date): Policies => {
  const remembered = new Map<string, { version: number; policy: Policy }>()
  let platform: {
    readonly at: number
    readonly words: readonly string[]
    readonly blocks: Policy['blocks']
  } = {
    at: -Infinity,
    words: [],
    blocks: openPolicy.blocks,
  }

  const readPlatform = async (client: PoolClient): Promise<void> => {
    const at = now().getTime()
    if (Math.abs(at - platform.at) < platformFreshMs) return
    const { rows } = await client.query<{ words: string[] }>({
      name: 'platformWords',
      text: 'select words from blocked_words where room_id = $1',
      values: [platformId],
    })
    const words = rows[0]?.words ?? []
    platform = { at, words, blocks: wordFilter(words) }
  }

  const readRooms = async (client: PoolClient, versions: ReadonlyMap<string, number>): Promise<void> => {
    if (remembered.size > maxRemembered) remembered.clear()
    const stale = [...versions]
      .filter(([roomId, version]) => version > 0 && remembered.get(roomId)?.version !== version)
      .map(([roomId]) => roomId)
    if (stale.length === 0) return
    const { rows } = await client.query<PolicyRow>({
      name: 'policies',
      text: `select id, archived_at is not null as archived, slow_mode_seconds, coalesce(words, '{}') as words
        from rooms left join blocked_words on room_id = id where id = any($1::uuid[])`,
      values: [stale],
    })
    for (const { id, archived, slow_mode_seconds: slowModeSeconds, words } of rows)
      remembered.set(id, {
        version: versions.get(id) ?? 0,
        policy: { archived, slowModeSeconds, blocks: wordFilter(words) },
      })
  }

  return {
    async read(client, versions) {
      await together([readPlatform(client), readRooms(client, versions)])
      const { words, blocks } = platform
      return (roomId) => {
        const version = versions.get(roomId) ?? 0
        const own = version === 0 ? openPolicy : (remembered.get(roomId)?.policy ?? openPolicy)
        return words.length === 0 ? own : { ...own, blocks: (text) => own.blocks(text) || blocks(text) }
      }
    },
  }
}
