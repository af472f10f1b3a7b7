import { parseArgs, type ParseArgsConfig } from 'node:util'
import { topics, type Topic } from '@veza/contracts'
import { type Admin, type OffsetRange } from '@veza/kit/kafka'
import { UsageError } from '../ops/command.ts'

type Options = NonNullable<ParseArgsConfig['options']>

/** Options by name, and the rest. @throws UsageError for an option that there is not */
export const readArguments = <const O extends Options>(args: readonly string[], options: O) => {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

/** @throws UsageError that names the topics that there are */
export const topicNamed = (name: string | undefined): Topic => {
  const all = Object.values<Topic>(topics)
  const topic = all.find((one) => one.name === name)
  if (topic) return topic
  const known = all.filter(({ records }) => records.length > 0).map((one) => one.name)
  const problem = name === undefined ? 'which topic? There are' : `no topic ${name}; there are`
  throw new UsageError(`${problem}: ${known.join(', ')}, and dead letters: <group>.dlq.v1`)
}

/** A whole number from 1. @throws UsageError */
export const countOf = (name: string, text: string): number => {
  const count = Number(text)
  if (!Number.isSafeInteger(count) || count < 1)
    throw new UsageError(`${name} is no whole number from 1: ${text}`)
  return count
}

/** @throws UsageError that names the records of the topic */
export const recordsNamed = (
  topic: Topic,
  names: readonly string[] | undefined,
): ReadonlySet<string> | undefined => {
  if (names === undefined) return undefined
  for (const name of names)
    if (!topic.records.some((record) => record === name))
      throw new UsageError(
        `${topic.name} carries no ${name}; it carries: ${topic.records.join(', ') || 'bytes as they were'}`,
      )
  return new Set(names)
}

/** A place in a topic. */
export type Position =
  | { readonly kind: 'beginning' | 'end' }
  /** Epoch milliseconds, as the broker got the record. */
  | { readonly kind: 'time'; readonly time: number }
  /** Of these partitions alone. */
  | { readonly kind: 'offsets'; readonly offsets: ReadonlyMap<number, number> }

const unitsMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** How a position is written, for messages and usage. */
export const positionForm =
  'beginning, end, a time (2026-11-24T10:00Z), how long ago (90m, 2d), or partition:offset,…'

/** @throws UsageError */
export const positionOf = (name: string, text: string, now = Date.now()): Position => {
  if (text === 'beginning' || text === 'end') return { kind: text }
  if (/^\d+:\d+(,\d+:\d+)*$/.test(text)) {
    const pairs = text.split(',').map((pair) => pair.split(':').map(Number))
    return {
      kind: 'offsets',
      offsets: new Map(pairs.map(([partition = 0, offset = 0]) => [partition, offset])),
    }
  }
  const ago = /^(?<amount>\d+)(?<unit>[smhd])$/.exec(text)?.groups
  if (ago)
    return { kind: 'time', time: now - Number(ago['amount']) * unitsMs[ago['unit'] as keyof typeof unitsMs] }
  const time = Date.parse(text)
  if (Number.isNaN(time)) throw new UsageError(`${name} is none of ${positionForm}: ${text}`)
  return { kind: 'time', time }
}

/** The offset of each partition, within what it holds; a partition that the position does not name has its end. */
export const offsetsOf = async (
  admin: Pick<Admin, 'offsetsAt'>,
  topic: Topic,
  ranges: readonly OffsetRange[],
  position: Position,
): Promise<number[]> => {
  switch (position.kind) {
    case 'beginning':
      return ranges.map(({ first }) => first)
    case 'end':
      return ranges.map(({ end }) => end)
    case 'time': {
      const offsets = await admin.offsetsAt(topic.name, position.time)
      return ranges.map(({ first, end }, partition) =>
        Math.min(end, Math.max(first, offsets[partition] ?? end)),
      )
    }
    case 'offsets':
      for (const partition of position.offsets.keys())
        if (partition >= ranges.length)
          throw new UsageError(`${topic.name} has partitions 0 to ${ranges.length - 1}, no ${partition}`)
      return ranges.map(({ first, end }, partition) =>
        Math.min(end, Math.max(first, position.offsets.get(partition) ?? end)),
      )
  }
}
