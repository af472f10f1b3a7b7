import { type ConsumedRecord, readRanges } from '@veza/kit/kafka'
import { type Command, UsageError } from '../ops/command.ts'
import {
  countOf,
  offsetsOf,
  positionForm,
  positionOf,
  readArguments,
  recordsNamed,
  topicNamed,
} from './arguments.ts'
import { type Line, linesOf } from './lines.ts'
import { withSource } from './source.ts'

/** How many of a partition's newest records are drawn from, unless told. */
const newest = 2_000

/** Draws of a stream of unknown length, each element equally likely to be among them (Vitter's algorithm R). */
const reservoir = <T>(size: number, random: () => number) => {
  const drawn: T[] = []
  let seen = 0
  return {
    drawn,
    add(one: T): void {
      seen++
      if (drawn.length < size) drawn.push(one)
      else {
        const at = Math.floor(random() * seen)
        if (at < size) drawn[at] = one
      }
    },
  }
}

/** As many of each kind as can be: the rare kinds whole, the rest of the room shared by the others. */
export const shares = <T>(size: number, kinds: readonly (readonly T[])[]): T[] => {
  const taken: T[] = []
  const ascending = kinds.toSorted((one, other) => one.length - other.length)
  ascending.forEach((kind, index) => {
    taken.push(...kind.slice(0, Math.ceil((size - taken.length) / (ascending.length - index))))
  })
  return taken.slice(0, size)
}

const place = ({ timestamp, partition, offset }: Line): [string, number, number] => [
  timestamp,
  partition,
  offset,
]

const compare = (one: Line, other: Line): number => {
  const [a, b] = [place(one), place(other)]
  if (a[0] !== b[0]) return a[0] < b[0] ? -1 : 1
  return a[1] - b[1] || a[2] - b[2]
}

/** Prints some records of a topic, drawn at random, of each record type as many. */
export const sample: Command = {
  name: 'sample',
  args: '<topic> [N] [--record R]… [--from P]',
  doc: `N records (10) drawn at random, as many of each type; of the newest ${newest} of each partition unless told`,
  async run(args, { env, print, signal }) {
    const { values, positionals } = readArguments(args, {
      record: { type: 'string', multiple: true },
      from: { type: 'string' },
    })
    const [name, count = '10', ...more] = positionals
    if (more.length > 0)
      throw new UsageError(`a topic and a number, not also ${more.join(' ')}; ${positionForm}`)
    const topic = topicNamed(name)
    const records = recordsNamed(topic, values.record)
    const size = countOf('N', count)
    const begin = values.from === undefined ? undefined : positionOf('--from', values.from)
    return withSource(env, topic, async (source) => {
      const { kafka, ranges } = source
      const to = ranges.map(({ end }) => end)
      const from = begin
        ? await offsetsOf(kafka.admin, topic, ranges, begin)
        : ranges.map(({ first, end }) => Math.max(first, end - newest))
      const kinds = new Map<string | null, ReturnType<typeof reservoir<Line>>>()
      const draw = async (chunk: readonly ConsumedRecord[]): Promise<void> => {
        for (const line of await linesOf(source, topic, chunk)) {
          if (records && (line.record === null || !records.has(line.record))) continue
          const kind = kinds.get(line.record) ?? reservoir<Line>(size, Math.random)
          kinds.set(line.record, kind)
          kind.add(line)
        }
      }
      await readRanges(kafka, { topic: topic.name, from, to, onChunk: draw, signal })
      const drawn = shares(
        size,
        [...kinds.values()].map((kind) => kind.drawn),
      )
      for (const line of drawn.sort(compare)) print(JSON.stringify(line))
      return true
    })
  },
}
