import { type LoadNews, type LoadPlan } from './plan.ts'
import { runLoad } from './run.ts'

/** The generator's process: a plan comes in as the first message, news go out, the report is the last. */
const tell = (news: LoadNews) => {
  process.send?.(news)
}

// An orphan would go on sending for minutes.
process.once('disconnect', () => process.exit(1))

process.once('message', (plan) => {
  void runLoad(plan as LoadPlan, tell)
    .then((report) => {
      tell({ type: 'report', report })
    })
    .catch((error: unknown) => {
      tell({
        type: 'failed',
        reason: error instanceof Error ? (error.stack ?? error.message) : String(error),
      })
    })
})
