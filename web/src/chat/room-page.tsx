import { useSignal } from '@preact/signals'
import { useRoute } from 'preact-iso/router'
import { api, ask, once } from '../api/client.ts'
import { type ApiProblem, asProblem } from '../api/problem.ts'
import { myId } from '../api/session.ts'
import { words } from '../i18n/index.ts'
import { Loading, ProblemNote } from '../ui/controls.tsx'
import { useLoad } from '../ui/load.ts'
import { Conversation } from './conversation.tsx'
import { roomName } from './room-links.tsx'
import { loadRooms, type Room } from './rooms.ts'

/** An address may hold anything. */
const isId = (text: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)

/** Where one who is no member may become one. */
export const JoinRoom = ({ room, joined }: { room: Room; joined: () => void }) => {
  const problem = useSignal<ApiProblem | undefined>(undefined)
  const join = async (): Promise<void> => {
    try {
      const params = { path: { roomId: room.id }, header: once() }
      await ask(api.POST('/v1/rooms/{roomId}/members', { params, body: {} }))
      void loadRooms()
      joined()
    } catch (error) {
      problem.value = asProblem(error)
    }
  }
  return (
    <div class="join">
      {problem.value === undefined ? (
        <p>{words.value.chat.joinFirst}</p>
      ) : (
        <ProblemNote problem={problem.value} />
      )}
      <button type="button" class="button button-main" onClick={() => void join()}>
        {words.value.rooms.join}
      </button>
    </div>
  )
}

/** A room by its id, with its conversation. */
export const RoomView = ({
  roomId,
  trackId,
  around,
}: {
  roomId: string
  trackId?: string
  around?: string | undefined
}) => {
  const [loaded, again] = useLoad(roomId, () =>
    ask(api.GET('/v1/rooms/{roomId}', { params: { path: { roomId } } })),
  )
  if (loaded.state === 'loading') return <Loading />
  if (loaded.state === 'failed') return <ProblemNote problem={loaded.problem} again={again} />
  const room = loaded.value
  return (
    <Conversation
      key={`${room.id} ${room.role ?? ''} ${around ?? ''}`}
      room={room}
      name={roomName(room)}
      me={myId.value}
      {...(trackId !== undefined && { trackId })}
      {...(around !== undefined && isId(around) && { around })}
      foot={room.role === null ? <JoinRoom room={room} joined={again} /> : undefined}
    />
  )
}

export const RoomPage = () => {
  const { params, query } = useRoute()
  const { roomId = '' } = params
  return (
    <div class="page page-room">
      <RoomView key={roomId} roomId={roomId} around={query['message']} />
    </div>
  )
}
