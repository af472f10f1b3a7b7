import { type Api, createRoute, jsonResponse, problemResponses, requireScope, z } from '@veza/kit/http'
import { type Status } from '../queries/status.ts'
import { type SignedInMiddleware } from './signed-in.ts'

const known = (description: string) => z.number().nullable().openapi({ description })

const processStatus = z.object({
  name: z.string().openapi({ example: 'realtime' }),
  kind: z
    .enum(['http', 'websocket', 'worker'])
    .nullable()
    .openapi({ description: 'An edge of either kind, or a worker; null: it never answered' }),
  state: z.enum(['ready', 'not-ready', 'away']).openapi({ description: 'away: it does not answer' }),
  failing: z.record(z.string(), z.string()).openapi({ description: 'What fails, by the name of its check' }),
  upSeconds: known('How long it has been running'),
  cpu: known('Of one core, over the time since the look before'),
  memoryBytes: known('Resident memory'),
})

const groupStatus = z.object({
  group: z.string().openapi({ example: 'chat-fanout' }),
  state: z.string().openapi({ description: "The brokers' word: Stable, Empty, PreparingRebalance, …" }),
  members: z.int(),
  lag: z
    .int()
    .nullable()
    .openapi({ description: 'Records that it has yet to commit; null: it has committed nothing so far' }),
  topics: z.array(z.object({ topic: z.string(), lag: z.int() })),
  deadLetters: z.int().openapi({ description: 'Records in its dead-letter topic, redriven ones among them' }),
})

const status = z
  .object({
    at: z.iso.datetime(),
    overSeconds: known(
      'What rates and latencies are over: the time since the look before; null: it is the first',
    ),
    processes: z.array(processStatus),
    groups: z.array(groupStatus).nullable().openapi({ description: 'null: Kafka does not answer' }),
    messagesPerSecond: known('Chat commands that got their outcome, a second'),
    sockets: known('Connections of the WebSocket edges'),
    delivery: z
      .object({ p50: known('Seconds'), p99: known('Seconds') })
      .openapi({ description: 'From a message being posted to its handing over to the sockets' }),
    transcodes: z.object({ waiting: known('Jobs'), running: known('Jobs') }),
  })
  .openapi('Status')

/** Mounts what administrators see of the machine. */
export const mountStatus = (
  app: Api,
  middleware: SignedInMiddleware,
  readStatus: () => Promise<Status>,
): void => {
  const guarded: [...SignedInMiddleware, ReturnType<typeof requireScope>] = [
    ...middleware,
    requireScope('status:read'),
  ]
  app.openapi(
    createRoute({
      tags: ['administration'],
      security: [{ bearer: [] }],
      middleware: guarded,
      method: 'get',
      path: '/v1/admin/status',
      summary: 'Processes, consumer groups, and what passes through Veza at this moment',
      description:
        'To be asked again and again: rates are over the time since anybody asked before. It is looked at once a second ' +
        'at most, and not at all while nobody asks. null stands for what is not known, which is not 0.',
      responses: { 200: jsonResponse('The status', status), ...problemResponses(401, 403, 503) },
    }),
    async (c) => {
      const { at, groups, processes, ...rest } = await readStatus()
      const body = {
        ...rest,
        at: at.toISOString(),
        processes: processes.map((process) => ({ ...process, failing: { ...process.failing } })),
        groups: groups && groups.map((group) => ({ ...group, topics: [...group.topics] })),
      }
      return c.json(body, 200)
    },
  )
}
