import { deadLetterTopic, topics } from '@veza/contracts'
import { expect, inject, it, onTestFinished } from 'vitest'
import { helper } from '../stack/helper-server.ts'
import { encodeCommand, openCodec, openKafka, putCommand } from './kafka.ts'
import { roomOf } from './people.ts'

const subject = `${topics.chatCommands.name}-veza.chat.PostMessage`

interface Registered {
  readonly id: number
  readonly schema: string
}

const registryJson = async <T>(path: string, body?: object): Promise<T> => {
  const response = await fetch(`${inject('veza').registry}${path}`, {
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
  })
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return (await response.json()) as T
}

/** A compatible next version of PostMessage, which no process has seen: one more text at its end. */
const registerNextVersion = async (): Promise<number> => {
  const { schema } = await registryJson<Registered>(`/subjects/${subject}/versions/latest`)
  const record = JSON.parse(schema) as { fields: object[] }
  const field = { name: 'note', type: 'string', default: '', doc: 'Of a later version.' }
  const next = JSON.stringify({ ...record, fields: [...record.fields, field] })
  return (
    await registryJson<Registered>(`/subjects/${subject}/versions`, { schema: next, schemaType: 'AVRO' })
  ).id
}

const deadLetters = async (kafka: ReturnType<typeof openKafka>): Promise<number> =>
  (await kafka.admin.endOffsets(deadLetterTopic('chat-fanout'))).reduce((sum, offset) => sum + offset, 0)

it('works on without the registry, waits for it where it must, and dead-letters nothing', async () => {
  const stack = helper(inject('veza').helper)
  const kafka = openKafka()
  const {
    roomId,
    people: [ann, bob],
  } = await roomOf('Ann', 'Bob')
  const names = () => bob.room.seen.map(({ clientMessageId }) => clientMessageId)
  const nextVersion = await registerNextVersion()
  const known = encodeCommand(await openCodec(), {
    roomId,
    senderId: ann.person.id,
    clientMessageId: 'of a later version',
    body: 'from a newer writer',
  })
  // The same record by the next version: its id, and an empty text behind the other fields.
  const later = Buffer.concat([known, Buffer.of(0)])
  later.writeInt32BE(nextVersion, 1)
  const deadBefore = await deadLetters(kafka)

  await stack.act('registry', 'kill')
  let isBack = false
  onTestFinished(async () => {
    if (!isBack) await stack.act('registry', 'restart')
  })

  await ann.room.post('known', 'schemas that a process knows need no registry')
  await expect.poll(names, { timeout: 20_000 }).toEqual(['known'])

  // Two that wait: for a schema, and for a worker that can't look anything up.
  await putCommand(kafka, roomId, later)
  await ann.room.post('behind', 'this one is behind it')
  await stack.act('chat-fanout', 'kill')
  // Started without a registry it waits for one: an exit would reject.
  const worker = stack.act('chat-fanout', 'restart')
  await ann.room.post('meanwhile', 'accepted all the same')
  await stack.act('registry', 'restart')
  isBack = true
  await worker

  await expect
    .poll(names, { timeout: 60_000 })
    .toEqual(['known', 'of a later version', 'behind', 'meanwhile'])
  expect(await deadLetters(kafka)).toBe(deadBefore)
})
