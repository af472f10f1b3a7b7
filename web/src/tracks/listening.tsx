import { useEffect } from 'preact/hooks'
import { api, ask } from '../api/client.ts'
import { words } from '../i18n/index.ts'
import { useLoad } from '../ui/load.ts'

const everyMs = 15_000

/** How often a track was played, and how many hear it now. Nothing, while that can't be told. */
export const Listening = ({ trackId }: { trackId: string }) => {
  const [loaded, again] = useLoad(trackId, () =>
    ask(api.GET('/v1/tracks/{trackId}/stats', { params: { path: { trackId }, query: { days: 1 } } })),
  )
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') again()
    }, everyMs)
    return () => {
      clearInterval(timer)
    }
  }, [again])
  if (loaded.state !== 'ready') return null
  const { plays, listeningNow } = loaded.value
  const { tracks } = words.value
  return (
    <p class="quiet">
      {tracks.plays(plays)}
      {listeningNow > 0 && ` · ${tracks.listeningNow(listeningNow)}`}
    </p>
  )
}
