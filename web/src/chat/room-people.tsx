import { useSignal } from '@preact/signals'
import { api, ask, once, type Schemas } from '../api/client.ts'
import { words } from '../i18n/index.ts'
import { nameOf, PersonAvatar, PersonName } from '../people/people.tsx'
import { ActionButton, Outcome, useAction } from '../ui/action.tsx'
import { Field, IconButton } from '../ui/controls.tsx'
import { useLoad } from '../ui/load.ts'
import { Paged, Shown } from '../ui/pages.tsx'
import { Bans, Reports } from './room-moderation.tsx'
import { type Room } from './rooms.ts'

type Member = Schemas['MemberPage']['members'][number]

const roles = ['moderator', 'member'] as const
const hourSeconds = 3_600

/** Moderators act on members, the owner on everybody else. */
const mayActOn = (room: Room, member: Member, me: string): boolean =>
  member.userId !== me && (room.role === 'owner' || (room.role === 'moderator' && member.role === 'member'))

const MemberRow = ({
  room,
  member,
  me,
  changed,
}: {
  room: Room
  member: Member
  me: string
  changed: () => void
}) => {
  const action = useAction()
  const { moderation } = words.value
  const { userId } = member
  const params = { path: { roomId: room.id, userId }, header: once() }
  const name = nameOf(userId)
  const isMuted = member.mutedUntil !== null && new Date(member.mutedUntil) > new Date()
  const act = (work: () => Promise<unknown>): void => {
    action.run(async () => {
      await work()
      changed()
    })
  }
  const button = (label: string, work: () => Promise<unknown>) => (
    <ActionButton action={action} label={label} about={name} work={() => work().then(changed)} />
  )
  return (
    <li class="member">
      <a class="member-who" href={`/people/${userId}`}>
        <PersonAvatar id={userId} />
        <span>
          <PersonName id={userId} /> <span class="quiet">{moderation.roles[member.role]}</span>
        </span>
      </a>
      {mayActOn(room, member, me) && (
        <div class="button-row">
          {room.role === 'owner' && member.role !== 'owner' && (
            <select
              aria-label={`${moderation.role}: ${name}`}
              value={member.role}
              onChange={(event) => {
                const role = roles.find((each) => each === event.currentTarget.value)
                if (role === undefined) return
                act(() =>
                  ask(api.PUT('/v1/rooms/{roomId}/members/{userId}/role', { params, body: { role } })),
                )
              }}
            >
              {roles.map((each) => (
                <option key={each} value={each}>
                  {moderation.roles[each]}
                </option>
              ))}
            </select>
          )}
          {button(isMuted ? moderation.unmute : moderation.mute, () => {
            const body = { seconds: isMuted ? 0 : hourSeconds }
            return ask(api.PUT('/v1/rooms/{roomId}/members/{userId}/mute', { params, body }))
          })}
          {button(moderation.remove, () =>
            ask(api.DELETE('/v1/rooms/{roomId}/members/{userId}', { params })),
          )}
          {button(moderation.ban, () => ask(api.PUT('/v1/rooms/{roomId}/bans/{userId}', { params })))}
        </div>
      )}
      <Outcome of={action} />
    </li>
  )
}

const Invite = ({ room }: { room: Room }) => {
  const text = useSignal('')
  const q = useSignal('')
  const action = useAction()
  const { moderation, search } = words.value
  const [found] = useLoad(q.value, async () =>
    q.value === ''
      ? { users: [] }
      : ask(api.GET('/v1/users', { params: { query: { q: q.value, limit: 5 } } })),
  )
  return (
    <form
      class="invite"
      onSubmit={(event) => {
        event.preventDefault()
        q.value = text.value.trim()
      }}
    >
      <Field label={moderation.invite} hint={moderation.inviteHint}>
        {(field) => (
          <input
            {...field}
            type="search"
            maxLength={200}
            value={text.value}
            onInput={(event) => {
              text.value = event.currentTarget.value
            }}
          />
        )}
      </Field>
      {q.value !== '' && (
        <Shown of={found}>
          {({ users }) =>
            users.length === 0 ? (
              <p class="quiet">{search.none}</p>
            ) : (
              <ul>
                {users.map(({ id, displayName }) => (
                  <li key={id}>
                    <button
                      type="button"
                      class="button"
                      aria-label={`${moderation.inviteThem}: ${displayName}`}
                      disabled={action.isBusy}
                      onClick={() => {
                        const params = { path: { roomId: room.id, userId: id }, header: once() }
                        action.run(() => ask(api.PUT('/v1/rooms/{roomId}/invitations/{userId}', { params })))
                      }}
                    >
                      {displayName}
                    </button>
                  </li>
                ))}
              </ul>
            )
          }
        </Shown>
      )}
      <Outcome of={action} />
    </form>
  )
}

