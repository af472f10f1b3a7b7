import { randomUUID } from 'node:crypto'
import { type Codec, toHeaders, topics } from '@veza/contracts'
import { type OutgoingRecord, type Producer } from '@veza/kit/kafka'
import { type Job } from '@veza/tracks/store'

const source = '/transcode'

/** What the owner of a track is told on `user:<id>`. `id` is the same whenever it is told. */
export const newsRecord = (
  codec: Codec,
  id: string,
  news: {
    readonly userId: string
    readonly trackId: string
    readonly status: 'processing' | 'ready' | 'failed'
    readonly percent: number
    readonly code: string | null
    readonly at: number
  },
  traceparent?: string,
): OutgoingRecord => ({
  topic: topics.notifications.name,
  key: news.userId,
  value: codec.encode(topics.notifications, 'TrackNews', news),
  headers: toHeaders({ id, type: 'TrackNews', source, time: news.at, traceparent }),
})

const everyMs = 1_000

/**
 * Tells how far a job is: its owner live, and media.transcode.v1. A sample, at most one a second and none twice; what
 * cannot be sent is left out.
 *
 * @returns takes the share that is done, 0 to 1
 */
export const progressOf =
  (deps: { codec: Codec; producer: Producer; now: () => Date }) =>
  ({ trackId, ownerId, attempt, priority }: Job): ((share: number) => void) => {
    let toldAt = -Infinity
    let told = -1
    return (share) => {
      const at = deps.now().getTime()
      const percent = Math.min(99, Math.floor(100 * share))
      if (percent === told || at - toldAt < everyMs) return
      told = percent
      toldAt = at
      const progressed = { trackId, ownerId, percent, attempt, at }
      const type = 'TranscodeProgressed'
      const news = newsRecord(deps.codec, randomUUID(), {
        ...{ userId: ownerId, trackId, status: 'processing', percent, code: null, at },
      })
      const records = [
        {
          topic: topics.mediaTranscode.name,
          key: trackId,
          value: deps.codec.encode(topics.mediaTranscode, type, progressed),
          headers: toHeaders({ id: randomUUID(), type, source, time: at }),
        },
        // To its owner a track that is made anew is ready all the time.
        ...(priority === 'upload' ? [news] : []),
      ]
      deps.producer.sendAll(records).catch(() => undefined)
    }
  }
