import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { programs, registryDatabase } from '../stack.ts'
import { ensureDatabase } from './database.ts'
import { findJava, type Java } from './java.ts'
import { kafkaProgram } from './kafka.ts'
import { freePort } from './ports.ts'
import { postgresProgram } from './postgres.ts'
import { installPrograms } from './programs.ts'
import { registryProgram, registryUrl } from './registry.ts'
import { loadSecrets, type Secrets } from './secrets.ts'
import { type Child, type ChildFailed, createSupervisor, type Program, type Supervisor } from './supervise.ts'

/** Says what is going on, a line each. */
export type Progress = (line: string) => void

/** A port number; 0 = any free one. */
export type Ports = Readonly<Partial<Record<'kafka' | 'registry' | 'postgres', number>>>

export interface InfrastructureOptions {
  /** Everything that is kept: data, secrets, logs. */
  readonly dataDir: string
  /** Where Kafka and the registry lie, or are fetched to. Data folders may share it. */
  readonly programsDir: string
  /** Default: the ports of the table. */
  readonly ports?: Ports
  /** KAFKA_BROKERS, SCHEMA_REGISTRY_URL and DATABASE_URL given here are used as they are. Default: process.env. */
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
  readonly secrets: Secrets
  /** What was started here, in order of start; what the environment gave is missing. */
  readonly children: { readonly postgres?: Child; readonly kafka?: Child; readonly registry?: Child }
  readonly supervisor: Supervisor
  /** Stops what was started, in the reverse order. */
  stop(): Promise<void>
}

/** A line with the seconds that the step took. */
export const timed = async <T>(
  progress: Progress,
  what: (result: T) => string,
  step: () => Promise<T>,
): Promise<T> => {
  const from = Date.now()
  const result = await step()
  progress(`${what(result)} (${((Date.now() - from) / 1000).toFixed(1)} s)`)
  return result
}

const needJava = (env: NodeJS.ProcessEnv, atLeast: number): Java => {
  const java = findJava(env)
  if (java === undefined || java.major < atLeast)
    throw new Error(
      `Java ${atLeast} or newer is needed, ${java === undefined ? 'none was found' : `the newest found is ${java.major} in ${java.home}`}: ` +
        'install a JDK (adoptium.net has them) or point JAVA_HOME to one',
    )
  return java
}

/**
 * Starts PostgreSQL, Kafka and the registry, each unless the environment names one, and waits until they answer.
 * @throws ChildFailed, Error with one line that says what to do
 */
export const startInfrastructure = async (options: InfrastructureOptions): Promise<Infrastructure> => {
  const env = options.env ?? process.env
  const progress = options.progress ?? (() => undefined)
  const dataDir = resolve(options.dataDir)
  mkdirSync(dataDir, { recursive: true })
  const secrets = loadSecrets(dataDir, env)
  const given = (name: 'kafka' | 'registry' | 'postgres') => {
    const value = env[programs[name].given]
    return value === undefined || value === '' ? undefined : value
  }
  const portOf = async (name: 'kafka' | 'registry' | 'postgres') => {
    const port = options.ports?.[name] ?? programs[name].port.default
    return port === 0 ? await freePort() : port
  }
  const wanted = (['kafka', 'registry'] as const).filter((name) => given(name) === undefined)
  const java =
    wanted.length === 0 ? undefined : needJava(env, Math.max(...wanted.map((name) => programs[name].java)))
  const folders =
    java === undefined
      ? undefined
      : await installPrograms({
          programsDir: resolve(options.programsDir),
          wanted,
          javaHome: java.home,
          progress,
        })

  const supervisor = createSupervisor(join(dataDir, 'logs'), (failure) => {
    if (options.onCrash === undefined) progress(failure.message)
    else options.onCrash(failure)
  })
  const children: { postgres?: Child; kafka?: Child; registry?: Child } = {}
  const stop = async () => {
    for (const child of [children.registry, children.kafka, children.postgres]) await child?.stop()
    await supervisor.close()
  }
  const start = (name: 'kafka' | 'registry' | 'postgres', program: Program) =>
    timed(
      progress,
      () => `${name} is ready`,
      async () => {
        children[name] = await supervisor.start(program)
      },
    )

  const startPostgres = async (): Promise<string> => {
    const url = given('postgres')
    if (url !== undefined) return url
    const own = await postgresProgram({
      dataDir,
      port: await portOf('postgres'),
      password: secrets.postgresPassword,
    })
    await start('postgres', own.program)
    return own.url
  }
  const startRegistry = async (databaseUrl: string): Promise<string> => {
    const url = given('registry')
    if (url !== undefined || java === undefined || folders === undefined) return url ?? ''
    const database = {
      name: registryDatabase,
      user: 'veza_registry',
      password: secrets.databasePasswords.registry,
    }
    await ensureDatabase(databaseUrl, { ...database, role: database.user })
    const at = new URL(databaseUrl)
    const port = await portOf('registry')
    await start(
      'registry',
      await registryProgram({
        folder: folders.registry,
        java,
        port,
        database: { ...database, host: at.hostname, port: at.port === '' ? 5432 : Number(at.port) },
      }),
    )
    return registryUrl('127.0.0.1', port)
  }
  const startKafka = async (): Promise<string> => {
    const brokers = given('kafka')
    if (brokers !== undefined || java === undefined || folders === undefined) return brokers ?? ''
    const port = await portOf('kafka')
    const heap = env['KAFKA_HEAP'] ?? '512m'
    await start('kafka', await kafkaProgram({ dataDir, jars: folders.kafka, java, port, heap }))
    return `127.0.0.1:${port}`
  }

  // Side by side, but the registry after its database. All settled before an error is passed on: nothing is left starting.
  const [database, kafka] = await Promise.allSettled([
    startPostgres().then(async (databaseUrl) => ({
      databaseUrl,
      registryUrl: await startRegistry(databaseUrl),
    })),
    startKafka(),
  ])
  if (database.status === 'rejected' || kafka.status === 'rejected') {
    await stop()
    throw database.status === 'rejected'
      ? database.reason
      : kafka.status === 'rejected'
        ? kafka.reason
        : undefined
  }
  return { ...database.value, kafkaBrokers: kafka.value, secrets, children, supervisor, stop }
}
