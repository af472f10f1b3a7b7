import { randomUUID } from 'node:crypto'
import { commandFields, readChatCommand, topics } from '@veza/contracts'
import { type OutgoingRecord } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'
import { testKeyEncryption } from '@veza/kit/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openChatStore, outcomeIdOf } from './store.ts'
import { type ChatUnderTest, chatUnderTest, type Fields, type TestPerson } from './testing/chat-under-test.ts'

let veza: ChatUnderTest
beforeAll(async () => {
  veza = await chatUnderTest()
})
afterAll(() => veza.close())

const cause = { actor: 'chat-erasure', causation: randomUUID() }

/** What chat-fanout does with the records of an erasure. */
const settleRecords = (records: readonly OutgoingRecord[]) =>
  veza.settle(
    records.map(({ value }) => {
      const decoded = veza.codec.decode(topics.chatCommands, value as Buffer)
      if ('unknownSchemaId' in decoded) throw new Error('not a schema of ours')
      const { roomId, senderId, clientMessageId } = decoded.value
      return {
        ...{ roomId, senderId, clientMessageId, eventId: outcomeIdOf(roomId, senderId, clientMessageId) },
        ...{
          content: readChatCommand(commandFields(decoded)),
          isErasure: decoded.type === 'EraseContribution',
        },
      }
    }),
  )

/** The worker's store, whose commands are gathered. */
const openStore = (send: (records: readonly OutgoingRecord[]) => Promise<void>) =>
  openChatStore(
    { ...testKeyEncryption(), CHAT_DATABASE_URL: veza.databaseUrl },
    {
      ...{ log: createLog('test', 'silent'), codec: veza.codec, applicationName: 'test' },
      producer: { sendAll: send, close: () => Promise.resolve() },
    },
  )

/** Everything that chat's tables hold, as text. */
const dump = async (): Promise<string> => {
  const { rows: tables } = await veza.database.pool.query<{ name: string }>(
    `select quote_ident(table_schema) || '.' || quote_ident(table_name) as name from information_schema.tables
    where table_schema in ('public', 'events')`,
  )
  const texts: string[] = []
  for (const { name } of tables) {
    const { rows } = await veza.database.pool.query<{ row: string }>(`select t::text as row from ${name} t`)
    texts.push(...rows.map(({ row }) => row))
  }
  return texts.join('\n')
}

const count = async (from: string, ...values: unknown[]) =>
  (await veza.database.pool.query<{ n: number }>(`select count(*)::int as n from ${from}`, values)).rows[0]?.n

const ask = async (roomId: string, { userId }: TestPerson, content: Fields) => {
  const [outcome] = await veza.settle([
    veza.command(roomId, userId, { ...content, clientMessageId: randomUUID() }),
  ])
  expect(outcome?.type).not.toBe('refused')
  return outcome?.eventId ?? ''
}
const post = (roomId: string, by: TestPerson, body: string, mentions: string[] = []) =>
  ask(roomId, by, {
    type: 'message.post',
    body,
    mentions,
    replyTo: null,
    trackId: null,
    trackPositionMs: null,
  })

/**
 * Ana owns a room in which Ben is, and one in which she is alone; she writes to Ben; she has left the fourth room, which Ben
 * archived. Each has a message of hers.
 */
