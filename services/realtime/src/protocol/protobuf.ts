import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import protobufjs from 'protobufjs'
import { type Command, readCommand } from './commands.ts'
import { type Encoding } from './encoding.ts'
import { type Json, type Publication, type Reply, type SubscribeResult } from './replies.ts'

const { root } = protobufjs.parse(readFileSync(join(import.meta.dirname, 'client.proto'), 'utf8'), {
  keepCase: true,
})
const commandType = root.lookupType('veza.centrifuge.Command')
const replyType = root.lookupType('veza.centrifuge.Reply')

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Bytes that are no JSON are no data: what needs data refuses the command, as it does for JSON clients. */
const parseData = (bytes: unknown): unknown => {
  if (!(bytes instanceof Uint8Array)) return undefined
  try {
    return JSON.parse(utf8.decode(bytes))
  } catch {
    return undefined
  }
}

/** The next command of a frame, or undefined when it is none. */
const readNext = (reader: protobufjs.Reader): Command | undefined => {
  try {
    const message = commandType.decodeDelimited(reader)
    const fields: Record<string, unknown> = commandType.toObject(message, { longs: Number })
    for (const name of ['publish', 'rpc']) {
      const body = fields[name] as { data?: unknown } | undefined
      if (body !== undefined) body.data = parseData(body.data)
    }
    return readCommand(fields)
  } catch {
    return undefined
  }
}

const bytesOf = (data: Json): Buffer => Buffer.from(data)

const publicationMessage = ({ offset, data }: Publication): object => ({ offset, data: bytesOf(data) })

const subscriptionMessage = ({
  position,
  wasRecovering,
  recovered,
  publications,
}: SubscribeResult): object => ({
  recoverable: true,
  positioned: true,
  epoch: position.epoch,
  offset: position.offset,
  was_recovering: wasRecovering,
  recovered,
  publications: publications.map(publicationMessage),
})

const messageOf = (reply: Reply): object => {
  switch (reply.type) {
    case 'published':
      return { push: { channel: reply.channel, pub: publicationMessage(reply.publication) } }
    case 'publish':
    case 'unsubscribe':
      return { id: reply.id, [reply.type]: {} }
    case 'ping':
      return {}
    case 'error':
      return { id: reply.id, error: reply.error }
    case 'subscribe':
      return { id: reply.id, subscribe: subscriptionMessage(reply.result) }
    case 'connect': {
      const { subs, ...result } = reply.result
      const messages = Object.entries(subs).map(
        ([channel, sub]) => [channel, subscriptionMessage(sub)] as const,
      )
      return { id: reply.id, connect: { ...result, subs: Object.fromEntries<object>(messages) } }
    }
    case 'history': {
      const { epoch, offset } = reply.position
      const publications = reply.publications.map(publicationMessage)
      return { id: reply.id, history: { epoch, offset, publications } }
    }
    case 'rpc':
      return { id: reply.id, rpc: { data: bytesOf(reply.data) } }
    case 'refresh':
    case 'sub_refresh':
    case 'presence':
    case 'presence_stats':
      return { id: reply.id, [reply.type]: reply.result }
    case 'joined':
      return { push: { channel: reply.channel, join: { info: reply.info } } }
    case 'left':
      return { push: { channel: reply.channel, leave: { info: reply.info } } }
    case 'unsubscribed':
      return { push: { channel: reply.channel, unsubscribe: reply.advice } }
  }
}

/** Messages behind their lengths, several a frame. */
export const protobuf: Encoding = {
  subprotocol: 'centrifuge-protobuf',
  isBinary: true,
  *decode(frame) {
    const reader = protobufjs.Reader.create(Buffer.from(frame))
    if (reader.len === 0) yield undefined
    while (reader.pos < reader.len) {
      const command = readNext(reader)
      yield command
      if (command === undefined) return
    }
  },
  encode(replies) {
    const writer = protobufjs.Writer.create()
    for (const reply of replies) replyType.encodeDelimited(messageOf(reply), writer.fork())
    return writer.finish()
  },
}
