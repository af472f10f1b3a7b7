/**
 * The one table of what Veza consists of. The local launcher runs it, the compose file is checked against it, and the
 * bench samples what it names. Order of the lists = order of start; stop is the reverse.
 */

/** Settings of the launcher that choose a port. */
export type PortName =
  | 'POSTGRES_PORT'
  | 'KAFKA_PORT'
  | 'REGISTRY_PORT'
  | 'REDIS_PORT'
  | 'HTTP_PORT'
  | 'HTTP_INTERNAL_PORT'
  | 'CHAT_FANOUT_INTERNAL_PORT'
  | 'WORKERS_INTERNAL_PORT'
  | 'TRANSCODE_INTERNAL_PORT'
  | 'WS_PORT'
  | 'REALTIME_INTERNAL_PORT'

export interface PortSetting {
  readonly setting: PortName
  readonly default: number
}

/** A program of others. */
export interface StackProgram {
  readonly version: string
  /** What the compose file runs. */
  readonly image: string
  readonly port: PortSetting
  /** Given in the environment, it is used as it is and nothing is started. */
  readonly given: string
  /** Feature release of Java that it needs, where it needs one. */
  readonly java?: number
  readonly needs: readonly ProgramName[]
}

export type ProgramName = 'postgres' | 'kafka' | 'registry' | 'redis'

export const programs = {
  postgres: {
    version: '18',
    image: 'postgres:18',
    port: { setting: 'POSTGRES_PORT', default: 5433 },
    given: 'DATABASE_URL',
    needs: [],
  },
  kafka: {
    version: '4.4.0',
    image: 'apache/kafka:4.4.0',
    port: { setting: 'KAFKA_PORT', default: 9092 },
    given: 'KAFKA_BROKERS',
    java: 17,
    needs: [],
  },
  registry: {
    version: '3.3.3',
    image: 'apicurio/apicurio-registry:3.3.3',
    port: { setting: 'REGISTRY_PORT', default: 8082 },
    given: 'SCHEMA_REGISTRY_URL',
    java: 21,
    // Its schemas lie in a database of their own, so that ids survive a restart.
    needs: ['postgres'],
  },
  redis: {
    version: '8',
    image: 'redis:8',
    port: { setting: 'REDIS_PORT', default: 6380 },
    given: 'REDIS_URL',
    needs: [],
  },
} as const satisfies Record<ProgramName, StackProgram>

/** The contexts that own a database. Each has a role of the same name that owns it and sees no other. */
export const databases = {
  auth: 'veza_auth',
  chat: 'veza_chat',
  users: 'veza_users',
  tracks: 'veza_tracks',
  streams: 'veza_streams',
} as const
export type DatabaseName = keyof typeof databases

/** The registry's own database, beside Veza's. */
export const registryDatabase = 'registry'

/** What processes need to know of the stack around them, in either shape. */
export interface StackView {
  /** Interface that public ports are bound to. */
  readonly host: string
  /** Interface that internal ports are bound to. */
  readonly internalHost: string
  /** host:port, comma separated. */
  readonly kafkaBrokers: string
  /** Base of the Confluent-compatible API. */
  readonly registryUrl: string
  /** The shared cache and limiter; empty: there is none. */
  readonly redisUrl: string
  readonly databaseUrls: Readonly<Record<DatabaseName, string>>
  readonly ports: Readonly<
    Record<ProcessName, { readonly public?: number | undefined; readonly internal: number }>
  >
  /** Where processes reach the HTTP edge. */
  readonly httpUrl: string
  /** Where processes reach its internal API. */
  readonly httpInternalUrl: string
  /** Where processes reach each other's internal listeners. */
  readonly internalUrl: (name: ProcessName) => string
  /** Where browsers reach the HTTP edge: the origins of the page. */
  readonly pageOrigins: readonly string[]
  /** Where the page finds the WebSocket edge. */
  readonly realtimeUrl: string
  /** The built page. */
  readonly pageFolder: string
  /** Where letters are put as files while there is no mail server. */
  readonly mailFolder: string
  /** Where uploads and stored audio lie, for all processes that use them. */
  readonly audioFolder: string
  readonly secrets: { readonly serviceToken: string; readonly keyEncryptionKey: string }
}

export type ProcessName = 'http' | 'realtime' | 'chat-fanout' | 'workers' | 'transcode'

/**
 * Flags of every process. Messages live for milliseconds: in a young generation of V8's default size many survive into
 * the old one, whose collections cost a loaded process a tenth of its time. Stacks name the sources, not what was compiled.
 */
export const nodeFlags = ['--max-semi-space-size=32', '--enable-source-maps'] as const

/** A process of Veza: `node <nodeFlags> <compiled entry>` in the root of the checkout. */
export interface VezaProcess {
  readonly name: ProcessName
  readonly entry: string
  readonly publicPort?: PortSetting
  /** /livez, /readyz and /metrics. Never behind the gateway. */
  readonly internalPort: PortSetting
  readonly needs: readonly (ProgramName | ProcessName)[]
  /** Settings of the process that follow from the stack. Pure. Others, such as LOG_LEVEL, pass through. */
  readonly env: (stack: StackView) => Record<string, string>
}

