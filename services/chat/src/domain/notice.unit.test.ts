import { describe, expect, it } from 'vitest'
import { type Audience, type Happening, noticesOf } from './notice.ts'

const at = new Date(0)
const message = { sourceId: 's', roomId: 'r', roomOffset: 7, messageId: 'm', senderId: 'ana', at }
const nobody = new Map<string, number>()
const audience = (
  known: Partial<Record<'peers', string[]> & Record<'mentioned' | 'told', string[]>>,
): Audience => {
  const numbered = (users: string[] = []) => new Map(users.map((user) => [user, 5]))
  return {
    peersOf: () => known.peers ?? [],
    mentionedIn: () => numbered(known.mentioned),
    toldOf: () => numbered(known.told),
    isInvited: () => true,
  }
}
const told = (happening: Happening, known: Audience) =>
  noticesOf(happening, known).map(({ type, userId, messageNumber }) => [type, userId, messageNumber])

describe('who is told', () => {
  it('of a post: those whom it mentions and who are members', () => {
    const posted = { ...message, type: 'posted', messageNumber: 5, mentions: ['bob', 'stranger'] } as const
    expect(told(posted, audience({ mentioned: ['bob'] }))).toEqual([['mention', 'bob', 5]])
    expect(noticesOf(posted, audience({ mentioned: ['bob'] }))[0]).toMatchObject({
      roomOffset: 7,
      messageId: 'm',
    })
    expect(told({ ...posted, mentions: [] }, audience({}))).toEqual([])
  })

  it('of a post in a direct room: both, once each', () => {
    const posted = { ...message, type: 'posted', messageNumber: 5, mentions: ['bob'] } as const
    expect(told(posted, audience({ peers: ['ana', 'bob'], mentioned: ['bob'] }))).toEqual([
      ['direct-message', 'ana', 5],
      ['direct-message', 'bob', 5],
    ])
    const edited = { ...message, type: 'edited', mentions: ['bob'] } as const
    expect(told(edited, audience({ peers: ['ana', 'bob'], mentioned: ['bob'] }))).toEqual([])
  })

  it('of an edit: who is mentioned now and was not told, and who was told and is mentioned no more', () => {
    const edited = { ...message, type: 'edited', mentions: ['bob', 'cem'] } as const
    const known = audience({ mentioned: ['bob', 'cem'], told: ['bob', 'dan'] })
    expect(told(edited, known)).toEqual([
      ['mention', 'cem', 5],
      ['mention.withdrawn', 'dan', 5],
    ])
  })

  it('of a deletion: who was told of the mention', () => {
    expect(told({ ...message, type: 'deleted' }, audience({ told: ['bob'] }))).toEqual([
      ['mention.withdrawn', 'bob', 5],
    ])
  })

  it('of a mention that an edit took back before it could be told: nobody', () => {
    const posted = { ...message, type: 'posted', messageNumber: 5, mentions: ['bob'] } as const
    expect(told(posted, audience({}))).toEqual([])
    expect(told({ ...message, type: 'edited', mentions: [] }, audience({}))).toEqual([])
  })

  it('of rooms: whom it is about; of an invitation only while it stands', () => {
    const about = { sourceId: 's', roomId: 'r', userId: 'bob', actorId: 'ana', at }
    for (const type of ['room.joined', 'room.left', 'invitation', 'invitation.withdrawn'] as const)
      expect(told({ ...about, type }, audience({}))).toEqual([[type, 'bob', null]])
    const gone = { ...audience({}), isInvited: () => false, mentionedIn: () => nobody }
    expect(told({ ...about, type: 'invitation' }, gone)).toEqual([])
  })
})
