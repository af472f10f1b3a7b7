import { maxHearings, type TracksApi } from './adapters/tracks-api.ts'
import { type Listeners } from './listeners.ts'

/**
 * Has those followers of tracks expelled that may not hear them any more, whatever made it so. All are asked for, not those
 * whom an event concerns: a block or an unfollowing reaches tracks' own copy of relations a moment after the event, and one
 * question in some seconds for some hundred of them costs little. While tracks does not answer, everybody stays.
 */
export const reviewFollowers = ({
  listeners,
  mayHear,
  report,
}: {
  listeners: Pick<Listeners, 'followers'>
  mayHear: TracksApi['mayHear']
  report: (error: unknown) => void
}): (() => Promise<void>) => {
  let underWay: Promise<void> | undefined
  const review = async (): Promise<void> => {
    const all = [...listeners.followers()]
    for (let at = 0; at < all.length; at += maxHearings) {
      const asked = all.slice(at, at + maxHearings)
      const may = await mayHear(asked.map(({ trackId, userId }) => ({ trackId, userId })))
      asked.forEach((follower, index) => {
        if (may[index] === false) follower.expel()
      })
    }
  }
  return () =>
    (underWay ??= review()
      .catch(report)
      .finally(() => {
        underWay = undefined
      }))
}
