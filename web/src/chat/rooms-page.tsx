import { useSignal } from '@preact/signals'
import { useLocation } from 'preact-iso/router'
import { api, ask, once } from '../api/client.ts'
import { type ApiProblem, asProblem } from '../api/problem.ts'
import { words } from '../i18n/index.ts'
import { Empty, Field, Loading, ProblemNote } from '../ui/controls.tsx'
import { useLoad } from '../ui/load.ts'
import { loadRooms, myRooms, type Room, roomsProblem } from './rooms.ts'
import { RoomLinks } from './room-links.tsx'

const NewRoom = () => {
  const { route } = useLocation()
  const name = useSignal('')
  const visibility = useSignal<'public' | 'private'>('public')
  const problem = useSignal<ApiProblem | undefined>(undefined)
  const { rooms } = words.value
  const create = async (): Promise<void> => {
    problem.value = undefined
    try {
      const body = { name: name.value, visibility: visibility.value }
      const { id } = await ask(api.POST('/v1/rooms', { body, params: { header: once() } }))
      void loadRooms()
      route(`/rooms/${id}`)
    } catch (error) {
      problem.value = asProblem(error)
    }
  }
  return (
    <form
      class="card new-room"
      onSubmit={(event) => {
        event.preventDefault()
        void create()
      }}
    >
      <h2>{rooms.create}</h2>
      <Field label={rooms.name}>
        {(field) => (
          <input
            {...field}
            required
            maxLength={100}
            value={name.value}
            onInput={(event) => {
              name.value = event.currentTarget.value
            }}
          />
        )}
      </Field>
      <div class="choices">
        {(['public', 'private'] as const).map((each) => (
          <label key={each}>
            <input
              type="radio"
              name="visibility"
              checked={visibility.value === each}
              onChange={() => {
                visibility.value = each
              }}
            />
            {rooms[each]}
          </label>
        ))}
      </div>
      {problem.value !== undefined && <ProblemNote problem={problem.value} />}
      <button type="submit" class="button button-main">
        {rooms.create}
      </button>
    </form>
  )
}

const OpenRooms = ({ mine }: { mine: readonly Room[] }) => {
  const [loaded, again] = useLoad('public', () =>
    ask(api.GET('/v1/rooms', { params: { query: { scope: 'public', limit: 50 } } })),
  )
  if (loaded.state === 'loading') return <Loading />
  if (loaded.state === 'failed') return <ProblemNote problem={loaded.problem} again={again} />
  const known = new Set(mine.map(({ id }) => id))
  const others = loaded.value.rooms.filter(({ id }) => !known.has(id))
  return others.length === 0 ? (
    <p class="quiet">{words.value.rooms.noneToJoin}</p>
  ) : (
    <RoomLinks rooms={others} />
  )
}

export const RoomsPage = () => {
  const { rooms } = words.value
  const mine = myRooms.value
  return (
    <div class="page">
      <header class="page-head">
        <h1>{rooms.title}</h1>
      </header>
      <div class="columns">
        <div>
          <section aria-labelledby="my-rooms">
            <h2 id="my-rooms">{rooms.yours}</h2>
            {roomsProblem.value !== undefined && mine === undefined && (
              <ProblemNote problem={roomsProblem.value} again={() => void loadRooms()} />
            )}
            {mine === undefined ? (
              roomsProblem.value === undefined && <Loading />
            ) : mine.length === 0 ? (
              <Empty>{rooms.none}</Empty>
            ) : (
              <RoomLinks rooms={mine} />
            )}
          </section>
          <section aria-labelledby="open-rooms">
            <h2 id="open-rooms">{rooms.discover}</h2>
            <OpenRooms mine={mine ?? []} />
          </section>
        </div>
        <aside class="aside">
          <NewRoom />
        </aside>
      </div>
    </div>
  )
}
