import { randomUUID } from 'node:crypto'
import { ERRORS, type Lock, type Locker } from '@tus/server'
import { type Logger } from '@veza/kit/log'
import pg from 'pg'

/** Who holds a lock in this process, and how to ask for it. */
interface Holder {
  /** Asks whoever holds it to finish: its client has come back by another connection. */
  readonly release: () => unknown
  readonly released: Promise<void>
}

/** A locker over advisory locks of PostgreSQL: one connection a process, whatever the number of uploads. */
export interface SharedLocks extends Locker {
  close(): Promise<void>
}

const channel = 'upload_release'
const retryMs = 100
/** Together with an id's hash, apart from the advisory locks of others. */
const seed = 7

/** A connection that did not answer may do later what it was asked, and hold a lock for nobody: it is ended. */
const ask = async (client: pg.Client, text: string, values: readonly unknown[] = []) => {
  try {
    return await client.query<{ locked: boolean }>(text, [...values])
  } catch (error) {
    void client.end().catch(() => undefined)
    throw error
  }
}

/**
 * Locks that several processes share. A lock that is wanted elsewhere is asked for by NOTIFY, and its holder lets go
 * when what has arrived is stored. Without the connection nobody holds anything: holders are told to stop.
 */
export const sharedLocks = (databaseUrl: string, log: Logger): SharedLocks => {
  const held = new Map<string, Holder>()
  const self = randomUUID()
  let connecting: Promise<pg.Client> | undefined

  const lost = (client: pg.Client, error?: unknown): void => {
    if (connecting === undefined) return
    connecting = undefined
    log.warn({ err: error }, 'lost the connection that holds upload locks')
    client.removeAllListeners()
    client.on('error', () => undefined)
    void client.end().catch(() => undefined)
    for (const { release } of held.values()) release()
  }

  const connect = async (): Promise<pg.Client> => {
    const client = new pg.Client({
      ...{ connectionString: databaseUrl, application_name: 'upload-locks', keepAlive: true },
      ...{ connectionTimeoutMillis: 5_000, query_timeout: 10_000 },
    })
    // Until it listens, its errors are those of what it is asked.
    client.on('error', () => undefined)
    await client.connect()
    await ask(client, `listen ${channel}`)
    client.on('error', (error) => {
      lost(client, error)
    })
    client.on('end', () => {
      lost(client)
    })
    client.on('notification', ({ payload }) => {
      const [from, id = ''] = payload?.split(' ') ?? []
      // Our own question comes back to us, too.
      if (from !== self) held.get(id)?.release()
    })
    return client
  }

  const connection = (): Promise<pg.Client> => {
    connecting ??= connect().catch((error: unknown) => {
      connecting = undefined
      throw error
    })
    return connecting
  }

  const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, retryMs))

  const tryLock = async (id: string): Promise<boolean> => {
    const client = await connection()
    const { rows } = await ask(client, 'select pg_try_advisory_lock(hashtextextended($1, $2)) as locked', [
      id,
      seed,
    ])
    if (rows[0]?.locked === true) return true
    await ask(client, 'select pg_notify($1, $2)', [channel, `${self} ${id}`])
    return false
  }

  const newLock = (id: string): Lock => {
    let onRelease: () => void = () => undefined
    return {
      async lock(signal, requestRelease) {
        for (;;) {
          // What tus throws in its own lockers, and answers by.
          // eslint-disable-next-line @typescript-eslint/only-throw-error
          if (signal.aborted) throw ERRORS.ERR_LOCK_TIMEOUT
          const here = held.get(id)
          if (here !== undefined) {
            here.release()
            await Promise.race([here.released, pause()])
            continue
          }
          // Before the answer: a second request of this process must not ask the same session, which would say yes.
          const holder: Holder = {
            release: () => requestRelease(),
            released: new Promise((resolve) => {
              onRelease = resolve
            }),
          }
          held.set(id, holder)
          const locked = await tryLock(id).catch((error: unknown) => {
            held.delete(id)
            onRelease()
            throw error
          })
          if (locked) return
          held.delete(id)
          onRelease()
          await pause()
        }
      },
      async unlock() {
        if (!held.has(id)) return
        try {
          const client = await connecting
          if (client !== undefined)
            await ask(client, 'select pg_advisory_unlock(hashtextextended($1, $2))', [id, seed])
        } catch (error) {
          log.warn(
            { err: error },
            'an upload lock was not given back: the connection is lost, and the lock with it',
          )
        } finally {
          held.delete(id)
          onRelease()
        }
      },
    }
  }

  return {
    newLock,
    async close() {
      const client = await connecting?.catch(() => undefined)
      connecting = undefined
      client?.removeAllListeners('end')
      await client?.end()
    },
  }
}
