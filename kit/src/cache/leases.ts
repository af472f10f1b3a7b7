import { randomBytes } from 'node:crypto'
import { type Logger } from '../log/index.ts'
import { type Redis, script } from '../redis/index.ts'
import { bucketOf, buckets, bury, leaseKey } from './shared.ts'
import { type Change } from './types.ts'

/** The shared level, for the one who tells it what has changed. */
export interface Invalidator {
  /** Buries what is older. Never rejects. @returns false: some of it may still be there, but is not believed any more soon */
  bury(changes: readonly Change[]): Promise<boolean>
  /** Vouches for what is in there, for the length of a lease. Call it every `renewEveryMs`. Never rejects. */
  renew(): Promise<void>
}

/** How long what is in Redis is believed after its invalidator was last heard of. Below a cluster's node time-out. */
export const leaseMs = 3_000
export const renewEveryMs = 1_000

// A lease that is there is as good as ours: generations end where something may have been missed.
const renewScript = script(`
local held = redis.call('GET', KEYS[1])
if held and ARGV[3] == '0' then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return held
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]`)

/**
 * Keeps the leases of all buckets. Where a change could not be buried, or a lease not be renewed, a new generation is
 * begun at the next contact, in which nothing is believed that was written before: so an outage of whatever length, and a
 * change that fell into it, leave nothing stale behind. It begins so itself, since it can't know what its predecessor
 * left undone.
 */
export const openInvalidator = (
  redis: Redis,
  { log, now = Date.now }: { readonly log: Logger; readonly now?: () => number },
): Invalidator => {
  const inDoubt = new Set<number>(Array.from({ length: buckets }, (_, bucket) => bucket))

  const renewOne = async (bucket: number): Promise<void> => {
    const doubted = inDoubt.delete(bucket)
    try {
      const fresh = randomBytes(8).toString('hex')
      await redis.run(renewScript, [leaseKey(bucket)], [fresh, leaseMs, doubted ? 1 : 0])
    } catch {
      inDoubt.add(bucket)
    }
  }

  return {
    async bury(changes) {
      let all = true
      await Promise.all(
        changes.map(async ({ tag, version }) => {
          try {
            await bury(redis, tag, version, now())
          } catch {
            inDoubt.add(bucketOf(tag))
            all = false
          }
        }),
      )
      return all
    },
    async renew() {
      const before = inDoubt.size
      await Promise.all(Array.from({ length: buckets }, (_, bucket) => renewOne(bucket)))
      if (before > 0 && inDoubt.size === 0)
        log.info({ buckets: before }, 'began a new generation of the shared cache')
    },
  }
}
