import { deadLetterTopic, topics } from '@veza/contracts'
import { expect, it } from 'vitest'
import { collect, encodeCommand, openCodec, openKafka, putCommand } from './kafka.ts'
import { roomOf } from './people.ts'

it('puts what is no command in the dead-letter topic as it was, and goes on', async () => {
  const kafka = openKafka()
  const dead = await collect(kafka, deadLetterTopic('chat-fanout'))
  const {
    roomId,
    people: [ann],
  } = await roomOf('Ann')
  const codec = await openCodec()
  const good = encodeCommand(codec, {
    roomId,
    senderId: ann.person.id,
    clientMessageId: 'cut-short',
    body: 'a body that is cut',
  })
  const unknownSchema = Buffer.from(good)
  unknownSchema.writeInt32BE(999_999_999, 1)
  const poison: readonly (readonly [string, Buffer])[] = [
    ['bad magic', Buffer.from('not a record at all')],
    ['nothing', Buffer.alloc(0)],
    ['cut short', good.subarray(0, -5)],
    ['unknown schema', unknownSchema],
    // The broker takes 1,048,588 bytes of a batch; the dead letter is larger by the headers that say why.
    ['as large as it may be', Buffer.alloc(1_047_000, 'x')],
    ['noise', Buffer.from([0, 0, 0, 0, 1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255])],
  ]

  await ann.room.post('before', 'before')
  for (const [, bytes] of poison) await putCommand(kafka, roomId, bytes)
  await ann.room.post('after', 'after')

  // The same key, so the same partition: what came behind the poison got through.
  await expect
    .poll(() => ann.room.seen.map(({ offset, clientMessageId }) => [offset, clientMessageId]), {
      timeout: 30_000,
    })
    .toEqual([
      [1, 'before'],
      [2, 'after'],
    ])
  const ours = () => dead.filter(({ key }) => key === roomId)
  await expect.poll(() => ours().length, { timeout: 20_000 }).toBe(poison.length)
  expect(ours().map(({ value }) => value?.toString('hex'))).toEqual(
    poison.map(([, bytes]) => bytes.toString('hex')),
  )
  for (const { headers } of ours()) {
    const texts = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, value?.toString()]),
    )
    expect(texts).toMatchObject({
      ce_source: '/e2e',
      dlq_original_topic: topics.chatCommands.name,
      dlq_original_partition: expect.stringMatching(/^\d+$/) as string,
      dlq_original_offset: expect.stringMatching(/^\d+$/) as string,
      dlq_group: 'chat-fanout',
      dlq_exception_class: 'PoisonRecord',
    })
  }
})
