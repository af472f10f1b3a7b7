import { inject, onTestFinished } from 'vitest'
import { createRoom, join, type Person, register, request } from '../support/api.ts'
import { connectSdk, type Listener, type SdkClient } from '../support/sdk.ts'

/** Somebody with an account, a connection and a subscription to a room. */
export interface Participant {
  readonly person: Person
  readonly sdk: SdkClient
  readonly room: Listener
}

/** Connects a person until the test ends. */
export const connect = async (person: Person): Promise<SdkClient> => {
  const sdk = await connectSdk(inject('veza').ws, person.token, { minReconnectDelay: 50 })
  onTestFinished(() => {
    sdk.close()
  })
  return sdk
}

/** A room with these people in it, all listening. The first one owns it. */
export const roomOf = async <const Names extends readonly [string, ...string[]]>(
  ...names: Names
): Promise<{ roomId: string; people: { readonly [Index in keyof Names]: Participant } }> => {
  const { http } = inject('veza')
  const persons = await Promise.all(names.map((name) => register(http, name)))
  const [owner, ...others] = persons
  if (owner === undefined) throw new Error('a room needs an owner')
  const roomId = await createRoom(http, owner, `${owner.name}'s room`)
  for (const person of others) await join(http, person, roomId)
  const people = await Promise.all(
    persons.map(async (person) => {
      const sdk = await connect(person)
      return { person, sdk, room: await sdk.listen(roomId) }
    }),
  )
  return { roomId, people: people as unknown as { readonly [Index in keyof Names]: Participant } }
}

/** A message of a room's history. */
export interface HistoryMessage {
  readonly offset: number
  readonly messageNumber: number
  readonly senderId: string
  readonly clientMessageId: string
  readonly body: string
}

/** The whole history over HTTP, oldest first. */
export const history = async (person: Person, roomId: string): Promise<HistoryMessage[]> => {
  const messages: HistoryMessage[] = []
  for (let before: string | null = ''; before !== null;) {
    const query: string = before === '' ? '' : `&before=${encodeURIComponent(before)}`
    const { body } = await request(
      inject('veza').http,
      'GET',
      `/v1/rooms/${roomId}/messages?limit=100${query}`,
      { token: person.token },
    )
    const page = body as { messages: HistoryMessage[]; next: string | null }
    messages.push(...page.messages)
    before = page.next
  }
  return messages.reverse()
}
