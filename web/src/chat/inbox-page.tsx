import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { useLocation } from 'preact-iso/router'
import { api, ask, once, type Schemas } from '../api/client.ts'
import { myId } from '../api/session.ts'
import { words } from '../i18n/index.ts'
import { ago } from '../i18n/time.ts'
import { onOwn } from '../live/connection.ts'
import { nameOf, PersonAvatar } from '../people/people.tsx'
import { Outcome, useAction } from '../ui/action.tsx'
import { Empty } from '../ui/controls.tsx'
import { Paged } from '../ui/pages.tsx'
import { loadRooms } from './rooms.ts'

type Notification = Schemas['Notification']

const Invitation = ({ roomId, answered }: { roomId: string; answered: () => void }) => {
  const { route } = useLocation()
  const action = useAction()
  const { inbox } = words.value
  return (
    <span class="button-row">
      <button
        type="button"
        class="button button-main"
        disabled={action.isBusy}
        onClick={() => {
          action.run(async () => {
            const params = { path: { roomId }, header: once() }
            await ask(api.POST('/v1/rooms/{roomId}/members', { params, body: {} }))
            await loadRooms()
            route(`/rooms/${roomId}`)
          })
        }}
      >
        {inbox.accept}
      </button>
      <button
        type="button"
        class="button"
        disabled={action.isBusy}
        onClick={() => {
          action.run(async () => {
            const params = { path: { roomId, userId: myId.value }, header: once() }
            await ask(api.DELETE('/v1/rooms/{roomId}/invitations/{userId}', { params }))
            answered()
          })
        }}
      >
        {inbox.decline}
      </button>
      {action.problem !== undefined && <Outcome of={action} />}
    </span>
  )
}

const Row = ({ notification, answered }: { notification: Notification; answered: () => void }) => {
  const { inbox } = words.value
  const { type, roomId, roomName, senderId, at, messageId, messages = 0 } = notification
  const name = nameOf(senderId)
  const text =
    type === 'mention'
      ? inbox.mention(name, roomName)
      : type === 'invitation'
        ? inbox.invitation(name, roomName)
        : inbox.directMessages(name, messages)
  return (
    <li class="inbox-row">
      <PersonAvatar id={senderId} />
      <div>
        {type === 'invitation' ? (
          <p>{text}</p>
        ) : (
          <a href={`/rooms/${roomId}${messageId === undefined ? '' : `?message=${messageId}`}`}>{text}</a>
        )}
        <p class="quiet">{ago(at)}</p>
      </div>
      {type === 'invitation' && <Invitation roomId={roomId} answered={answered} />}
    </li>
  )
}

export const InboxPage = () => {
  const round = useSignal(0)
  const { inbox } = words.value
  useEffect(
    () =>
      onOwn((publication) => {
        if (publication.type !== 'track' && publication.type !== 'rejected') round.value += 1
      }),
    [],
  )
  return (
    <div class="page page-narrow">
      <h1>{inbox.title}</h1>
      <Paged
        name={String(round.value)}
        empty={<Empty why={inbox.emptyWhy}>{inbox.empty}</Empty>}
        load={async (cursor) => {
          const query = cursor === undefined ? {} : { cursor }
          const { notifications, next } = await ask(api.GET('/v1/notifications', { params: { query } }))
          return { items: notifications, next }
        }}
      >
        {(notifications) => (
          <ul class="inbox">
            {notifications.map((notification) => (
              <Row
                key={`${notification.type}${notification.roomId}${notification.messageId ?? ''}`}
                notification={notification}
                answered={() => {
                  round.value += 1
                }}
              />
            ))}
          </ul>
        )}
      </Paged>
    </div>
  )
}
