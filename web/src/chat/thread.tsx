import { useEffect } from 'preact/hooks'
import { api, ask } from '../api/client.ts'
import { words } from '../i18n/index.ts'
import { IconButton } from '../ui/controls.tsx'
import { useLoad } from '../ui/load.ts'
import { Shown } from '../ui/pages.tsx'
import { Composer } from './composer.tsx'
import { MessageRow } from './message-row.tsx'
import { type RoomLog } from './room-log.ts'
import { type OpenRoom } from './room.ts'

/** What of a room's log a thread shows: when it changes, the thread has. */
const traceOf = (log: RoomLog | undefined, rootId: string): string =>
  JSON.stringify(
    log?.messages.filter(({ messageId, threadId }) => messageId === rootId || threadId === rootId) ?? [],
  )

/** A message with all that was said in reply to it, beside the room. */
export const Thread = ({
  room,
  roomId,
  rootId,
  me,
  canWrite,
  close,
}: {
  room: OpenRoom
  roomId: string
  rootId: string
  me: string
  canWrite: boolean
  close: () => void
}) => {
  const [loaded, again] = useLoad(rootId, () =>
    ask(
      api.GET('/v1/rooms/{roomId}/messages/{messageId}/thread', {
        params: { path: { roomId, messageId: rootId }, query: { limit: 100 } },
      }),
    ),
  )
  const trace = traceOf(room.log.value, rootId)
  useEffect(again, [trace])
  const { chat, app } = words.value
  return (
    <aside
      class="thread"
      aria-label={chat.thread}
      onKeyDown={(event) => {
        if (event.key === 'Escape') close()
      }}
    >
      <header class="room-head">
        <h2>{chat.thread}</h2>
        <IconButton icon="close" label={app.close} onClick={close} />
      </header>
      <div class="messages" tabIndex={0} role="region" aria-label={chat.thread}>
        <Shown of={loaded} again={again}>
          {({ root, messages }) => (
            <ol>
              {[root, ...messages.toReversed()].map((message) => (
                <li key={message.messageId}>
                  <MessageRow room={room} message={message} me={me} isContinued={false} />
                </li>
              ))}
            </ol>
          )}
        </Shown>
      </div>
      {canWrite && loaded.state === 'ready' && (
        <Composer
          room={room}
          draft={`${roomId}.${rootId}`}
          me={me}
          replyTo={loaded.value.root}
          onDone={() => undefined}
        />
      )}
    </aside>
  )
}
