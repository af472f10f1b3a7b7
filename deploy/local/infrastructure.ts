import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { programs, registryDatabase, type PortName, type ProgramName } from '../stack.ts'
import { checkMachine } from './checks.ts'
import { ensureDatabase } from './database.ts'
import { type Java } from './java.ts'
import { kafkaProgram } from './kafka.ts'
import { type Lock, LockHeld, takeLock } from './lock.ts'
import { freePort } from './ports.ts'
import { postgresProgram } from './postgres.ts'
import { type Progress, timed } from './progress.ts'
import { installPrograms } from './programs.ts'
import { findRedis, redisProgram } from './redis.ts'
import { registryProgram, registryUrl } from './registry.ts'
import { loadSecrets, type Secrets } from './secrets.ts'
import {
  type Child,
  type ChildFailed,
  createSupervisor,
  type Interrupts,
  type Program,
  type Supervisor,
} from './supervise.ts'
import { ensureSystemPrograms } from './system-programs.ts'

/** 0 = any free port, a missing one = that of the table, 'random' = any free one for all. */
export type Ports = 'random' | Readonly<Partial<Record<PortName, number>>>

export interface InfrastructureOptions extends Interrupts {
  /** Everything that is kept: data, secrets, logs. One launcher at a time. */
  readonly dataDir: string
  /** Where Kafka and the registry lie, or are fetched to. Data folders may share it. */
  readonly programsDir: string
  readonly ports?: Ports
  /** KAFKA_BROKERS, SCHEMA_REGISTRY_URL, DATABASE_URL and REDIS_URL given here are used as they are. Default: process.env. */
  readonly env?: NodeJS.ProcessEnv
  readonly progress?: Progress
  /** A child ended that nobody asked to. Default: says so on `progress`. */
  readonly onCrash?: (failure: ChildFailed) => void
}

export interface Infrastructure {
  /** host:port, comma separated. */
  readonly kafkaBrokers: string
  /** Base of the Confluent-compatible API. */
  readonly registryUrl: string
  /** Of a role that may create roles and databases. */
  readonly databaseUrl: string
  /** Empty where there is no redis-server: all that is in it can be done without. */
  readonly redisUrl: string
  readonly secrets: Secrets
  /** What was started here; what the environment gave is missing. */
  readonly children: Readonly<Partial<Record<ProgramName, Child>>>
  /** Stops what was started, in the reverse order. */
  stop(): Promise<void>
}

/** Options with every default filled in. */
export interface Plan extends Interrupts {
  readonly dataDir: string
  readonly programsDir: string
  readonly env: NodeJS.ProcessEnv
  readonly progress: Progress
  readonly onCrash: (failure: ChildFailed) => void
  /** What the environment does not give. */
  readonly wanted: readonly ProgramName[]
  readonly portOf: (name: PortName) => number
}

const order: readonly ProgramName[] = ['postgres', 'redis', 'kafka', 'registry']

const givenOf = (env: NodeJS.ProcessEnv, name: ProgramName): string | undefined =>
  env[programs[name].given] === '' ? undefined : env[programs[name].given]

/** @param settings the ports that will be opened besides those of the programs, with their defaults */
export const planOf = async (
  options: InfrastructureOptions,
  settings: readonly { readonly setting: PortName; readonly default: number }[] = [],
): Promise<{ plan: Plan; ports: ReadonlyMap<PortName, number> }> => {
  const env = options.env ?? process.env
  const progress = options.progress ?? (() => undefined)
  const wanted = order.filter((name) => givenOf(env, name) === undefined)
  const ports = new Map<PortName, number>()
  for (const port of [...wanted.map((name) => programs[name].port), ...settings]) {
    const chosen = options.ports === 'random' ? 0 : (options.ports?.[port.setting] ?? port.default)
    ports.set(port.setting, chosen === 0 ? await freePort() : chosen)
  }
  const plan: Plan = {
    abort: options.abort,
    kill: options.kill,
    dataDir: resolve(options.dataDir),
    programsDir: resolve(options.programsDir),
    env,
    progress,
    onCrash:
      options.onCrash ??
      ((failure) => {
        progress(failure.message)
      }),
    wanted,
    portOf: (name) => ports.get(name) ?? 0,
  }
  return { plan, ports }
}

/**
 * Makes the data folder this launcher's own.
 * @throws Error of one line when another launcher has it
 */
export const lockDataDir = async (dataDir: string, progress: Progress): Promise<Lock> => {
  mkdirSync(dataDir, { recursive: true })
  try {
    return await takeLock(join(dataDir, 'lock'), () => {
      progress('waiting for the processes that a killed launcher left to end')
    })
  } catch (error) {
    if (!(error instanceof LockHeld)) throw error
    throw new Error(
      `Veza is running in ${dataDir} already (process ${error.pid}): use that one, stop it, or choose another folder with VEZA_DIR=<folder> and other ports`,
      { cause: error },
    )
  }
}

