import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { api, ask, once, type Schemas } from '../api/client.ts'
import { session } from '../api/session.ts'
import { words } from '../i18n/index.ts'
import { momentOf } from '../i18n/time.ts'
import { nameOf, PersonName } from '../people/people.tsx'
import { Dismissal, Outcome, useAction } from '../ui/action.tsx'
import { Empty, Field } from '../ui/controls.tsx'
import { useLoad } from '../ui/load.ts'
import { Paged, Shown } from '../ui/pages.tsx'
import { DeadLetters } from './dead-letters.tsx'
import { Machine } from './machine.tsx'

const everyMs = 5_000
const contexts = ['auth', 'users', 'chat', 'tracks'] as const
const reasons = ['copyright', 'abuse', 'spam', 'sexual', 'violence', 'other'] as const

/** Users by their name; workers and operators are called what they are. */
const Who = ({ id }: { id: string }) => (/^[0-9a-f]{8}-/.test(id) ? <PersonName id={id} /> : <>{id}</>)

const Entry = ({ entry }: { entry: Schemas['AuditEntry'] }) => (
  <tr>
    <td class="time">{momentOf(entry.at)}</td>
    <td>{entry.context}</td>
    <td>{entry.type}</td>
    <td>
      <Who id={entry.actor ?? entry.userId ?? ''} />
    </td>
    <td>{entry.address ?? ''}</td>
    <td class="trace">{entry.traceId ?? ''}</td>
  </tr>
)

/** Who did what, when and from where, in all parts of Veza; the newest as it happens. */
const Audit = () => {
  const context = useSignal<(typeof contexts)[number] | undefined>(undefined)
  const type = useSignal('')
  const query = {
    limit: 50,
    ...(context.value !== undefined && { context: context.value }),
    ...(type.value.trim() !== '' && { type: type.value.trim() }),
  }
  const [loaded, again] = useLoad(JSON.stringify(query), () =>
    ask(api.GET('/v1/audit', { params: { query } })),
  )
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') again()
    }, everyMs)
    return () => {
      clearInterval(timer)
    }
  }, [again])
  const { status } = words.value
  return (
    <section class="card form" aria-labelledby="audit">
      <h2 id="audit">{status.audit}</h2>
      <div class="filters">
        <Field label={status.context}>
          {(field) => (
            <select
              {...field}
              value={context.value ?? ''}
              onChange={(event) => {
                context.value = contexts.find((each) => each === event.currentTarget.value)
              }}
            >
              <option value="">{status.all}</option>
              {contexts.map((each) => (
                <option key={each}>{each}</option>
              ))}
            </select>
          )}
        </Field>
        <Field label={status.type}>
          {(field) => (
            <input
              {...field}
              placeholder="SessionStarted"
              value={type.value}
              onChange={(event) => {
                type.value = event.currentTarget.value
              }}
            />
          )}
        </Field>
      </div>
      <Shown of={loaded} again={again}>
        {({ entries }) =>
          entries.length === 0 ? (
            <Empty>{status.none}</Empty>
          ) : (
            <div class="table" tabIndex={0} role="region" aria-label={status.entries}>
              <table>
                <thead>
                  <tr>
                    {[status.at, status.context, status.type, status.who, status.from, status.trace].map(
                      (heading) => (
                        <th key={heading} scope="col">
                          {heading}
                        </th>
                      ),
                    )}
                  </tr>
                </thead>
                <tbody>
                  {entries.map((entry) => (
                    <Entry key={entry.id} entry={entry} />
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Shown>
    </section>
  )
}

type TrackReport = Schemas['TrackReportPage']['reports'][number]

const Report = ({ report, settled }: { report: TrackReport; settled: () => void }) => {
  const reason = useSignal(report.reason)
  const action = useAction()
  const { status } = words.value
  const params = { path: { trackId: report.trackId }, header: once() }
  return (
    <li class="inbox-row">
      <div>
        <a class="strong" href={`/tracks/${report.trackId}`}>
          {status.reasons[report.reason]}
        </a>
        <p class="quiet">
          <PersonName id={report.reporterId} /> · {momentOf(report.reportedAt)}
        </p>
        {report.comment !== '' && <p dir="auto">{report.comment}</p>}
      </div>
      <div class="button-row">
        <select
          aria-label={status.reason}
          value={reason.value}
          onChange={(event) => {
            reason.value = reasons.find((each) => each === event.currentTarget.value) ?? reason.value
          }}
        >
          {reasons.map((each) => (
            <option key={each} value={each}>
              {status.reasons[each]}
            </option>
          ))}
        </select>
        <button
          type="button"
          class="button button-danger"
          disabled={action.isBusy}
          onClick={() => {
            action.run(async () => {
              const body = { reason: reason.value }
              await ask(api.PUT('/v1/tracks/{trackId}/takedown', { params, body }))
              settled()
            })
          }}
        >
          {status.takeDown}
        </button>
        {action.problem !== undefined && <Outcome of={action} />}
        <Dismissal
          about={`${status.reasons[report.reason]}, ${nameOf(report.reporterId)}`}
          work={async (body) => {
            await ask(api.PUT('/v1/tracks/{trackId}/reports/dismissal', { params, body }))
            settled()
          }}
        />
      </div>
    </li>
  )
}

const Reports = () => {
  const round = useSignal(0)
  const heading = useRef<HTMLHeadingElement>(null)
  const { status } = words.value
  return (
    <section class="card form" aria-labelledby="reports">
      <h2 id="reports" ref={heading} tabIndex={-1}>
        {status.reports}
      </h2>
      <Paged
        name={String(round.value)}
        empty={<p class="quiet">{status.noReports}</p>}
        load={async (cursor) => {
          const query = cursor === undefined ? {} : { cursor }
          const page = await ask(api.GET('/v1/moderation/track-reports', { params: { query } }))
          return { items: page.reports, next: page.next }
        }}
      >
        {(reports) => (
          <ul class="inbox">
            {reports.map((report) => (
              <Report
                key={`${report.trackId}${report.reporterId}`}
                report={report}
                settled={() => {
                  // What had the keyboard is about to go.
                  heading.current?.focus()
                  round.value += 1
                }}
              />
            ))}
          </ul>
        )}
      </Paged>
    </section>
  )
}

/** For administrators and moderators; others are told by the API that it is not for them. */
export const StatusPage = () => {
  const isAdmin = session.value?.roles.includes('admin') === true
  return (
    <div class="page">
      <h1>{words.value.nav.status}</h1>
      {isAdmin && <Machine />}
      {isAdmin && <DeadLetters />}
      <Reports />
      {isAdmin && <Audit />}
    </div>
  )
}
