import { api, ask, type Schemas } from '../api/client.ts'
import { words } from '../i18n/index.ts'
import { useLoad } from '../ui/load.ts'
import { TrackList } from './track-list.tsx'

const shown = 5

/** What is heard most, the first first. Those that are not for this listener are left out. */
const loadTrending = async (): Promise<Schemas['Track'][]> => {
  const { tracks } = await ask(api.GET('/v1/trending', { params: { query: { limit: shown } } }))
  const loaded = await Promise.allSettled(
    tracks.map(({ trackId }) => ask(api.GET('/v1/tracks/{trackId}', { params: { path: { trackId } } }))),
  )
  return loaded.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
}

/** Stands on the home page when there is something to show. */
export const Trending = () => {
  const [loaded] = useLoad('trending', loadTrending)
  if (loaded.state !== 'ready' || loaded.value.length === 0) return null
  return (
    <section aria-labelledby="trending">
      <h2 id="trending">{words.value.home.trending}</h2>
      <TrackList tracks={loaded.value} />
    </section>
  )
}
