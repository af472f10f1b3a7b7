import { api, ask, once, type Schemas } from '../api/client.ts'
import { words } from '../i18n/index.ts'
import { momentOf } from '../i18n/time.ts'
import { PersonName } from '../people/people.tsx'
import { Outcome, useAction } from '../ui/action.tsx'
import { useLoad } from '../ui/load.ts'
import { Shown } from '../ui/pages.tsx'

type DeadLetter = Schemas['DeadLetter']

const Letter = ({ letter, settled }: { letter: DeadLetter; settled: () => void }) => {
  const action = useAction()
  const { status } = words.value
  const { id, redriven } = letter
  return (
    <li class="inbox-row">
      <div>
        <p>
          <span class="strong">{letter.group}</span> · {letter.type ?? status.noType}
        </p>
        <p class="dead-reason">
          {letter.errorClass}: {letter.reason}
        </p>
        <p class="quiet">
          {momentOf(letter.at)} ·{' '}
          <span class="trace">
            {letter.topic}/{letter.partition}/{letter.offset}
          </span>
        </p>
        {redriven !== null && (
          <p class="quiet">
            {status.redrivenBy} {redriven.by === 'operator' ? redriven.by : <PersonName id={redriven.by} />} ·{' '}
            {momentOf(redriven.at)}
          </p>
        )}
      </div>
      {redriven === null && (
        <div class="button-row">
          <button
            type="button"
            class="button"
            disabled={action.isBusy}
            aria-label={`${status.redrive}: ${id}`}
            onClick={() => {
              action.run(async () => {
                const params = { path: { id }, header: once() }
                await ask(api.POST('/v1/admin/dead-letters/{id}/redrive', { params }))
                settled()
              })
            }}
          >
            {status.redrive}
          </button>
          {action.problem !== undefined && <Outcome of={action} />}
        </div>
      )}
    </li>
  )
}

/** What consumer groups could not handle, and the way back. */
export const DeadLetters = () => {
  const query = { limit: 50 }
  const [loaded, again] = useLoad('dead letters', () =>
    ask(api.GET('/v1/admin/dead-letters', { params: { query } })),
  )
  const { status } = words.value
  return (
    <section class="card form" aria-labelledby="dead-letters">
      <div class="heading-row">
        <h2 id="dead-letters">{status.deadLetters}</h2>
        <button type="button" class="button" onClick={again}>
          {status.lookAgain}
        </button>
      </div>
      <Shown of={loaded} again={again}>
        {({ deadLetters }) =>
          deadLetters.length === 0 ? (
            <p class="quiet">{status.noDeadLetters}</p>
          ) : (
            <ul class="inbox">
              {deadLetters.map((letter) => (
                <Letter key={letter.id} letter={letter} settled={again} />
              ))}
            </ul>
          )
        }
      </Shown>
    </section>
  )
}
