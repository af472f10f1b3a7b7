import { topics } from '@veza/contracts'
import { type Projection } from '@veza/kit/projection'
import { type Message } from '@veza/kit/worker'
import { type AnalyticsDatabase, analyticsModel } from '@veza/streams/store'
import { type Kysely, sql } from 'kysely'
import { column } from './adapters/arrays.ts'
import { applyChat } from './apply-chat.ts'
import { applyListening, type ListeningDeps, refuseReport } from './apply-listening.ts'

export type AnalyticsTopic = typeof topics.listeningEvents | typeof topics.chatEvents
type Event = Message<AnalyticsTopic>
type Reported = Message<typeof topics.listeningEvents>
type ChatEvent = Message<typeof topics.chatEvents>

const isReport = (event: Event): event is Reported => event.type === 'ListeningReported'
const isChat = (event: Event): event is ChatEvent => event.type !== 'ListeningReported'

/** How far time has come in each partition: what is older than the rule lets come is forgotten by it. */
const moveWatermarks = async (
  db: Kysely<AnalyticsDatabase>,
  schema: string,
  events: readonly Event[],
): Promise<void> => {
  const newest = new Map<string, { topic: string; partition: number; at: number }>()
  for (const { record } of events) {
    const { topic, partition, timestamp } = record
    const key = `${topic}/${partition}`
    const known = newest.get(key)
    if (known === undefined) newest.set(key, { topic, partition, at: timestamp })
    else if (known.at < timestamp) known.at = timestamp
  }
  const rows = [...newest.values()]
  await sql`
    insert into ${sql.id(schema, 'watermarks')} as w (topic, partition, at)
    select * from unnest(
      ${column(rows, 'text', ({ topic }) => topic)}, ${column(rows, 'smallint', ({ partition }) => partition)},
      ${column(rows, 'bigint', ({ at }) => at)})
    on conflict (topic, partition) do update set at = greatest(w.at, excluded.at)`.execute(db)
}

export interface AnalyticsOptions extends ListeningDeps {
  /** What tests have of their own. */
  readonly name?: string
  readonly sources?: readonly AnalyticsTopic[]
  /** Of a recount: what belongs to hours before this one (since the Unix epoch) is left out. */
  readonly since?: number
  /** The same of rooms, whose events are not archived. */
  readonly roomsSince?: number
}

/** What is counted of listening.events.v1 and chat.events.v1. */
export const analyticsProjection = ({
  name = 'analytics',
  sources = [topics.listeningEvents, topics.chatEvents],
  since = 0,
  roomsSince = since,
  ...deps
}: AnalyticsOptions): Projection<AnalyticsTopic, AnalyticsDatabase> => {
  const listening = applyListening(deps)
  const chat = applyChat(deps)
  return {
    ...analyticsModel,
    name,
    topics: sources,
    refuse: (event) => (isReport(event) ? refuseReport(event) : undefined),
    async apply(db, events, schema) {
      await listening(db, schema, events.filter(isReport), since)
      await chat(db, schema, events.filter(isChat), roomsSince)
      await moveWatermarks(db, schema, events)
    },
  }
}
