import { readRanges } from '@veza/kit/kafka'
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
import { linesOf } from './lines.ts'
import { withSource } from './source.ts'

/** Prints what a topic holds and gets, decoded, a JSON object a line. */
export const tail: Command = {
  name: 'tail',
  args: '<topic> [--record R]… [--key K]… [--from P] [--to P] [--limit N] [--headers]',
  doc: `records as JSON lines, from the end on unless told; P: ${positionForm}`,
  async run(args, { env, print, signal }) {
    const { values, positionals } = readArguments(args, {
      record: { type: 'string', multiple: true },
      key: { type: 'string', multiple: true },
      from: { type: 'string', default: 'end' },
      to: { type: 'string' },
      limit: { type: 'string' },
      headers: { type: 'boolean', default: false },
    })
    const [name, ...more] = positionals
    if (more.length > 0) throw new UsageError(`one topic, not also ${more.join(' ')}`)
    const topic = topicNamed(name)
    const records = recordsNamed(topic, values.record)
    const keys = values.key && new Set(values.key)
    const begin = positionOf('--from', values.from)
    const end = values.to === undefined ? undefined : positionOf('--to', values.to)
    let left = values.limit === undefined ? Infinity : countOf('--limit', values.limit)
    return withSource(env, topic, async (source) => {
      const { kafka, ranges } = source
      const from = await offsetsOf(kafka.admin, topic, ranges, begin)
      const to = end && (await offsetsOf(kafka.admin, topic, ranges, end))
      const enough = new AbortController()
      const ending = signal ? AbortSignal.any([signal, enough.signal]) : enough.signal
      await readRanges(kafka, {
        ...{ topic: topic.name, from, signal: ending },
        ...(to && { to }),
        async onChunk(chunk) {
          // By key first, which needs no decoding.
          const wanted = keys ? chunk.filter(({ key }) => key !== null && keys.has(key)) : chunk
          for (const line of await linesOf(source, topic, wanted, { withHeaders: values.headers })) {
            if (left === 0) break
            if (records && (line.record === null || !records.has(line.record))) continue
            print(JSON.stringify(line))
            left--
          }
          if (left === 0) enough.abort()
        },
      })
      return true
    })
  },
}
