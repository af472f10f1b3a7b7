import { deadLetterTopic, topics } from '@veza/contracts'
import { readDeadLetters } from '@veza/kit/dead-letters'
import { list, readEnv } from '@veza/kit/env'
import { connectKafka, type Kafka } from '@veza/kit/kafka'
import { createLog } from '@veza/kit/log'
import { withAccounts } from './accounts.ts'
import { type Command, type CommandIo, UsageError } from './command.ts'

const withKafka = async <T>({ env }: CommandIo, use: (kafka: Kafka) => Promise<T>): Promise<T> => {
  const settings = readEnv({ KAFKA_BROKERS: list('Kafka brokers, host:port') }, env)
  const kafka = connectKafka(settings.KAFKA_BROKERS, { clientId: 'ops', log: createLog('ops', 'warn') })
  try {
    return await use(kafka)
  } finally {
    await kafka.close()
  }
}

const groups = Object.values(topics)
  .flatMap(({ name, writers: [group = ''] }) => (name === deadLetterTopic(group) ? [group] : []))
  .toSorted()

/** How far behind everybody is. */
export const lag: Command = {
  name: 'lag',
  args: '',
  doc: 'the consumer groups, whether somebody reads in them, and what they have yet to commit',
  run(args, io) {
    if (args.length > 0) throw new UsageError('no arguments')
    return withKafka(io, async (kafka) => {
      for (const { group, state, members, topics: read } of await kafka.admin.groups()) {
        // Those that edges tail with are theirs alone, and commit nothing.
        if (read.length === 0 && !groups.includes(group)) continue
        const behind = read.filter((topic) => topic.lag > 0).map((topic) => `${topic.topic} ${topic.lag}`)
        io.print(`${group}: ${state}, ${members} members, ${behind.join(', ') || 'nothing waits'}`)
      }
      return true
    })
  },
}

const newest = 100

/** What could not be handled, and why. */
export const deadLetters: Command = {
  name: 'dead-letters',
  args: '[<group>]',
  doc: 'the newest records that consumer groups could not handle, the newest first, with the reason',
  run([group, ...more], io) {
    if (more.length > 0 || (group !== undefined && !groups.includes(group)))
      throw new UsageError(`a group, one of ${groups.join(', ')}, or none`)
    return withKafka(io, async (kafka) => {
      const letters = await readDeadLetters(kafka, group === undefined ? groups : [group], newest)
      for (const letter of letters.slice(0, newest)) {
        const { source, type = 'a record', errorClass, reason } = letter
        const where = `${source.topic}/${source.partition}/${source.offset}`
        const id = `${letter.group}.${letter.partition}.${letter.offset}`
        io.print(`${new Date(letter.at).toISOString()} ${id} ${type} of ${where}: ${errorClass}: ${reason}`)
      }
      return true
    })
  },
}

/** Each once: what fails again is another dead letter. */
export const redrive: Command = {
  name: 'redrive',
  args: '<id>…',
  doc: 'writes dead letters, as `dead-letters` names them, to the topic that they came from; the audit tells of it',
  run(ids, io) {
    const places = ids.map((id) => {
      const [, group, partition, offset] = /^([a-z-]+)\.(\d{1,4})\.(\d{1,15})$/.exec(id) ?? []
      if (group === undefined || !groups.includes(group)) throw new UsageError(`no dead letter: ${id}`)
      return { id, place: { group, partition: Number(partition), offset: Number(offset) } }
    })
    if (places.length === 0) throw new UsageError('which ones?')
    return withKafka(io, (kafka) =>
      withAccounts(io, async (operations) => {
        const road = { kafka, producer: kafka.producer({ lingerMs: 0 }) }
        let all = true
        for (const { id, place } of places)
          try {
            await operations.redrive(place, road)
            io.print(`${id} is redriven`)
          } catch (error) {
            all = false
            io.warn(`${id}: ${error instanceof Error ? error.message : String(error)}`)
          }
        return all
      }),
    )
  },
}
