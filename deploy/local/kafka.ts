import { randomBytes } from 'node:crypto'
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { jvmFlags } from './java.ts'
import { freePort } from './ports.ts'
import { type Program } from './supervise.ts'

const run = promisify(execFile)

/** One node that is broker and controller. A single replica of everything is all that it can hold. */
const properties = (o: { port: number; controllerPort: number; data: string }) =>
  Object.entries({
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${o.controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${o.port},CONTROLLER://127.0.0.1:${o.controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${o.port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': o.data,
    'auto.create.topics.enable': false,
    'offsets.topic.num.partitions': 4,
    'offsets.topic.replication.factor': 1,
    'transaction.state.log.num.partitions': 4,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'share.coordinator.state.topic.num.partitions': 4,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'group.initial.rebalance.delay.ms': 0,
    // Tests wait for the ends of sessions: Kafka would have none shorter than 6 s.
    'group.min.session.timeout.ms': 1_000,
    // A broker that was killed may come back only when its old session is over.
    'broker.session.timeout.ms': 5_000,
    'broker.heartbeat.interval.ms': 1_000,
  })
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')

/** A Metadata request, version 1, for no topic (kafka.apache.org/protocol): the answer lists the brokers that serve. */
const metadataRequest = (): Buffer => {
  const client = 'veza-launcher'
  const body = Buffer.alloc(4 + 2 + 2 + 4 + 2 + client.length + 4)
  body.writeInt32BE(body.length - 4, 0)
  body.writeInt16BE(3, 4)
  body.writeInt16BE(1, 6)
  body.writeInt32BE(1, 8)
  body.writeInt16BE(client.length, 12)
  body.write(client, 14)
  body.writeInt32BE(0, 14 + client.length)
  return body
}

/** undefined when a broker answers and counts itself among those that serve. */
export const brokerAnswers = (host: string, port: number): Promise<string | undefined> =>
  new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 3_000 })
    const settle = (answer: string | undefined) => {
      socket.destroy()
      resolve(answer)
    }
    let answer = Buffer.alloc(0)
    socket
      .once('connect', () => socket.write(metadataRequest()))
      .on('data', (chunk) => {
        answer = Buffer.concat([answer, chunk])
        // Size, correlation id, number of brokers.
        if (answer.length >= 12) settle(answer.readInt32BE(8) > 0 ? undefined : 'no broker serves yet')
      })
      .once('error', (error) => {
        settle(error.message)
      })
      .once('timeout', () => {
        settle('no answer')
      })
      .once('close', () => {
        settle('it closed the connection')
      })
  })

/** As Kafka writes a UUID; one that starts with a hyphen would be taken for an option. */
const clusterId = () => `V${randomBytes(16).toString('base64url').slice(1)}`

/** The broker of this data folder, formatted on first use. */
export const kafkaProgram = async (o: {
  readonly dataDir: string
  readonly jars: string
  readonly javaHome: string
  readonly port: number
  /** As -Xmx takes it. */
  readonly heap: string
}): Promise<Program> => {
  const folder = join(o.dataDir, 'kafka')
  const data = join(folder, 'data')
  mkdirSync(folder, { recursive: true })
  const config = join(folder, 'server.properties')
  const java = join(o.javaHome, 'bin/java')
  const classPath = ['-cp', join(o.jars, '*')]
  const logging = `-Dlog4j2.configurationFile=${join(import.meta.dirname, 'kafka/log4j2.properties')}`
  const configure = async () => {
    writeFileSync(config, properties({ port: o.port, controllerPort: await freePort(), data }))
  }
  if (!existsSync(join(data, 'meta.properties'))) {
    await configure()
    await run(java, [
      ...jvmFlags(o.heap),
      logging,
      ...classPath,
      'kafka.tools.StorageTool',
      'format',
      '-t',
      clusterId(),
      '-c',
      config,
    ])
  }
  return {
    name: 'kafka',
    command: java,
    args: [...jvmFlags(o.heap), logging, ...classPath, 'kafka.Kafka', config],
    cwd: folder,
    env: process.env,
    stopSignal: 'SIGTERM',
    graceMs: 30_000,
    readyWithinMs: 120_000,
    // The controller's port is nobody else's business: a new one each start.
    prepare: configure,
    check: () => brokerAnswers('127.0.0.1', o.port),
  }
}