const twoPeople = async () => {
  const [ana, ben] = [await veza.person(), await veza.person()]
  const secret = `word${ana.userId.slice(0, 8)}`
  const owned = await ana.createRoom('public')
  const alone = await ana.createRoom('private')
  const left = await ben.createRoom('public')
  await ben.call('POST', `/v1/rooms/${owned}/members`, {})
  await ana.call('POST', `/v1/rooms/${left}/members`, {})
  const direct = (await ana.call<{ id: string }>('POST', '/v1/rooms/direct', { userId: ben.userId })).body.id
  const mine = await post(owned, ana, secret, [ben.userId])
  await ask(owned, ana, { type: 'message.edit', messageId: mine, body: `${secret} again`, mentions: [] })
  for (const roomId of [alone, left, direct]) await post(roomId, ana, `${secret} in ${roomId}`)
  const theirs = await post(owned, ben, 'hello', [ana.userId])
  for (const reaction of ['🎧', '🎷'])
    await ask(owned, ana, { type: 'reaction.add', messageId: theirs, reaction })
  await ask(owned, ana, { type: 'reaction.remove', messageId: theirs, reaction: '🎷' })
  await ask(owned, ben, { type: 'reaction.add', messageId: theirs, reaction: '🎧' })
  await ana.call('GET', `/v1/search?q=${secret}&roomId=${owned}`)
  await ana.call('PUT', `/v1/rooms/${owned}/messages/${theirs}/report`, { reason: secret })
  await ana.call('POST', '/v1/rooms', { name: 'twice', visibility: 'private' }, { 'idempotency-key': 'k' })
  await ana.call('DELETE', `/v1/rooms/${left}/members/me`)
  await ben.call('PATCH', `/v1/rooms/${left}`, { archived: true })
  return { ana, ben, secret, mine, theirs, rooms: { owned, alone, left, direct } }
}

