import { type Codec, type topics } from '@veza/contracts'
import { type Producer } from '@veza/kit/kafka'
import { done, type Handle, skip } from '@veza/kit/worker'
import { newsRecord } from './news.ts'

const madeAgain = 'made anew for the catalogue: its owner waits for nothing'

/**
 * What tracks.events.v1 means here: a stream that is asked for has a job waiting, and an outcome is told to whoever waits
 * for it. All of it can be repeated.
 */
export const follow = (deps: {
  codec: Codec
  producer: Producer
  /** There may be something to do. */
  wake: () => void
}): Handle<typeof topics.tracksEvents> =>
  async function follow(message) {
    const tell = async (
      { trackId, ownerId: userId }: { readonly trackId: string; readonly ownerId: string },
      news: { status: 'ready' | 'failed'; code: string | null; at: number },
    ) => {
      const told = { userId, trackId, percent: 100, ...news }
      await deps.producer.send(newsRecord(deps.codec, message.id, told, message.traceparent))
      return done
    }
    switch (message.type) {
      case 'TranscodeRequested':
        deps.wake()
        return done
      case 'TrackReady':
        return message.value.again
          ? skip(madeAgain)
          : tell(message.value, { status: 'ready', code: null, at: message.value.readyAt })
      case 'TrackFailed':
        return message.value.again
          ? skip(madeAgain)
          : tell(message.value, { status: 'failed', code: message.value.code, at: message.value.failedAt })
      default:
        return skip('nothing to make of it')
    }
  }
