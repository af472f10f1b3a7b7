import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import { channels } from '@veza/contracts'
import { type Veza } from '@veza/deploy/launcher'
import { createTokenSigner } from '@veza/kit/testing'
import pg from 'pg'
import { createRoom, inParallel, register } from '../support/api.ts'

/** One person in one room, who never signed in: whoever trusts the guests' keys takes the token. */
export interface Guest {
  readonly userId: string
  readonly token: string
  readonly channel: string
}

/**
 * Thousands of different people without accounts: to register them would be minutes of password hashing, which these
 * benches are not about. Chat knows them as members; an edge that is started with `settings` takes their tokens.
 */
export interface Guests {
  readonly rooms: readonly { readonly id: string; readonly epoch: string }[]
  /** Those of the first room first. */
  readonly guests: readonly Guest[]
  /** Of an edge. */
  readonly settings: Readonly<Record<string, string>>
  close(): void
}

const tokenSeconds = 3600

/**
 * Creates rooms and seats guests in them.
 *
 * @param sizes how many guests each room has
 */
export const inviteGuests = async (veza: Veza, sizes: readonly number[]): Promise<Guests> => {
  const owner = await register(veza.endpoints.http, 'Host')
  const ids = await inParallel(8, sizes, (_, index) =>
    createRoom(veza.endpoints.http, owner, `Room ${index + 1}`),
  )
  const seats = ids.flatMap((id, index) => Array.from({ length: sizes[index] ?? 0 }, () => id))
  const signer = await createTokenSigner('bench')
  const expiresAt = Math.floor(Date.now() / 1000) + tokenSeconds
  const guests = await inParallel(8, seats, async (roomId, index) => {
    const userId = randomUUID()
    const identity = { userId, name: `Guest ${index + 1}`, roles: [], sessionId: randomUUID(), expiresAt }
    return { userId, token: await signer.sign(identity), channel: channels.room(roomId) }
  })

  const database = new pg.Client({ connectionString: veza.stack.databaseUrls.chat })
  await database.connect()
  try {
    await database.query(
      `insert into members (room_id, user_id, role, joined_at)
       select room, person, 'member', now() from unnest($1::uuid[], $2::uuid[]) as seat (room, person)`,
      [seats, guests.map(({ userId }) => userId)],
    )
    const { rows } = await database.query<{ id: string; epoch: string }>(
      'select room_id as id, epoch from room_heads where room_id = any($1::uuid[])',
      [ids],
    )
    const epochs = new Map(rows.map(({ id, epoch }) => [id, epoch]))

    const server = createServer((_, response) => {
      response.setHeader('content-type', 'application/json').end(JSON.stringify(signer.jwks))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    server.unref()
    const { port } = server.address() as AddressInfo
    return {
      rooms: ids.map((id) => ({ id, epoch: epochs.get(id) ?? '' })),
      guests,
      settings: { JWKS_URL: `http://127.0.0.1:${port}/jwks.json` },
      close() {
        server.close()
      },
    }
  } finally {
    await database.end()
  }
}
