import { useSignal } from '@preact/signals'
import { type ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import { api, ask, type Schemas } from '../api/client.ts'
import { type ApiProblem, asProblem } from '../api/problem.ts'
import { words } from '../i18n/index.ts'
import { lengthOf, numberOf, sizeOf } from '../i18n/numbers.ts'
import { Loading, ProblemNote } from '../ui/controls.tsx'
import { Plot } from './plot.tsx'

type Status = Schemas['Status']

const everyMs = 2_000
/** Of a plot: five minutes. */
const most = 150

/** Asks while somebody looks. What it has seen stays when an answer fails. */
const useStatus = () => {
  const seen = useSignal<readonly Status[]>([])
  const problem = useSignal<ApiProblem | undefined>(undefined)
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    let isGone = false
    const look = async (): Promise<void> => {
      try {
        if (document.visibilityState === 'visible') {
          const status = await ask(api.GET('/v1/admin/status'))
          if (isGone) return
          seen.value = [...seen.value, status].slice(-most)
          problem.value = undefined
        }
      } catch (error) {
        problem.value = asProblem(error)
      }
      if (!isGone) timer = setTimeout(() => void look(), everyMs)
    }
    void look()
    return () => {
      isGone = true
      clearTimeout(timer)
    }
  }, [])
  return { seen: seen.value, problem: problem.value }
}

const ms = (seconds: number | null): string | undefined =>
  seconds === null ? undefined : numberOf(seconds * 1000, seconds < 0.01 ? 1 : 0)

const Figure = ({
  label,
  unit = '',
  value,
  points,
}: {
  label: string
  unit?: string
  value: string | undefined
  points: readonly (number | null)[]
}) => (
  <div class="figure">
    <dt>{label}</dt>
    <dd>
      <span class="figure-value">
        {value ?? '–'}
        {value !== undefined && unit !== '' && <span class="quiet"> {unit}</span>}
      </span>
      <Plot points={points} most={most} />
    </dd>
  </div>
)

const Figures = ({ seen, now }: { seen: readonly Status[]; now: Status }) => {
  const { status } = words.value
  const of = (read: (one: Status) => number | null) => seen.map(read)
  const lagOf = ({ groups }: Status) => groups && groups.reduce((sum, { lag }) => sum + (lag ?? 0), 0)
  const whole = (value: number | null) => (value === null ? undefined : numberOf(value, 0))
  const { waiting, running } = now.transcodes
  return (
    <dl class="figures">
      <Figure
        label={status.messages}
        unit={status.perSecond}
        value={now.messagesPerSecond === null ? undefined : numberOf(now.messagesPerSecond, 1)}
        points={of((one) => one.messagesPerSecond)}
      />
      <Figure label={status.sockets} value={whole(now.sockets)} points={of((one) => one.sockets)} />
      <Figure
        label={status.delivery50}
        unit="ms"
        value={ms(now.delivery.p50)}
        points={of(({ delivery }) => delivery.p50)}
      />
      <Figure
        label={status.delivery99}
        unit="ms"
        value={ms(now.delivery.p99)}
        points={of(({ delivery }) => delivery.p99)}
      />
      <Figure label={status.lag} value={whole(lagOf(now))} points={of(lagOf)} />
      <Figure
        label={status.transcodes}
        value={
          waiting === null && running === null
            ? undefined
            : `${numberOf(running ?? 0, 0)} / ${numberOf(waiting ?? 0, 0)}`
        }
        points={of(({ transcodes }) =>
          transcodes.waiting === null ? null : transcodes.waiting + (transcodes.running ?? 0),
        )}
      />
    </dl>
  )
}

const Table = ({
  label,
  headings,
  children,
}: {
  label: string
  headings: readonly string[]
  children: ComponentChildren
}) => (
  <div class="table" tabIndex={0} role="region" aria-label={label}>
    <table>
      <thead>
        <tr>
          {headings.map((heading) => (
            <th key={heading} scope="col">
              {heading}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  </div>
)

const Processes = ({ seen, now }: { seen: readonly Status[]; now: Status }) => {
  const { status } = words.value
  const { name, kind, state, up, cpu, memory } = status
  return (
    <Table label={status.processes} headings={[name, kind, state, up, cpu, memory]}>
      {now.processes.map((process) => (
        <tr key={process.name}>
          <th scope="row">{process.name}</th>
          <td>{process.kind === null ? '–' : status.kinds[process.kind]}</td>
          <td>
            <span class={`state state-${process.state}`}>{status.states[process.state]}</span>
            {Object.entries(process.failing).map(([check, reason]) => (
              <p key={check} class="quiet">
                {check}: {reason}
              </p>
            ))}
          </td>
          <td class="time">{process.upSeconds === null ? '–' : lengthOf(process.upSeconds)}</td>
          <td>
            <span class="with-plot">
              {process.cpu === null ? '–' : `${numberOf(process.cpu * 100, 0)} %`}
              <Plot
                most={most}
                points={seen.map(
                  ({ processes }) => processes.find((one) => one.name === process.name)?.cpu ?? null,
                )}
              />
            </span>
          </td>
          <td class="time">{process.memoryBytes === null ? '–' : sizeOf(process.memoryBytes)}</td>
        </tr>
      ))}
    </Table>
  )
}

const Groups = ({ seen, now }: { seen: readonly Status[]; now: Status }) => {
  const { status } = words.value
  if (now.groups === null) return <p class="problem-text">{status.noKafka}</p>
  const { group, members, lag, aside } = status
  return (
    <Table label={status.groups} headings={[group, members, lag, aside]}>
      {now.groups.map((one) => (
        <tr key={one.group}>
          <th scope="row">{one.group}</th>
          <td>
            <span class={one.members === 0 ? 'state state-away' : ''}>{numberOf(one.members, 0)}</span>
          </td>
          <td>
            <span class="with-plot">
              {one.lag === null ? '–' : numberOf(one.lag, 0)}
              <Plot
                most={most}
                points={seen.map(
                  ({ groups }) => groups?.find((each) => each.group === one.group)?.lag ?? null,
                )}
              />
            </span>
          </td>
          <td>{numberOf(one.deadLetters, 0)}</td>
        </tr>
      ))}
    </Table>
  )
}

/** What runs and how it does, as it changes. */
export const Machine = () => {
  const { seen, problem } = useStatus()
  const { status } = words.value
  const now = seen.at(-1)
  return (
    <section class="card form" aria-labelledby="machine">
      <h2 id="machine">{status.machine}</h2>
      {problem !== undefined && <ProblemNote problem={problem} />}
      {now === undefined ? (
        problem === undefined && <Loading />
      ) : (
        <>
          <Figures seen={seen} now={now} />
          <h3>{status.processes}</h3>
          <Processes seen={seen} now={now} />
          <h3>{status.groups}</h3>
          <Groups seen={seen} now={now} />
        </>
      )}
    </section>
  )
}
