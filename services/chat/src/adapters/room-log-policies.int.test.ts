import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type Command } from '../domain/message.ts'
import { outcomeIdOf } from '../domain/outcome-id.ts'
import { type RoomEvent } from '../domain/room.ts'
import {
  addMember,
  command,
  database,
  newRoom,
  offsets,
  post,
  store,
  hooks,
} from '../testing/room-log-under-test.ts'
import { roomLog } from './room-log.ts'

hooks()

describe('what a room lets through', () => {
  const later = (ms: number) => new Date(1_700_000_000_000 + ms)
  const change = (roomId: string, userId: string, events: readonly RoomEvent[]) =>
    store().change(roomId, userId, { actorId: userId, at: later(0), metadata: {} }, () => events)
  const codesAt = async (ms: number, commands: readonly Command[]) =>
    offsets(await roomLog(database, () => later(ms)).settle(commands))

  it('is decided with what was committed before the chunk: archived, blocked words, muted, banned', async () => {
    const { roomId, ana } = await newRoom()
    const ben = await addMember(roomId)
    const log = roomLog(database, () => later(0))
    expect(offsets(await log.settle([post(roomId, ben, '1', 'Pay per CLICK')]))).toEqual([1])
    await change(roomId, ana, [{ type: 'words-blocked', words: ['pay per click', 'ass'] }])
    const texts = ['PAY PER CLICK!', 'a class', 'ａｓｓ', 'pay per clicks']
    const said = texts.map((text, index) => post(roomId, ben, `w${index}`, text))
    expect(offsets(await log.settle(said))).toEqual(['blocked-word', 2, 'blocked-word', 3])
    const messageId = outcomeIdOf(roomId, ben, '1')
    const edit = { type: 'message.edit', messageId, body: 'ass', mentions: [] } as const
    expect(offsets(await log.settle([command(roomId, ben, 'e', edit)]))).toEqual(['blocked-word'])

    await change(roomId, ana, [{ type: 'muted', userId: ben, until: later(1_000) }])
    expect(offsets(await log.settle([post(roomId, ben, 'm1')]))).toEqual(['muted'])
    expect(await codesAt(2_000, [post(roomId, ben, 'm2')])).toEqual([4])

    await change(roomId, ana, [{ type: 'settings-changed', archived: true, slowModeSeconds: 0 }])
    expect(offsets(await log.settle([post(roomId, ana, 'a1')]))).toEqual(['room-archived'])
    await change(roomId, ana, [{ type: 'settings-changed', archived: false, slowModeSeconds: 0 }])
    expect(offsets(await log.settle([post(roomId, ana, 'a2')]))).toEqual([5])

    const ban: RoomEvent[] = [
      { type: 'member-left', userId: ben, how: 'banned' },
      { type: 'banned', userId: ben },
    ]
    await change(roomId, ben, ban)
    expect(offsets(await log.settle([post(roomId, ben, 'b1'), post(roomId, randomUUID(), '1')]))).toEqual([
      'banned',
      'not-a-member',
    ])
  })

  it('in slow mode is one post a member and interval, within a chunk and between chunks; moderators are free', async () => {
    const { roomId, ana } = await newRoom()
    const ben = await addMember(roomId)
    await change(roomId, ana, [{ type: 'settings-changed', archived: false, slowModeSeconds: 10 }])
    const posts = (sender: string, ...names: string[]) => names.map((name) => post(roomId, sender, name))
    expect(await codesAt(0, [...posts(ben, '1', '2'), ...posts(ana, '1', '2')])).toEqual([
      1,
      'slow-mode',
      2,
      3,
    ])
    expect(await codesAt(9_999, posts(ben, '3'))).toEqual(['slow-mode'])
    expect(await codesAt(10_000, posts(ben, '4'))).toEqual([4])
    const react = { type: 'reaction.add', messageId: outcomeIdOf(roomId, ben, '1'), reaction: '+1' } as const
    expect(await codesAt(10_001, [command(roomId, ben, 'r', react)])).toEqual([5])
  })

  it('holds for every room where Veza says so, within five seconds', async () => {
    const { roomId, ana } = await newRoom()
    let ms = 0
    const log = roomLog(database, () => later(ms))
    const say = async (name: string) => offsets(await log.settle([post(roomId, ana, name, 'a unlikelyword')]))
    expect(await say('1')).toEqual([1])
    await store().blockWords({ actorId: ana, at: later(0), metadata: {} }, ['unlikelyword'])
    ms = 5_000
    expect(await say('2')).toEqual(['blocked-word'])
    await store().blockWords({ actorId: ana, at: later(0), metadata: {} }, [])
    ms = 10_000
    expect(await say('3')).toEqual([2])
  })
})
