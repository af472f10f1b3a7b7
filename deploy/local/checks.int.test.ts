import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { checkMachine, type MachineCheck, MachineNotReady, type Probes } from './checks.ts'
import { findJava } from './java.ts'
import { freePort } from './ports.ts'
import { programFolders } from './programs.ts'

const folder = { path: '' }
const servers: Server[] = []

beforeEach(() => {
  folder.path = mkdtempSync(join(tmpdir(), 'veza-checks-'))
})

afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve))
  rmSync(folder.path, { recursive: true })
})

/** A folder that looks like a JDK of that release. */
const jdk = (release: string): string => {
  const home = join(folder.path, `jdk-${release}`)
  mkdirSync(join(home, 'bin'), { recursive: true })
  writeFileSync(join(home, 'bin/java'), '#!/bin/sh\nexit 0\n', { mode: 0o755 })
  writeFileSync(join(home, 'release'), `IMPLEMENTOR="Somebody"\nJAVA_VERSION="${release}"\n`)
  return home
}

const wellEquipped: Partial<Probes> = {
  findJava: () => ({ home: '/jdk', major: 25 }),
  freeBytes: () => Promise.resolve(100 * 1024 ** 3),
  webSocketServer: () => Promise.resolve(undefined),
}

const problems = async (
  check: Partial<MachineCheck>,
  probes: Partial<Probes> = {},
): Promise<readonly string[]> => {
  const all: MachineCheck = {
    env: process.env,
    dataDir: join(folder.path, '.veza'),
    programsDir: join(folder.path, '.veza/programs'),
    programs: ['postgres'],
    ports: new Map(),
    processes: true,
    ...check,
  }
  return checkMachine(all, { ...wellEquipped, ...probes }).then(
    () => [],
    (error: unknown) => {
      if (error instanceof MachineNotReady) return error.problems
      throw error
    },
  )
}

test('a machine that has everything passes', async () => {
  expect(await problems({ ports: new Map([['HTTP_PORT', await freePort()]]) })).toEqual([])
})

test('a port in use names the setting that changes it', async () => {
  const port = await freePort()
  const server = createServer()
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  expect(await problems({ ports: new Map([['WS_PORT', port]]) })).toEqual([
    `port ${port} is in use: end what listens there, or choose another port with WS_PORT=<port>`,
  ])
})

test('one port given to two is said before either fails to open it', async () => {
  const port = await freePort()
  const ports = new Map([
    ['HTTP_PORT', port],
    ['WS_PORT', port],
  ])
  expect(await problems({ ports })).toEqual([
    `WS_PORT and HTTP_PORT are both ${port}: set one of them to another port`,
  ])
})

test('a missing program says what it is for and how to get it, once the programs have to be fetched', async () => {
  const env = { PATH: folder.path }
  const found = await problems({ env, programs: ['kafka', 'registry'] })
  expect(found).toEqual([
    'mvn is not on the PATH, and fetches kafka and registry: install Apache Maven (apt-get install maven, brew install maven)',
    'tar is not on the PATH, and fetches kafka and registry: install tar',
  ])
  mkdirSync(programFolders(join(folder.path, '.veza/programs')).kafka, { recursive: true })
  expect(await problems({ env, programs: ['kafka'] })).toEqual([])
})

test('a Java that is too old names the one that was found, and who needs a newer one', async () => {
  const env = { ...process.env, JAVA_HOME: jdk('17.0.15') }
  const seen = findJava({ JAVA_HOME: env.JAVA_HOME }, [])
  expect(seen).toEqual({ home: env.JAVA_HOME, major: 17 })
  const [problem, ...rest] = await problems(
    { env, programs: ['kafka', 'registry'] },
    { findJava: () => seen },
  )
  expect(problem).toBe(
    `Java 21 or newer is needed by registry, the newest found is Java 17 in ${env.JAVA_HOME}: install a JDK (adoptium.net) or point JAVA_HOME to one`,
  )
  expect(rest).toEqual([])
  expect(await problems({ env, programs: ['kafka'] }, { findJava: () => seen })).toEqual([])
})

test('the newest Java of JAVA_HOME, PATH and the usual folders is taken', () => {
  const old = jdk('17.0.15')
  const newest = jdk('25.0.1')
  jdk('21.0.5')
  expect(findJava({ JAVA_HOME: old, PATH: join(old, 'bin') }, [folder.path])).toEqual({
    home: newest,
    major: 25,
  })
  expect(findJava({ PATH: '' }, [])).toBeUndefined()
})

test('a full disk says how much is missing, and where', async () => {
  const found = await problems({}, { freeBytes: () => Promise.resolve(0.25 * 1024 ** 3) })
  expect(found).toHaveLength(1)
  expect(found[0]).toMatch(/^only 0\.3 GB are free for .*\.veza, 1 GB are needed: .* VEZA_DIR=<folder>$/)
})

test('the WebSocket server of this Node is loaded for real', async () => {
  const found = await checkMachine(
    {
      env: process.env,
      dataDir: folder.path,
      programsDir: folder.path,
      programs: [],
      ports: new Map(),
      processes: true,
    },
    { freeBytes: wellEquipped.freeBytes ?? (() => Promise.resolve(0)) },
  ).catch((error: unknown) => (error as MachineNotReady).problems)
  // On a Node without a binary the line says which Node has one.
  if (Array.isArray(found)) expect(found).toEqual([expect.stringContaining('use Node 20')])
})

test('all problems are told at once', async () => {
  const found = await problems(
    { programs: ['kafka'], env: { PATH: '' } },
    { nodeVersion: '18.20.0', findJava: () => undefined, freeBytes: () => Promise.resolve(0) },
  )
  expect(found.map((line) => line.split(' ')[0])).toEqual(['Node', 'Java', 'mvn', 'tar', 'only'])
})
