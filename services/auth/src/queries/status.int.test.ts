import { createHealth, serveInternal } from '@veza/kit/internal'
import { connectKafka } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'
import { infrastructure } from '@veza/kit/testing'
import { expect, it, onTestFinished } from 'vitest'
import { watchStatus } from './status.ts'

/** A process that says what its metrics are at the moment. */
const processOf = async (name: string, metrics: () => string) => {
  const { port, close } = await serveInternal({
    ...{ host: '127.0.0.1', port: 0, health: createHealth() },
    metrics: () => Promise.resolve(metrics()),
  })
  onTestFinished(() => close(0))
  return { process: { name, url: `http://127.0.0.1:${port}` }, stop: () => close(0) }
}

it('counts between two looks what processes counted, and tells of what is not known that it is not', async () => {
  const kafka = connectKafka(infrastructure().kafkaBrokers, {
    ...{ clientId: 'status', log: createLog('test', 'silent') },
  })
  onTestFinished(() => kafka.close())
  const clock = { now: 0 }
  const counted = { settled: '', cpu: 4 }
  const http = await processOf('http', () => 'http_server_request_duration_seconds_count 7\n')
  const fanout = await processOf(
    'fanout',
    () => `kafka_consumergroup_lag 0\nprocess_cpu_time_seconds_total ${counted.cpu}\n${counted.settled}`,
  )
  const edge = await processOf('edge', () => 'ws_connections 3\ntranscode_jobs_waiting 2\n')
  const look = watchStatus({
    processes: [http, fanout, edge].map(({ process }) => process),
    ...{ kafka, now: () => clock.now },
  })

  const first = await look()
  expect(first).toMatchObject({ overSeconds: null, messagesPerSecond: null, sockets: 3 })
  expect(first.transcodes).toEqual({ waiting: 2, running: null })
  expect(first.processes.map(({ name, kind, cpu }) => [name, kind, cpu])).toEqual([
    ['http', 'http', null],
    ['fanout', 'worker', null],
    ['edge', 'websocket', null],
  ])
  // Asked again at once nobody is looked at anew.
  expect(await look()).toBe(first)

  clock.now = 2_000
  counted.cpu = 5
  const second = await look()
  // Who has settled nothing yet does not name the counter: that is none, and not unknown.
  expect(second).toMatchObject({ overSeconds: 2, messagesPerSecond: 0, delivery: { p50: null, p99: null } })
  expect(second.processes.map(({ cpu }) => cpu)).toEqual([null, 0.5, null])

  clock.now = 4_000
  counted.settled = 'chat_commands_settled_total 30\n'
  expect(await look()).toMatchObject({ messagesPerSecond: 15 })

  clock.now = 6_000
  await fanout.stop()
  await edge.stop()
  const last = await look()
  expect(last).toMatchObject({ messagesPerSecond: null, sockets: null })
  expect(last.processes.map(({ kind, state }) => [kind, state])).toEqual([
    ['http', 'ready'],
    ['worker', 'away'],
    ['websocket', 'away'],
  ])
})
