import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { nodeFlags, databases, processes, type ProcessName, programs, type StackView } from './stack.ts'

interface Service {
  readonly image?: string
  readonly command?: string | string[]
  readonly environment?: Record<string, string | number>
  readonly ports?: string[]
  readonly depends_on?: Record<string, { condition: string }>
  readonly healthcheck?: { test: string[] }
  readonly mem_limit?: string
  readonly user?: string
  readonly read_only?: boolean
  readonly tmpfs?: string[]
}

const root = join(import.meta.dirname, '..')
const text = readFileSync(join(root, 'docker-compose.yml'), 'utf8')
const { services } = parse(text, { merge: true }) as { services: Record<string, Service | undefined> }

const service = (name: string): Service => {
  const found = services[name]
  if (found === undefined) throw new Error(`docker-compose.yml has no ${name}`)
  return found
}

/** `${NAME:?what it is}` and `${NAME:-default}` without their explanation. */
const bare = (value: string | number): string => String(value).replaceAll(/\$\{(\w+):[?-][^}]*\}/g, '${$1}')

const portsOf = (name: ProcessName) => {
  const found = processes.find((process) => process.name === name)
  if (found === undefined) throw new Error(`the table has no ${name}`)
  return { public: found.publicPort?.default, internal: found.internalPort.default }
}

const compose: StackView = {
  host: '0.0.0.0',
  internalHost: '0.0.0.0',
  kafkaBrokers: 'kafka:9092',
  registryUrl: 'http://registry:8080/apis/ccompat/v7',
  redisUrl: 'redis://redis:6379',
  databaseUrls: {
    auth: `postgres://${databases.auth}:\${AUTH_DATABASE_PASSWORD}@postgres:5432/${databases.auth}`,
    chat: `postgres://${databases.chat}:\${CHAT_DATABASE_PASSWORD}@postgres:5432/${databases.chat}`,
    users: `postgres://${databases.users}:\${USERS_DATABASE_PASSWORD}@postgres:5432/${databases.users}`,
    tracks: `postgres://${databases.tracks}:\${TRACKS_DATABASE_PASSWORD}@postgres:5432/${databases.tracks}`,
    streams: `postgres://${databases.streams}:\${STREAMS_DATABASE_PASSWORD}@postgres:5432/${databases.streams}`,
  },
  ports: {
    http: portsOf('http'),
    realtime: portsOf('realtime'),
    'chat-fanout': portsOf('chat-fanout'),
    workers: portsOf('workers'),
    transcode: portsOf('transcode'),
  },
  httpUrl: `http://http:${portsOf('http').public ?? 0}`,
  httpInternalUrl: `http://http:${portsOf('http').internal}`,
  internalUrl: (name) => `http://${name}:${portsOf(name).internal}`,
  pageOrigins: ['http://127.0.0.1:${HTTP_PORT}', 'http://localhost:${HTTP_PORT}'],
  realtimeUrl: 'ws://127.0.0.1:${WS_PORT}/connection/websocket',
  pageFolder: '/app/page',
  mailFolder: '/tmp/mail',
  audioFolder: '/audio',
  secrets: { serviceToken: '${SERVICE_TOKEN}', keyEncryptionKey: '${KEY_ENCRYPTION_KEY}' },
}

describe.each(processes.map((process) => [process.name, process] as const))('%s', (name, process) => {
  test('runs what was compiled of it', () => {
    expect(service(name).command).toEqual([`build/${name}.js`])
  })

  test('has the settings that the table computes, and no other', () => {
    const environment = Object.entries(service(name).environment ?? {}).map(([key, value]) => [
      key,
      bare(value),
    ])
    expect(Object.fromEntries(environment)).toEqual(process.env(compose))
  })

  test('publishes its public port on the loopback, by the setting of the launcher, and its internal one never', () => {
    const { publicPort } = process
    expect(service(name).ports ?? []).toEqual(
      publicPort === undefined
        ? []
        : [`127.0.0.1:\${${publicPort.setting}:-${publicPort.default}}:${publicPort.default}`],
    )
  })

  test('waits for what it needs and for what provisions it', () => {
    expect(Object.keys(service(name).depends_on ?? {})).toEqual(
      expect.arrayContaining([...process.needs, 'databases', 'topics', 'schemas']),
    )
  })

  test('is probed where it is ready, bounded, and cannot write', () => {
    expect(service(name).healthcheck?.test.join(' ')).toContain(`:${process.internalPort.default}/readyz`)
    expect(service(name)).toMatchObject({ user: 'node', read_only: true, tmpfs: ['/tmp'] })
    expect(service(name).mem_limit).toMatch(/^\d+[mg]$/)
  })
})

describe.each(Object.entries(programs))('%s', (name, program) => {
  test('runs the version of the table, on the port that the launcher has it on', () => {
    expect(service(name).image).toBe(program.image)
    expect(program.image).toContain(`:${program.version}`)
    const published = service(name).ports ?? []
    expect(published).toHaveLength(1)
    expect(published[0]).toContain(`127.0.0.1:\${${program.port.setting}:-${program.port.default}}:`)
  })

  test('is probed and bounded', () => {
    expect(service(name).healthcheck?.test.length).toBeGreaterThan(1)
    expect(service(name).mem_limit).toMatch(/^\d+[mg]$/)
  })
})

test('nothing runs that the table does not know, but what provisions', () => {
  const known = [
    ...Object.keys(programs),
    ...processes.map(({ name }) => name),
    'databases',
    'topics',
    'schemas',
  ]
  expect(Object.keys(services).toSorted()).toEqual(known.toSorted())
})

test('every secret comes from outside and says what it is; the example names them all', () => {
  const asked = [...text.matchAll(/\$\{(\w+):\?([^}]*)\}/g)]
  const names = new Set(asked.map(([, name]) => name))
  const example = readFileSync(join(import.meta.dirname, 'compose.env.example'), 'utf8')
  expect(new Set([...example.matchAll(/^(\w+)=$/gm)].map(([, name]) => name))).toEqual(names)
  for (const [, , what] of asked) expect(what).toMatch(/openssl rand/)
})

test('the jars that Maven fetches are of the version of the table', () => {
  const pom = readFileSync(join(import.meta.dirname, 'local/kafka/pom.xml'), 'utf8')
  const ofKafka =
    /<groupId>org\.apache\.kafka<\/groupId>\s*<artifactId>([^<]*)<\/artifactId>\s*<version>([^<]*)</g
  const { version } = programs.kafka
  expect([...pom.matchAll(ofKafka)].map(([, name, of]) => [name, of])).toEqual([
    ['kafka_2.13', version],
    ['kafka-tools', version],
  ])
})

test('the image has the manifest of every workspace that a process runs from', () => {
  const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8')
  for (const { entry } of processes) {
    const workspace = /^(?:services|workers)\/[^/]+|^[^/]+/.exec(entry)?.[0] ?? ''
    expect(dockerfile).toContain(`COPY ${workspace}/package.json ${workspace}/`)
  }
})

test('the image starts a process with the flags that the launcher gives it', () => {
  const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8')
  const command = ['node', ...nodeFlags].map((part) => `"${part}"`).join(', ')
  expect(dockerfile).toContain(`ENTRYPOINT [${command}]`)
})
