import { api, ask } from '../api/client.ts'
import { myRooms } from '../chat/rooms.ts'
import { RoomLinks } from '../chat/room-links.tsx'
import { words } from '../i18n/index.ts'
import { UploadButton } from '../uploads/upload-panel.tsx'
import { Empty, Loading, ProblemNote } from '../ui/controls.tsx'
import { useLoad } from '../ui/load.ts'
import { TrackList } from './track-list.tsx'
import { Trending } from './trending.tsx'

const shownRooms = 6

export const HomePage = () => {
  const [loaded, again] = useLoad('new', () =>
    ask(api.GET('/v1/tracks', { params: { query: { limit: 20 } } })),
  )
  const { home } = words.value
  const rooms = myRooms.value ?? []
  return (
    <div class="page">
      <header class="page-head">
        <h1>{home.title}</h1>
        <UploadButton />
      </header>
      <div class="columns">
        <section aria-labelledby="new-tracks">
          <h2 id="new-tracks">{home.newTracks}</h2>
          {loaded.state === 'loading' && <Loading />}
          {loaded.state === 'failed' && <ProblemNote problem={loaded.problem} again={again} />}
          {loaded.state === 'ready' &&
            (loaded.value.tracks.length === 0 ? (
              <Empty why={home.noneWhy}>{home.none}</Empty>
            ) : (
              <TrackList tracks={loaded.value.tracks} />
            ))}
        </section>
        <div class="aside">
          <Trending />
          {rooms.length > 0 && (
            <section aria-labelledby="home-rooms">
              <h2 id="home-rooms">{home.yourRooms}</h2>
              <RoomLinks rooms={rooms.slice(0, shownRooms)} />
            </section>
          )}
        </div>
      </div>
    </div>
  )
}
