import { useSignal } from '@preact/signals'
import { type Subscription } from 'centrifuge'
import { useEffect } from 'preact/hooks'
import { api, ask } from '../api/client.ts'
import { words } from '../i18n/index.ts'
import { connection } from '../live/connection.ts'
import { useLoad } from '../ui/load.ts'

/** How many hear a track, as `track:<id>` tells it; undefined until it does. */
const useListeners = (trackId: string): number | undefined => {
  const listeners = useSignal<number | undefined>(undefined)
  useEffect(() => {
    let isGone = false
    let leave: (() => void) | undefined
    const follow = async (): Promise<void> => {
      const client = await connection()
      if (isGone) return
      const channel: Subscription =
        client.getSubscription(`track:${trackId}`) ?? client.newSubscription(`track:${trackId}`)
      channel.on('publication', ({ data }) => {
        listeners.value = (data as { readonly listeners: number }).listeners
      })
      channel.subscribe()
      leave = () => {
        channel.unsubscribe()
        channel.removeAllListeners()
        client.removeSubscription(channel)
      }
    }
    void follow()
    return () => {
      isGone = true
      listeners.value = undefined
      leave?.()
    }
  }, [trackId])
  return listeners.value
}

/** How often a track was played, and how many hear it now: live. Nothing, while that can't be told. */
export const Listening = ({ trackId }: { trackId: string }) => {
  const [loaded] = useLoad(trackId, () =>
    ask(api.GET('/v1/tracks/{trackId}/stats', { params: { path: { trackId }, query: { days: 1 } } })),
  )
  const live = useListeners(trackId)
  const { tracks } = words.value
  const counts = loaded.state === 'ready' ? loaded.value : undefined
  const now = live ?? counts?.listeningNow ?? 0
  // Its line is there from the beginning: what is below it would move otherwise.
  return (
    <p class="quiet listening">
      {counts !== undefined && tracks.plays(counts.plays)}
      {counts !== undefined && now > 0 && ' · '}
      {now > 0 && tracks.listeningNow(now)}
    </p>
  )
}