describe('an erasure', () => {
  it('takes back what somebody wrote in every room, ends what they are in them, and keeps nothing else of them', async () => {
    const { ana, ben, secret, mine, theirs, rooms } = await twoPeople()
    expect(await dump()).toContain(secret)
    const asked: OutgoingRecord[] = []
    const store = openStore((records) => Promise.resolve(void asked.push(...records)))
    await store.erase(ana.userId, cause)
    await store.close()

    // A message in each of the four rooms, and the one reaction that still was.
    expect(asked.map(({ key }) => key).sort()).toEqual([rooms.owned, ...Object.values(rooms)].sort())
    const outcomes = await settleRecords(asked)
    expect(outcomes.map(({ type }) => type).sort()).toEqual([
      ...['deleted', 'deleted', 'deleted', 'deleted', 'reaction-removed'],
    ])
    expect(await settleRecords(asked)).toEqual(outcomes)

    expect(await dump()).not.toContain(secret)
    for (const table of ['members', 'reactions', 'mentions', 'invitations', 'user_heads', 'user_events'])
      expect([table, await count(`${table} where user_id = $1`, ana.userId)]).toEqual([table, 0])
    expect(await count('http_answers where key like $1', `${ana.userId} %`)).toBe(0)
    expect(await count('message_search where message_id = $1', mine)).toBe(0)
    expect(await count('reaction_counts where message_id = $1 and count = 1', theirs)).toBe(1)

    const stored = await veza.database.pool.query<{ id: string; owner: string; archived: boolean }>(
      'select id, owner_id as owner, archived_at is not null as archived from rooms where id = any($1)',
      [[rooms.owned, rooms.alone, rooms.left]],
    )
    expect(new Map(stored.rows.map(({ id, owner, archived }) => [id, [owner, archived]]))).toEqual(
      new Map([
        [rooms.owned, [ben.userId, false]],
        [rooms.alone, [ana.userId, true]],
        [rooms.left, [ben.userId, true]],
      ]),
    )
    expect((await veza.auditOf(rooms.owned)).slice(-2)).toMatchObject([
      { type: 'MemberRoleChanged', actor: cause.actor, value: { userId: ben.userId, role: 'owner' } },
      { type: 'MemberLeft', actor: cause.actor, value: { userId: ana.userId, how: 'erased' } },
    ])
  })

  it('makes the addresses unreadable from which they acted, wherever a copy of them is', async () => {
    const [ana, roomId] = [await veza.person(), randomUUID()]
    await veza.chat.app.request(
      '/v1/rooms',
      {
        method: 'POST',
        headers: { authorization: `Bearer ${ana.token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ name: roomId, visibility: 'public' }),
      },
      { incoming: { socket: { remoteAddress: '203.0.113.9' } } },
    )
    const addresses = async () => {
      const path = `/internal/v1/chat/audit?limit=50&actor=${ana.userId}`
      const { entries } = (await veza.internally<{ entries: { address: string | null }[] }>('GET', path)).body
      return entries.map(({ address }) => address)
    }
    expect(await addresses()).toEqual(['203.0.113.9', '203.0.113.9'])
    const store = openStore(() => Promise.resolve())
    await store.erase(ana.userId, cause)
    await store.close()
    expect(await count('sealing.data_keys where subject = $1 and wrapped is null', ana.userId)).toBe(1)
    // Another process has the key in memory for a second more.
    await expect.poll(addresses, { timeout: 10_000 }).toEqual([null, null])
  })

  it('that was broken off is ended by the next one, and nothing is done twice', async () => {
    const { ana, secret, rooms } = await twoPeople()
    const asked: OutgoingRecord[] = []
    let sends = 0
    const store = openStore((records) => {
      if (++sends === 2) throw new Error('no broker')
      return Promise.resolve(void asked.push(...records))
    })
    await expect(store.erase(ana.userId, cause)).rejects.toThrow('no broker')
    await store.erase(ana.userId, cause)
    await store.close()
    await settleRecords(asked)
    expect(await dump()).not.toContain(secret)
    expect(
      await count(
        `room_events where type = 'deleted' and sender_id = $1 and room_id = any($2)`,
        ...[ana.userId, Object.values(rooms)],
      ),
    ).toBe(4)
    const left = (await veza.auditOf(rooms.owned)).filter(({ type }) => type === 'MemberLeft')
    expect(left).toHaveLength(1)
  })

  it('lets nobody bring the person into a room again, nor themselves while their token lasts', async () => {
    const [ana, ben] = [await veza.person(), await veza.person()]
    const roomId = await ben.createRoom('public')
    const messageId = await post(roomId, ben, 'hello')
    const store = openStore(() => Promise.resolve())
    await store.erase(ana.userId, cause)
    await store.close()
    const gone = { status: 410, body: { code: 'user-erased' } }
    const room = { name: 'Mine', visibility: 'public' }
    expect(await ana.call('POST', '/v1/rooms', room)).toMatchObject(gone)
    expect(await ana.call('POST', `/v1/rooms/${roomId}/members`, {})).toMatchObject(gone)
    const reported = ana.call('PUT', `/v1/rooms/${roomId}/messages/${messageId}/report`, { reason: 'rude' })
    expect(await reported).toMatchObject({ status: 403, body: { code: 'not-a-member' } })
    const { userId } = ana
    expect(await ben.call('POST', `/v1/rooms/${roomId}/members`, { userId })).toMatchObject(gone)
    expect(await ben.call('PUT', `/v1/rooms/${roomId}/invitations/${userId}`)).toMatchObject(gone)
    expect(await ben.call('POST', '/v1/rooms/direct', { userId })).toMatchObject(gone)
    expect(await count('members where user_id = $1', userId)).toBe(0)
  })

  it('forgets when the person was last seen, and lets nobody note it again', async () => {
    const [ana, ben] = [await veza.person(), await veza.person()]
    const seen = [ana, ben].map(({ userId }) => ({ userId, at: Date.now() }))
    const note = async () => (await veza.internally('PUT', '/internal/v1/last-seen', { seen })).status
    const noted = async () => [
      await count('last_seen where user_id = $1', ana.userId),
      await count('last_seen where user_id = $1', ben.userId),
    ]
    expect([await note(), await noted()]).toEqual([204, [1, 1]])
    const store = openStore(() => Promise.resolve())
    // Edges go on noting meanwhile.
    await Promise.all([store.erase(ana.userId, cause), ...Array.from({ length: 10 }, note)])
    expect(await noted()).toEqual([0, 1])
    expect([await note(), await noted()]).toEqual([204, [0, 1]])
    await store.close()
  })
})
