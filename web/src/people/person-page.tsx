import { useLocation, useRoute } from 'preact-iso/router'
import { api, ask, once, type Schemas } from '../api/client.ts'
import { myId } from '../api/session.ts'
import { loadRooms } from '../chat/rooms.ts'
import { words } from '../i18n/index.ts'
import { dateOf } from '../i18n/time.ts'
import { TrackList } from '../tracks/track-list.tsx'
import { Outcome, useAction } from '../ui/action.tsx'
import { Empty } from '../ui/controls.tsx'
import { Icon } from '../ui/icon.tsx'
import { useLoad } from '../ui/load.ts'
import { Paged, Shown } from '../ui/pages.tsx'
import { Avatar } from '../ui/pictures.tsx'

type User = Schemas['User']

/** Addresses that people give of themselves: the web alone. */
const isWeb = (url: string): boolean => /^https?:\/\//i.test(url)

const Relations = ({ user, changed }: { user: User; changed: () => void }) => {
  const { route } = useLocation()
  const action = useAction()
  const { people } = words.value
  const params = { path: { userId: user.id }, header: once() }
  const following = user.relationship?.following ?? 'none'
  const label = { none: people.follow, requested: people.requested, following: people.unfollow }[following]
  return (
    <div class="button-row">
      <button
        type="button"
        class={`button ${following === 'none' ? 'button-main' : ''}`}
        disabled={action.isBusy}
        onClick={() => {
          action.run(async () => {
            const path = '/v1/users/{userId}/follow'
            await ask(following === 'none' ? api.PUT(path, { params }) : api.DELETE(path, { params }))
            changed()
          })
        }}
      >
        {label}
      </button>
      <button
        type="button"
        class="button"
        disabled={action.isBusy}
        onClick={() => {
          action.run(async () => {
            const room = await ask(
              api.POST('/v1/rooms/direct', { body: { userId: user.id }, params: { header: once() } }),
            )
            void loadRooms()
            route(`/rooms/${room.id}`)
          })
        }}
      >
        <Icon name="rooms" />
        {people.message}
      </button>
      <button
        type="button"
        class="button"
        disabled={action.isBusy}
        onClick={() => {
          if (!confirm(people.blockSure(user.displayName))) return
          action.run(async () => {
            await ask(api.PUT('/v1/users/{userId}/block', { params }))
            route('/')
          })
        }}
      >
        {people.block}
      </button>
      {action.problem !== undefined && <Outcome of={action} />}
    </div>
  )
}

const Profile = ({ user, changed }: { user: User; changed: () => void }) => {
  const { people } = words.value
  return (
    <header class="person-head">
      <Avatar id={user.id} name={user.displayName} url={user.avatar?.['256']} />
      <div class="person-words">
        <h1 dir="auto">{user.displayName}</h1>
        <p class="quiet">
          {user.handle !== null && `@${user.handle} · `}
          {people.followers(user.followers)} · {people.following(user.following)} ·{' '}
          {people.since(dateOf(user.createdAt))}
        </p>
        {user.bio !== '' && (
          <p class="description" dir="auto">
            {user.bio}
          </p>
        )}
        <ul class="tags">
          {user.location !== '' && <li>{user.location}</li>}
          {user.links
            .filter(({ url }) => isWeb(url))
            .map(({ url, label }) => (
              <li key={url}>
                <a href={url} target="_blank" rel="noopener noreferrer nofollow">
                  {label === '' ? url : label}
                </a>
              </li>
            ))}
        </ul>
        {user.id === myId.value ? (
          <a class="button" href="/settings">
            <Icon name="edit" />
            {people.edit}
          </a>
        ) : (
          <Relations user={user} changed={changed} />
        )}
      </div>
    </header>
  )
}

export const PersonPage = () => {
  const { userId = '' } = useRoute().params
  const [loaded, again] = useLoad(userId, () =>
    ask(api.GET('/v1/users/{userId}', { params: { path: { userId } } })),
  )
  const { people } = words.value
  return (
    <div class="page">
      <Shown of={loaded} again={again}>
        {(user) => (
          <>
            <Profile user={user} changed={again} />
            <section class="stack" aria-labelledby="their-tracks">
              <h2 id="their-tracks">{people.tracks}</h2>
              <Paged
                name={userId}
                empty={<Empty>{people.noTracks}</Empty>}
                load={async (cursor) => {
                  const query = { owner: userId, ...(cursor !== undefined && { cursor }) }
                  const { tracks, next } = await ask(api.GET('/v1/tracks', { params: { query } }))
                  return { items: tracks, next }
                }}
              >
                {(tracks) => <TrackList tracks={tracks} />}
              </Paged>
            </section>
          </>
        )}
      </Shown>
    </div>
  )
}