const slowModes = [0, 5, 30, 300] as const

/** Slow mode for moderators, the archive for the owner. */
const Rules = ({ room }: { room: Room }) => {
  const slow = useSignal(room.slowModeSeconds)
  const isArchived = useSignal(room.archivedAt !== null)
  const action = useAction()
  const { moderation } = words.value
  const change = (body: Schemas['RoomSettings'], done: () => void): void => {
    action.run(async () => {
      const params = { path: { roomId: room.id }, header: once() }
      await ask(api.PATCH('/v1/rooms/{roomId}', { params, body }))
      done()
    })
  }
  return (
    <div class="invite">
      <Field label={moderation.slowMode}>
        {(field) => (
          <select
            {...field}
            value={String(slow.value)}
            onChange={(event) => {
              const slowModeSeconds = Number(event.currentTarget.value)
              change({ slowModeSeconds }, () => {
                slow.value = slowModeSeconds
              })
            }}
          >
            {[...new Set([...slowModes, slow.value])].map((seconds) => (
              <option key={seconds} value={String(seconds)}>
                {seconds === 0 ? moderation.slowModeOff : moderation.slowModeSeconds(seconds)}
              </option>
            ))}
          </select>
        )}
      </Field>
      {room.role === 'owner' && (
        <button
          type="button"
          class="button"
          disabled={action.isBusy}
          onClick={() => {
            const archived = !isArchived.value
            change({ archived }, () => {
              isArchived.value = archived
            })
          }}
        >
          {isArchived.value ? moderation.unarchive : moderation.archive}
        </button>
      )}
      <Outcome of={action} />
    </div>
  )
}

/** Who is in a room, and what those may do who look after it. */
export const RoomPeople = ({ room, me, close }: { room: Room; me: string; close: () => void }) => {
  const round = useSignal(0)
  const { moderation, app } = words.value
  const looksAfter = room.role === 'owner' || room.role === 'moderator'
  const changed = (): void => {
    round.value += 1
  }
  return (
    <aside
      class="thread"
      aria-label={moderation.people}
      onKeyDown={(event) => {
        if (event.key === 'Escape') close()
      }}
    >
      <header class="room-head">
        <h2>{moderation.people}</h2>
        <IconButton icon="close" label={app.close} onClick={close} />
      </header>
      <div class="messages" tabIndex={0} role="region" aria-label={moderation.people}>
        {looksAfter && <Invite room={room} />}
        {looksAfter && <Rules room={room} />}
        <Paged
          name={String(round.value)}
          empty={null}
          load={async (cursor) => {
            const query = { limit: 50, ...(cursor !== undefined && { cursor }) }
            const path = { roomId: room.id }
            const page = await ask(api.GET('/v1/rooms/{roomId}/members', { params: { path, query } }))
            return { items: page.members, next: page.next }
          }}
        >
          {(members) => (
            <ul class="members">
              {members.map((member) => (
                <MemberRow
                  key={`${member.userId}${member.role}${member.mutedUntil ?? ''}`}
                  room={room}
                  member={member}
                  me={me}
                  changed={changed}
                />
              ))}
            </ul>
          )}
        </Paged>
        {looksAfter && <Reports roomId={room.id} me={me} changed={changed} />}
        {looksAfter && <Bans roomId={room.id} round={round.value} changed={changed} />}
      </div>
    </aside>
  )
}
