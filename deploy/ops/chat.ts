import { openChatOperations } from '@veza/chat'
import { readEnv, url } from '@veza/kit/env'
import { createLog } from '@veza/kit/log'
import { type Command, UsageError } from './command.ts'

const environment = {
  CHAT_DATABASE_URL: url("chat's PostgreSQL database", undefined, { schemes: ['postgres', 'postgresql'] }),
}
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Can be run while Veza is in use: a room's commands wait while its own counts are made anew. */
export const rebuildChatCounts: Command = {
  name: 'rebuild-counts',
  args: '[<room id>]',
  doc: 'makes right what chat counts beside its messages: unread, mentions, replies, reactions',
  async run([roomId, ...more], { env, print }) {
    if ((roomId !== undefined && !uuid.test(roomId)) || more.length > 0)
      throw new UsageError('a room, or none')
    const chat = openChatOperations(readEnv(environment, env).CHAT_DATABASE_URL, createLog('ops', 'warn'))
    try {
      const said = ({ rooms, wrong }: { rooms: number; wrong: number }) =>
        `${rooms} rooms looked at, ${wrong} rows were wrong`
      const total = await chat.rebuildCounts(roomId, (sofar) => {
        if (sofar.rooms % 1_000 === 0) print(said(sofar))
      })
      print(said(total))
      return true
    } finally {
      await chat.close()
    }
  },
}
