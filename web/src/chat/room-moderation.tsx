import { useSignal } from '@preact/signals'
import { useRef } from 'preact/hooks'
import { api, ask, once, type Schemas } from '../api/client.ts'
import { words } from '../i18n/index.ts'
import { ago } from '../i18n/time.ts'
import { nameOf, PersonAvatar } from '../people/people.tsx'
import { ActionButton, Dismissal, Outcome, useAction } from '../ui/action.tsx'
import { useLoad } from '../ui/load.ts'
import { Paged, Shown } from '../ui/pages.tsx'

type Report = Schemas['ReportList']['reports'][number]
type Ban = Schemas['BanPage']['bans'][number]

const hourSeconds = 3_600

const BanRow = ({ roomId, ban, lifted }: { roomId: string; ban: Ban; lifted: () => void }) => {
  const action = useAction()
  const { moderation } = words.value
  const { userId, bannedBy, bannedAt } = ban
  const name = nameOf(userId)
  return (
    <li class="member">
      <a class="member-who" href={`/people/${userId}`}>
        <PersonAvatar id={userId} />
        <span>
          {name} <span class="quiet">{moderation.bannedBy(nameOf(bannedBy), ago(bannedAt))}</span>
        </span>
      </a>
      <div class="button-row">
        <button
          type="button"
          class="button"
          aria-label={`${moderation.liftBan}: ${name}`}
          disabled={action.isBusy}
          onClick={() => {
            action.run(async () => {
              const params = { path: { roomId, userId }, header: once() }
              await ask(api.DELETE('/v1/rooms/{roomId}/bans/{userId}', { params }))
              lifted()
            })
          }}
        >
          {moderation.liftBan}
        </button>
        {action.problem !== undefined && <Outcome of={action} />}
      </div>
    </li>
  )
}

/** Who is shut out, and the way back in. @param round another one: something about it may have changed */
export const Bans = ({ roomId, round, changed }: { roomId: string; round: number; changed: () => void }) => {
  const { moderation } = words.value
  return (
    <section class="moderation" aria-labelledby="bans">
      <h3 id="bans">{moderation.bans}</h3>
      <Paged
        name={String(round)}
        empty={<p class="quiet">{moderation.noBans}</p>}
        load={async (cursor) => {
          const params = { path: { roomId }, query: cursor === undefined ? {} : { cursor } }
          const page = await ask(api.GET('/v1/rooms/{roomId}/bans', { params }))
          return { items: page.bans, next: page.next }
        }}
      >
        {(bans) => (
          <ul class="members">
            {bans.map((ban) => (
              <BanRow key={ban.userId} roomId={roomId} ban={ban} lifted={changed} />
            ))}
          </ul>
        )}
      </Paged>
    </section>
  )
}

/** What was reported, by whom and why, and what can be done about it. */
const Reported = ({
  roomId,
  message,
  reports,
  me,
  removed,
  changed,
}: {
  roomId: string
  message: Schemas['Message']
  reports: readonly Report[]
  me: string
  removed: () => void
  changed: () => void
}) => {
  const action = useAction()
  const { moderation } = words.value
  const { messageId, senderId, body } = message
  const name = nameOf(senderId)
  const button = (label: string, work: () => Promise<unknown>) => (
    <ActionButton action={action} label={label} about={name} work={work} />
  )
  return (
    <>
      <a class="reported" href={`/rooms/${roomId}?message=${messageId}`}>
        <span class="strong">{name}</span> <span class="quiet">{ago(message.postedAt)}</span>
        <span class="found-body" dir="auto">
          {body}
        </span>
      </a>
      <ul>
        {reports.map(({ reporterId, reason }) => (
          <li key={reporterId} class="quiet" dir="auto">
            {moderation.reportedBy(nameOf(reporterId), reason)}
          </li>
        ))}
      </ul>
      <div class="button-row">
        {button(moderation.removeMessage, async () => {
          const params = { path: { roomId, messageId }, query: { clientMessageId: crypto.randomUUID() } }
          await ask(api.DELETE('/v1/rooms/{roomId}/messages/{messageId}', { params }))
          removed()
        })}
        {senderId !== me &&
          button(moderation.mute, async () => {
            const params = { path: { roomId, userId: senderId }, header: once() }
            const body = { seconds: hourSeconds }
            await ask(api.PUT('/v1/rooms/{roomId}/members/{userId}/mute', { params, body }))
            changed()
          })}
        {senderId !== me &&
          button(moderation.ban, async () => {
            const params = { path: { roomId, userId: senderId }, header: once() }
            await ask(api.PUT('/v1/rooms/{roomId}/bans/{userId}', { params }))
            changed()
          })}
        <Outcome of={action} />
      </div>
    </>
  )
}

const ReportedMessage = ({
  roomId,
  messageId,
  reports,
  me,
  changed,
  dismissed,
}: {
  roomId: string
  messageId: string
  reports: readonly Report[]
  me: string
  changed: () => void
  dismissed: () => void
}) => {
  const isRemoved = useSignal(false)
  const [loaded] = useLoad(messageId, () =>
    ask(api.GET('/v1/rooms/{roomId}/messages/{messageId}', { params: { path: { roomId, messageId } } })),
  )
  return (
    <li class="member">
      <Shown of={loaded}>
        {(message) => (
          <>
            {isRemoved.value || message.deletedAt !== undefined ? (
              <p class="quiet message-deleted">{words.value.chat.deleted}</p>
            ) : (
              <Reported
                roomId={roomId}
                message={message}
                reports={reports}
                me={me}
                removed={() => {
                  isRemoved.value = true
                }}
                changed={changed}
              />
            )}
            <Dismissal
              about={nameOf(message.senderId)}
              work={async (body) => {
                const params = { path: { roomId, messageId }, header: once() }
                const path = '/v1/rooms/{roomId}/messages/{messageId}/reports/dismissal'
                await ask(api.PUT(path, { params, body }))
                dismissed()
              }}
            />
          </>
        )}
      </Shown>
    </li>
  )
}

/** What members reported, a message at a time. */
export const Reports = ({ roomId, me, changed }: { roomId: string; me: string; changed: () => void }) => {
  const [loaded, again] = useLoad(roomId, () =>
    ask(api.GET('/v1/rooms/{roomId}/reports', { params: { path: { roomId } } })),
  )
  const heading = useRef<HTMLHeadingElement>(null)
  const { moderation } = words.value
  return (
    <section class="moderation" aria-labelledby="room-reports">
      <h3 id="room-reports" ref={heading} tabIndex={-1}>
        {moderation.reports}
      </h3>
      <Shown of={loaded} again={again}>
        {({ reports }) =>
          reports.length === 0 ? (
            <p class="quiet">{moderation.noReports}</p>
          ) : (
            <ul class="members">
              {[...new Set(reports.map(({ messageId }) => messageId))].map((messageId) => (
                <ReportedMessage
                  key={messageId}
                  roomId={roomId}
                  messageId={messageId}
                  reports={reports.filter((report) => report.messageId === messageId)}
                  me={me}
                  changed={changed}
                  dismissed={() => {
                    // What had the keyboard is about to go.
                    heading.current?.focus()
                    again()
                  }}
                />
              ))}
            </ul>
          )
        }
      </Shown>
    </section>
  )
}
