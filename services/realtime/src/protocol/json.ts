import { type Command, readCommand } from './commands.ts'
import { type Encoding } from './encoding.ts'
import { type ConnectResult, type Publication, type Reply, type SubscribeResult } from './replies.ts'

const readLine = (line: string): Command | undefined => {
  try {
    return readCommand(JSON.parse(line))
  } catch {
    return undefined
  }
}

/** The commands' lines of a frame, blank ones left out. */
const linesOf = (frame: string): string[] =>
  frame.includes('\n')
    ? frame.split('\n').filter((line) => line.trim() !== '')
    : frame.trim() === ''
      ? []
      : [frame]

const publicationText = ({ offset, data }: Publication): string =>
  offset === 0 ? `{"data":${data}}` : `{"offset":${offset},"data":${data}}`

const listText = (publications: readonly Publication[]): string =>
  `[${publications.map(publicationText).join(',')}]`

const subscribeText = ({ position, wasRecovering, recovered, publications }: SubscribeResult): string =>
  `{"recoverable":true,"positioned":true,"epoch":${JSON.stringify(position.epoch)},"offset":${position.offset}` +
  (wasRecovering ? ',"was_recovering":true' : '') +
  (recovered ? ',"recovered":true' : '') +
  (publications.length === 0 ? '}' : `,"publications":${listText(publications)}}`)

const connectText = ({ subs, ...result }: ConnectResult): string => {
  const texts = Object.entries(subs).map(
    ([channel, sub]) => `${JSON.stringify(channel)}:${subscribeText(sub)}`,
  )
  return `${JSON.stringify(result).slice(0, -1)},"subs":{${texts.join(',')}}}`
}

const lineOf = (reply: Reply): string => {
  switch (reply.type) {
    case 'published':
      return `{"push":{"channel":"${reply.channel}","pub":${publicationText(reply.publication)}}}`
    case 'publish':
    case 'unsubscribe':
      return `{"id":${reply.id},"${reply.type}":{}}`
    case 'ping':
      return '{}'
    case 'error':
      return JSON.stringify({ id: reply.id, error: reply.error })
    case 'subscribe':
      return `{"id":${reply.id},"subscribe":${subscribeText(reply.result)}}`
    case 'history': {
      const { id, position, publications } = reply
      return `{"id":${id},"history":{"epoch":${JSON.stringify(position.epoch)},"offset":${position.offset},"publications":${listText(publications)}}}`
    }
    case 'rpc':
      return `{"id":${reply.id},"rpc":{"data":${reply.data}}}`
    case 'connect':
      return `{"id":${reply.id},"connect":${connectText(reply.result)}}`
    case 'refresh':
    case 'sub_refresh':
    case 'presence':
    case 'presence_stats':
      return `{"id":${reply.id},"${reply.type}":${JSON.stringify(reply.result)}}`
    case 'joined':
      return JSON.stringify({ push: { channel: reply.channel, join: { info: reply.info } } })
    case 'left':
      return JSON.stringify({ push: { channel: reply.channel, leave: { info: reply.info } } })
    case 'unsubscribed':
      return JSON.stringify({ push: { channel: reply.channel, unsubscribe: reply.advice } })
  }
}

/** An object a line, several lines a frame. */
export const json: Encoding = {
  subprotocol: 'centrifuge-json',
  isBinary: false,
  *decode(frame) {
    const lines = linesOf(Buffer.from(frame).toString())
    if (lines.length === 0) yield undefined
    for (const line of lines) yield readLine(line)
  },
  encode: (replies) => replies.map(lineOf).join('\n'),
}
