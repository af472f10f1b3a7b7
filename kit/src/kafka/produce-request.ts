import { crc32c } from '@node-rs/crc32'
import { type EncodedRecord, putVarint, sizeOfVarint } from './record-encoder.ts'

/** What kafkajs gives to the encoder of a produce request. */
export interface ProduceRequest {
  readonly acks: number
  /** Milliseconds. */
  readonly timeout: number
  readonly producerId: { toString(): string }
  readonly producerEpoch: number
  readonly topicData: readonly {
    readonly topic: string
    readonly partitions: readonly {
      readonly partition: number
      readonly firstSequence: number
      readonly messages: readonly EncodedRecord[]
    }[]
  }[]
}

/** The part of kafkajs' Encoder that it reads. */
interface Encoded {
  readonly buf: Buffer
  readonly buffer: Buffer
}

const apiKey = 0
const magic = 2
/** First offset, length, leader epoch, magic, CRC: what the CRC does not cover. */
const crcEnd = 21
/** From the first offset to the number of records. */
export const batchHeaderBytes = 61

/** Attributes and the two deltas; all records of a batch have its time. */
const sizeOfFront = (offsetDelta: number): number => 2 + sizeOfVarint(offsetDelta)

const bodySize = (record: EncodedRecord, offsetDelta: number): number =>
  sizeOfFront(offsetDelta) + record.end - record.start

function batchSize(records: readonly EncodedRecord[]): number {
  let size = batchHeaderBytes
  for (const [index, record] of records.entries()) {
    const body = bodySize(record, index)
    size += sizeOfVarint(body) + body
  }
  return size
}

/** What a record takes of a request at most. */
export const sizeOf = (record: EncodedRecord): number => 5 + 2 + 5 + record.end - record.start

/**
 * A record batch, format version 2, uncompressed (Kafka protocol guide, "Record Batch"), with the sequence numbers of an
 * idempotent producer. Returns the offset behind it.
 */
function putBatch(
  target: Buffer,
  start: number,
  size: number,
  records: readonly EncodedRecord[],
  producer: { readonly id: bigint; readonly epoch: number; readonly firstSequence: number },
): number {
  const time = BigInt(Date.now())
  target.writeBigInt64BE(0n, start)
  target.writeInt32BE(size - 12, start + 8)
  target.writeInt32BE(0, start + 12)
  target.writeInt8(magic, start + 16)
  target.writeInt16BE(0, start + crcEnd)
  target.writeInt32BE(records.length - 1, start + 23)
  target.writeBigInt64BE(time, start + 27)
  target.writeBigInt64BE(time, start + 35)
  target.writeBigInt64BE(producer.id, start + 43)
  target.writeInt16BE(producer.epoch, start + 51)
  target.writeInt32BE(producer.firstSequence, start + 53)
  target.writeInt32BE(records.length, start + 57)
  let at = start + batchHeaderBytes
  for (const [index, record] of records.entries()) {
    at = putVarint(target, at, bodySize(record, index))
    target[at++] = 0
    target[at++] = 0
    at = putVarint(target, at, index)
    at += record.slab.copy(target, at, record.start, record.end)
  }
  target.writeUInt32BE(crc32c(target.subarray(start + crcEnd, at)), start + 17)
  return at
}

function putText(target: Buffer, at: number, text: string): number {
  const length = target.write(text, at + 2)
  target.writeInt16BE(length, at)
  return at + 2 + length
}

function encode({ acks, timeout, producerId, producerEpoch, topicData }: ProduceRequest): Buffer {
  const id = BigInt(producerId.toString())
  const sizes = topicData.map(({ partitions }) => partitions.map(({ messages }) => batchSize(messages)))
  let size = 2 + 2 + 4 + 4
  for (const [index, { topic }] of topicData.entries()) {
    size += 2 + Buffer.byteLength(topic) + 4
    for (const batch of sizes[index] ?? []) size += 8 + batch
  }
  const target = Buffer.allocUnsafeSlow(size)
  // No transaction.
  target.writeInt16BE(-1, 0)
  target.writeInt16BE(acks, 2)
  target.writeInt32BE(timeout, 4)
  target.writeInt32BE(topicData.length, 8)
  let at = 12
  for (const [index, { topic, partitions }] of topicData.entries()) {
    at = putText(target, at, topic)
    at = target.writeInt32BE(partitions.length, at)
    for (const [nth, { partition, firstSequence, messages }] of partitions.entries()) {
      const batch = sizes[index]?.[nth] ?? 0
      at = target.writeInt32BE(partition, at)
      at = target.writeInt32BE(batch, at)
      at = putBatch(target, at, batch, messages, { id, epoch: producerEpoch, firstSequence })
    }
  }
  return target
}

/** In the place of kafkajs' produce request, version 3, on which its later versions stand. */
export const produceRequest = (request: ProduceRequest) => ({
  apiKey,
  apiVersion: 3,
  apiName: 'Produce',
  expectResponse: () => request.acks !== 0,
  encode(): Promise<Encoded> {
    const buffer = encode(request)
    return Promise.resolve({ buf: buffer, buffer })
  },
})

/** In the place of kafkajs' grouping, which copies all that it has so far for each record, and hashes by 64-bit arithmetic. */
export function groupByPartition({
  partitionMetadata,
  messages,
}: {
  readonly partitionMetadata: readonly unknown[]
  readonly messages: readonly EncodedRecord[]
}): Record<string, EncodedRecord[]> {
  const groups: Record<string, EncodedRecord[]> = {}
  for (const message of messages) {
    const partition = (message.hash & 0x7fff_ffff) % partitionMetadata.length
    const group = groups[partition]
    if (group) group.push(message)
    else groups[partition] = [message]
  }
  return groups
}
