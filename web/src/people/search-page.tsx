import { useSignal } from '@preact/signals'
import { useLocation } from 'preact-iso/router'
import { api, ask, type Schemas } from '../api/client.ts'
import { words } from '../i18n/index.ts'
import { ago } from '../i18n/time.ts'
import { TrackList } from '../tracks/track-list.tsx'
import { Icon } from '../ui/icon.tsx'
import { useLoad } from '../ui/load.ts'
import { Shown } from '../ui/pages.tsx'
import { Avatar } from '../ui/pictures.tsx'
import { PersonName } from './people.tsx'

export const PeopleList = ({ people }: { people: readonly Schemas['UserSummary'][] }) => (
  <ul class="room-links">
    {people.map(({ id, displayName, handle, avatar }) => (
      <li key={id}>
        <a class="room-link" href={`/people/${id}`}>
          <Avatar id={id} name={displayName} url={avatar?.['64']} />
          <span class="clip">
            {displayName} {handle !== null && <span class="quiet">@{handle}</span>}
          </span>
        </a>
      </li>
    ))}
  </ul>
)

const Found = ({ q }: { q: string }) => {
  const { search } = words.value
  const query = { q, limit: 10 }
  const [tracks] = useLoad(`tracks ${q}`, () => ask(api.GET('/v1/tracks', { params: { query } })))
  const [people] = useLoad(`people ${q}`, () => ask(api.GET('/v1/users', { params: { query } })))
  const [messages] = useLoad(`messages ${q}`, () => ask(api.GET('/v1/search', { params: { query } })))
  const none = <p class="quiet">{search.none}</p>
  return (
    <div class="columns">
      <section aria-labelledby="found-tracks">
        <h2 id="found-tracks">{search.tracks}</h2>
        <Shown of={tracks}>
          {({ tracks }) => (tracks.length === 0 ? none : <TrackList tracks={tracks} />)}
        </Shown>
      </section>
      <div class="aside">
        <section aria-labelledby="found-people">
          <h2 id="found-people">{search.people}</h2>
          <Shown of={people}>
            {({ users }) => (users.length === 0 ? none : <PeopleList people={users} />)}
          </Shown>
        </section>
        <section aria-labelledby="found-messages">
          <h2 id="found-messages">{search.messages}</h2>
          <Shown of={messages}>
            {({ messages }) =>
              messages.length === 0 ? (
                none
              ) : (
                <ul class="found-messages">
                  {messages.map(({ messageId, roomId, senderId, body, postedAt }) => (
                    <li key={messageId}>
                      <a href={`/rooms/${roomId}?message=${messageId}`}>
                        <span class="strong">
                          <PersonName id={senderId} />
                        </span>{' '}
                        <span class="quiet">{ago(postedAt)}</span>
                        <span class="found-body">{body}</span>
                      </a>
                    </li>
                  ))}
                </ul>
              )
            }
          </Shown>
        </section>
      </div>
    </div>
  )
}

export const SearchPage = () => {
  const { query, route } = useLocation()
  const q = query['q'] ?? ''
  const text = useSignal(q)
  const { search } = words.value
  return (
    <div class="page">
      <h1>{search.title}</h1>
      <form
        class="search"
        role="search"
        onSubmit={(event) => {
          event.preventDefault()
          const wanted = text.value.trim()
          if (wanted !== '') route(`/search?q=${encodeURIComponent(wanted)}`)
        }}
      >
        <input
          type="search"
          aria-label={search.title}
          placeholder={search.hint}
          maxLength={200}
          value={text.value}
          onInput={(event) => {
            text.value = event.currentTarget.value
          }}
        />
        <button type="submit" class="button button-main" aria-label={search.go}>
          <Icon name="search" />
        </button>
      </form>
      {q !== '' && <Found key={q} q={q} />}
    </div>
  )
}