const everywhere = (name: ProcessName, stack: StackView) => ({
  KAFKA_BROKERS: stack.kafkaBrokers,
  SCHEMA_REGISTRY_URL: stack.registryUrl,
  INTERNAL_HOST: stack.internalHost,
  INTERNAL_PORT: String(stack.ports[name].internal),
})

/** Contexts that are asked at the internal API of the process that serves them all. */
const atHttp = (stack: StackView, contexts: readonly DatabaseName[]): string =>
  contexts.map((context) => `${context}=${stack.httpInternalUrl}`).join(',')

export const processes: readonly VezaProcess[] = [
  {
    name: 'http',
    entry: 'deploy/local/http.ts',
    publicPort: { setting: 'HTTP_PORT', default: 8080 },
    internalPort: { setting: 'HTTP_INTERNAL_PORT', default: 9080 },
    needs: ['kafka', 'registry', 'postgres', 'redis'],
    env: (stack) => ({
      ...everywhere('http', stack),
      REDIS_URL: stack.redisUrl,
      HOST: stack.host,
      HTTP_PORT: String(stack.ports.http.public),
      AUTH_DATABASE_URL: stack.databaseUrls.auth,
      CHAT_DATABASE_URL: stack.databaseUrls.chat,
      USERS_DATABASE_URL: stack.databaseUrls.users,
      TRACKS_DATABASE_URL: stack.databaseUrls.tracks,
      STREAMS_DATABASE_URL: stack.databaseUrls.streams,
      TRACKS_INTERNAL_URL: stack.httpInternalUrl,
      CHAT_INTERNAL_URL: stack.httpInternalUrl,
      OBJECTS_DIR: `${stack.audioFolder}/objects`,
      UPLOADS_DIR: `${stack.audioFolder}/uploads`,
      KEY_ENCRYPTION_KEY: stack.secrets.keyEncryptionKey,
      APP_URL: stack.httpUrl,
      PAGE_DIR: stack.pageFolder,
      REALTIME_URL: stack.realtimeUrl,
      MAIL_FOLDER: stack.mailFolder,
      SERVICE_TOKEN: stack.secrets.serviceToken,
      AUDIT_SOURCES: atHttp(stack, ['users', 'chat', 'tracks']),
      STATUS_PROCESSES: processes.map(({ name }) => `${name}=${stack.internalUrl(name)}`).join(','),
    }),
  },
  {
    name: 'chat-fanout',
    entry: 'workers/chat-fanout/src/main.ts',
    internalPort: { setting: 'CHAT_FANOUT_INTERNAL_PORT', default: 9082 },
    needs: ['kafka', 'registry', 'postgres'],
    env: (stack) => ({
      ...everywhere('chat-fanout', stack),
      CHAT_DATABASE_URL: stack.databaseUrls.chat,
    }),
  },
  {
    name: 'workers',
    entry: 'deploy/local/workers.ts',
    internalPort: { setting: 'WORKERS_INTERNAL_PORT', default: 9083 },
    needs: ['kafka', 'registry', 'postgres', 'redis'],
    env: (stack) => ({
      ...everywhere('workers', stack),
      REDIS_URL: stack.redisUrl,
      AUTH_DATABASE_URL: stack.databaseUrls.auth,
      CHAT_DATABASE_URL: stack.databaseUrls.chat,
      USERS_DATABASE_URL: stack.databaseUrls.users,
      TRACKS_DATABASE_URL: stack.databaseUrls.tracks,
      STREAMS_DATABASE_URL: stack.databaseUrls.streams,
      KEY_ENCRYPTION_KEY: stack.secrets.keyEncryptionKey,
      SERVICE_TOKEN: stack.secrets.serviceToken,
      AUTH_INTERNAL_URL: stack.httpInternalUrl,
      USERS_EXPORT_SOURCES: atHttp(stack, ['auth', 'chat', 'tracks']),
    }),
  },
  {
    name: 'transcode',
    entry: 'workers/transcode/src/main.ts',
    internalPort: { setting: 'TRANSCODE_INTERNAL_PORT', default: 9084 },
    needs: ['kafka', 'registry', 'postgres'],
    env: (stack) => ({
      ...everywhere('transcode', stack),
      TRACKS_DATABASE_URL: stack.databaseUrls.tracks,
      OBJECTS_DIR: `${stack.audioFolder}/objects`,
    }),
  },
  {
    name: 'realtime',
    entry: 'services/realtime/src/main.ts',
    publicPort: { setting: 'WS_PORT', default: 8081 },
    internalPort: { setting: 'REALTIME_INTERNAL_PORT', default: 9081 },
    needs: ['kafka', 'registry', 'http'],
    env: (stack) => ({
      ...everywhere('realtime', stack),
      HOST: stack.host,
      WS_PORT: String(stack.ports.realtime.public),
      JWKS_URL: `${stack.httpUrl}/.well-known/jwks.json`,
      CHAT_INTERNAL_URL: stack.httpInternalUrl,
      TRACKS_INTERNAL_URL: stack.httpInternalUrl,
      SERVICE_TOKEN: stack.secrets.serviceToken,
      ALLOWED_ORIGINS: stack.pageOrigins.join(','),
    }),
  },
]
