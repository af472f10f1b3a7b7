import { randomUUID } from 'node:crypto'
import { type Codec, connectCodec, toHeaders, topics } from '@veza/contracts'
import { type ConsumedRecord, connectKafka, type Kafka } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'
import { inject, onTestFinished } from 'vitest'

/** A client of the stack's Kafka, until the test ends. */
export const openKafka = (): Kafka => {
  const kafka = connectKafka(inject('veza').kafka.split(','), {
    clientId: 'e2e',
    log: createLog('e2e', 'fatal'),
  })
  onTestFinished(() => kafka.close())
  return kafka
}

/** Keeps everything that a topic holds and gets, until the test ends. */
export const collect = async (kafka: Kafka, topic: string): Promise<readonly ConsumedRecord[]> => {
  const records: ConsumedRecord[] = []
  const groupId = `e2e-${randomUUID()}`
  const consumer = await kafka.consume({
    groupId,
    topics: [topic],
    fromBeginning: true,
    onChunk(chunk) {
      records.push(...chunk)
      return Promise.resolve()
    },
  })
  onTestFinished(async () => {
    await consumer.stop()
    await kafka.admin.deleteGroups([groupId])
  })
  return records
}

/** A command as an edge would write it. */
export interface Command {
  readonly roomId: string
  readonly senderId: string
  readonly clientMessageId: string
  readonly body: string
}

/** The bytes of a PostMessage. */
export const encodeCommand = (codec: Codec, command: Command): Buffer =>
  codec.encode(topics.chatCommands, 'PostMessage', {
    ...command,
    replyTo: null,
    mentions: [],
    trackId: null,
    trackPositionMs: null,
    sentAt: Date.now(),
  })

/** Puts bytes in `chat.commands.v1` behind the edge's back, as large as the broker takes them. */
export const putCommand = (kafka: Kafka, roomId: string, value: Buffer): Promise<void> =>
  kafka.producer({ maxBatchBytes: 1_048_000 }).send({
    topic: topics.chatCommands.name,
    key: roomId,
    value,
    headers: toHeaders({ id: randomUUID(), type: 'PostMessage', source: '/e2e', time: Date.now() }),
  })

/** The codec of the stack's registry. */
export const openCodec = (): Promise<Codec> => connectCodec(inject('veza').registry)