/** The infrastructure of a locked data folder on a checked machine, and the supervisor that Veza's processes join. */
export const startPrograms = async (
  plan: Plan,
  java: Java | undefined,
  lock: Lock,
): Promise<Infrastructure & { readonly supervisor: Supervisor }> => {
  const { dataDir, env, progress } = plan
  const secrets = loadSecrets(dataDir, env)
  const wanted = plan.wanted.filter((name) => name === 'kafka' || name === 'registry')
  const { programsDir, abort } = plan
  const javaHome = java?.home ?? ''
  const folders = await installPrograms({ programsDir, wanted, javaHome, progress, abort })

  const supervisor = createSupervisor(join(dataDir, 'logs'), plan.onCrash, plan)
  lock.guardedBy(supervisor.watchdogPid)
  const children: Partial<Record<ProgramName, Child>> = {}
  const stop = async () => {
    for (const name of order.toReversed()) await children[name]?.stop()
    await supervisor.close()
  }
  const start = (name: ProgramName, program: Program) =>
    timed(
      progress,
      () => `${name} is ready`,
      async () => {
        children[name] = await supervisor.start(program)
      },
    )

  const startPostgres = async (): Promise<string> => {
    const url = givenOf(env, 'postgres')
    if (url !== undefined) return url
    const password = secrets.postgresPassword
    const own = await postgresProgram({ dataDir, port: plan.portOf('POSTGRES_PORT'), password })
    await start('postgres', own.program)
    return own.url
  }
  const startRegistry = async (databaseUrl: string): Promise<string> => {
    const url = givenOf(env, 'registry')
    if (url !== undefined) return url
    const database = {
      name: registryDatabase,
      role: 'veza_registry',
      password: secrets.databasePasswords.registry,
    }
    const ownUrl = await ensureDatabase(databaseUrl, database)
    const port = plan.portOf('REGISTRY_PORT')
    await start(
      'registry',
      await registryProgram({ folder: folders.registry, javaHome, port, databaseUrl: ownUrl }),
    )
    return registryUrl('127.0.0.1', port)
  }
  const startKafka = async (): Promise<string> => {
    const brokers = givenOf(env, 'kafka')
    if (brokers !== undefined) return brokers
    const port = plan.portOf('KAFKA_PORT')
    const heap = env['KAFKA_HEAP'] ?? '512m'
    await start('kafka', await kafkaProgram({ dataDir, jars: folders.kafka, javaHome, port, heap }))
    return `127.0.0.1:${port}`
  }
  const startRedis = async (): Promise<string> => {
    const url = givenOf(env, 'redis')
    if (url !== undefined) return url
    const command = findRedis(env)
    // Said already, by who looked for the programs of the system.
    if (command === undefined) return ''
    const own = redisProgram({ command, dataDir, port: plan.portOf('REDIS_PORT') })
    await start('redis', own.program)
    return own.url
  }

  // Side by side, but the registry after its database. All have settled before an error goes on: nothing is left starting.
  const [database, kafka, redis] = await Promise.allSettled([
    startPostgres().then(async (databaseUrl) => ({
      databaseUrl,
      registryUrl: await startRegistry(databaseUrl),
    })),
    startKafka(),
    startRedis(),
  ])
  if (database.status === 'rejected' || kafka.status === 'rejected' || redis.status === 'rejected') {
    await stop()
    throw [database, kafka, redis].find((outcome) => outcome.status === 'rejected')?.reason
  }
  const urls = { ...database.value, kafkaBrokers: kafka.value, redisUrl: redis.value }
  return { ...urls, secrets, children, supervisor, stop }
}

/**
 * Starts PostgreSQL, Redis, Kafka and the registry, each unless the environment names one, and waits until they answer.
 * @throws ChildFailed, MachineNotReady, or an Error of one line that says what to do
 */
export const startInfrastructure = async (options: InfrastructureOptions): Promise<Infrastructure> => {
  const { plan, ports } = await planOf(options)
  await ensureSystemPrograms(plan)
  const lock = await lockDataDir(plan.dataDir, plan.progress)
  try {
    const java = await checkMachine({ ...plan, programs: plan.wanted, ports, processes: false })
    const started = await startPrograms(plan, java, lock)
    return {
      ...started,
      stop: async () => {
        await started.stop()
        lock.release()
      },
    }
  } catch (error) {
    lock.release()
    throw error
  }
}
