import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { processes, type ProcessName, type StackView } from '../stack.ts'
import { checkMachine } from './checks.ts'
import {
  type Infrastructure,
  type InfrastructureOptions,
  lockDataDir,
  planOf,
  startPrograms,
} from './infrastructure.ts'
import { buildPage } from './page.ts'
import { freePort } from './ports.ts'
import { buildProcesses, programOf, startProcesses } from './processes.ts'
import { provision } from './provision.ts'
import { type Child } from './supervise.ts'
import { ensureSystemPrograms } from './system-programs.ts'

/** What `.veza/endpoints.json` holds. */
export interface Endpoints {
  /** Base URL of the HTTP edge. */
  readonly http: string
  /** URL that Centrifuge SDKs connect to. */
  readonly ws: string
  /** host:port, comma separated. */
  readonly kafka: string
  /** Base of the Confluent-compatible API. */
  readonly registry: string
  /** Of a role that may create roles and databases, with its password. */
  readonly postgres: string
  /** Empty: there is none. */
  readonly redis: string
  /** Prometheus pages, one a process. */
  readonly metrics: readonly string[]
}

/** A stack that runs, from PostgreSQL to the edges. */
export interface Veza {
  readonly endpoints: Endpoints
  /** Kafka, registry, PostgreSQL, Redis: those that were started here. */
  readonly infrastructure: Infrastructure['children']
  readonly processes: Readonly<Record<ProcessName, Child>>
  /** What the processes were told of the stack: database URLs, secrets, ports. */
  readonly stack: StackView
  /**
   * Starts another of a process, on free ports, beside the first. It is stopped with everything else.
   *
   * @param settings that it has instead of the first one's
   * @returns it, and the public port that it listens on, if it has one
   */
  another(
    name: ProcessName,
    settings?: Readonly<Record<string, string>>,
  ): Promise<{ readonly child: Child; readonly port: number | undefined }>
  /** Stops everything that was started, in the reverse order. */
  stop(): Promise<void>
}

const portSettings = processes.flatMap((process) => [
  ...(process.publicPort === undefined ? [] : [process.publicPort]),
  process.internalPort,
])

/**
 * Brings up the whole of Veza: infrastructure, topics, schemas, databases, processes; resolves when every process is
 * ready. A failure on the way stops what had been started.
 * @throws ChildFailed, MachineNotReady, or an Error of one line that says what to do
 */
export const startVeza = async (options: InfrastructureOptions): Promise<Veza> => {
  const { plan, ports: taken } = await planOf(options, portSettings)
  const { dataDir, env, progress } = plan
  await ensureSystemPrograms(plan)
  const lock = await lockDataDir(dataDir, progress)
  const endpointsFile = join(dataDir, 'endpoints.json')
  // One that a killed launcher left would name ports of nobody.
  rmSync(endpointsFile, { force: true })
  const children = new Map<ProcessName, Child>()
  const others: Child[] = []
  let infrastructure: Awaited<ReturnType<typeof startPrograms>> | undefined
  const stop = async () => {
    rmSync(endpointsFile, { force: true })
    for (const other of others) await other.stop()
    for (const process of processes.toReversed()) await children.get(process.name)?.stop()
    await infrastructure?.stop()
    lock.release()
  }
  try {
    const pageFolder = await buildPage(plan)
    const built = await buildProcesses(progress)
    const java = await checkMachine({ ...plan, programs: plan.wanted, ports: taken, processes: true })
    infrastructure = await startPrograms(plan, java, lock)
    const { kafkaBrokers, registryUrl, databaseUrl, redisUrl, secrets, supervisor } = infrastructure
    const databaseUrls = await provision({ kafkaBrokers, registryUrl, databaseUrl, secrets, env, progress })
    const at = (scheme: string, name: Parameters<typeof plan.portOf>[0]) =>
      `${scheme}://127.0.0.1:${plan.portOf(name)}`
    const ports: StackView['ports'] = {
      http: { public: plan.portOf('HTTP_PORT'), internal: plan.portOf('HTTP_INTERNAL_PORT') },
      'chat-fanout': { internal: plan.portOf('CHAT_FANOUT_INTERNAL_PORT') },
      workers: { internal: plan.portOf('WORKERS_INTERNAL_PORT') },
      transcode: { internal: plan.portOf('TRANSCODE_INTERNAL_PORT') },
      realtime: { public: plan.portOf('WS_PORT'), internal: plan.portOf('REALTIME_INTERNAL_PORT') },
    }
    const stack: StackView = {
      host: '127.0.0.1',
      internalHost: '127.0.0.1',
      kafkaBrokers,
      registryUrl,
      redisUrl,
      databaseUrls,
      ports,
      httpUrl: at('http', 'HTTP_PORT'),
      httpInternalUrl: at('http', 'HTTP_INTERNAL_PORT'),
      internalUrl: (name) => `http://127.0.0.1:${ports[name].internal}`,
      pageOrigins: ['127.0.0.1', 'localhost'].map((host) => `http://${host}:${plan.portOf('HTTP_PORT')}`),
      realtimeUrl: `${at('ws', 'WS_PORT')}/connection/websocket`,
      pageFolder,
      mailFolder: join(dataDir, 'mail'),
      audioFolder: join(dataDir, 'audio'),
      secrets,
    }
    await startProcesses({
      ...{ built, stack, supervisor, env, progress },
      started: (name, child) => children.set(name, child),
    })
    const endpoints: Endpoints = {
      http: stack.httpUrl,
      ws: stack.realtimeUrl,
      kafka: kafkaBrokers,
      registry: registryUrl,
      postgres: databaseUrl,
      redis: redisUrl,
      metrics: processes.map((process) => `${at('http', process.internalPort.setting)}/metrics`),
    }
    // The database's password is in it.
    writeFileSync(endpointsFile, `${JSON.stringify(endpoints, undefined, 2)}\n`, { mode: 0o600 })
    return {
      endpoints,
      infrastructure: infrastructure.children,
      processes: Object.fromEntries(children) as Record<ProcessName, Child>,
      stack,
      async another(name, settings = {}) {
        const process = processes.find((candidate) => candidate.name === name)
        if (process === undefined) throw new Error(`there is no process ${name}`)
        const port = process.publicPort === undefined ? undefined : await freePort()
        const ports = { ...stack.ports, [name]: { public: port, internal: await freePort() } }
        const program = programOf(process, { built, stack: { ...stack, ports }, env })
        const child = await supervisor.start({
          ...program,
          name: `${name}-${others.length + 2}`,
          env: { ...program.env, ...settings },
        })
        others.push(child)
        return { child, port }
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}
