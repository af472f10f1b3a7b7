import { type topics } from '@veza/contracts'
import { headerOf } from '@veza/kit/kafka'
import { dead, done, type HandleChunk } from '@veza/kit/worker'
import { type projectViews, type Seen, type UsersStore } from '@veza/users/store'

/**
 * A chunk of records into the views, in one transaction. Which of them were seen before is told by their place in their
 * stream, so a chunk may come again.
 */
export const project =
  (deps: {
    views: UsersStore['views']
    project: ReturnType<typeof projectViews>
  }): HandleChunk<typeof topics.usersEvents> =>
  async (messages) => {
    const seen: Seen[] = []
    const outcomes = messages.map((message) => {
      const version = Number(headerOf(message.record, 'ce_sequence'))
      if (!Number.isSafeInteger(version) || version < 1) return dead('no place in its stream: ce_sequence')
      seen.push({ record: message, version })
      return done
    })
    await deps.views.transaction().execute((trx) => deps.project(trx, seen))
    return outcomes
  }
