import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { type ProgramName, programs } from '../stack.ts'
import { findJava, findOnPath, type Java } from './java.ts'
import { portIsFree } from './ports.ts'
import { missingPrograms } from './programs.ts'

const run = promisify(execFile)

/** What is wrong with the machine, a line each that says what to do. */
export class MachineNotReady extends Error {
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}

export interface MachineCheck {
  readonly env: NodeJS.ProcessEnv
  readonly dataDir: string
  readonly programsDir: string
  /** The programs that will be started here. */
  readonly programs: readonly ProgramName[]
  /** The ports that will be opened here, by the setting that chooses each. */
  readonly ports: ReadonlyMap<string, number>
  /** Whether Veza's own processes will run, too. */
  readonly processes: boolean
}

/** What the checks see of the machine; tests put something else in their place. */
export interface Probes {
  readonly nodeVersion: string
  readonly findJava: (env: NodeJS.ProcessEnv) => Java | undefined
  /** Bytes that can be written in an existing folder. */
  readonly freeBytes: (folder: string) => Promise<number>
  /** undefined = the native WebSocket server loads in this Node. */
  readonly webSocketServer: () => Promise<string | undefined>
}

/** Its package's main file, where the edge finds it. */
const webSocketPackage = (): string =>
  dirname(
    createRequire(join(import.meta.dirname, '../../services/realtime/package.json')).resolve(
      'uWebSockets.js/package.json',
    ),
  )

/** Loads the binary in a process of its own: one for another libc would end this one. */
const loadWebSocketServer = async (): Promise<string | undefined> => {
  const name = `uws_${process.platform}_${process.arch}_${process.versions.modules}.node`
  const advice =
    'use Node 20, or install the official one: npm i -w services/realtime "uWebSockets.js@github:uNetworking/uWebSockets.js#v20.67.0"'
  try {
    const folder = webSocketPackage()
    const file = [join(folder, name), join(folder, 'binaries', name)].find((path) => existsSync(path))
    if (file === undefined)
      return `uWebSockets.js has no binary for Node ${process.versions.node} here: ${advice}`
    await run(process.execPath, ['-e', 'process.dlopen({ exports: {} }, process.argv[1])', file])
    return undefined
  } catch (error) {
    const reason =
      /^Error: (.*)$/m.exec(error instanceof Error ? error.message : '')?.[1] ?? 'it is not installed'
    return `uWebSockets.js does not load (${reason}): run npm ci, or ${advice}`
  }
}

const existing = (folder: string): string => (existsSync(folder) ? folder : existing(dirname(folder)))

const realProbes: Probes = {
  nodeVersion: process.versions.node,
  findJava: (env) => findJava(env),
  freeBytes: async (folder) => {
    const { bavail, bsize } = await statfs(folder)
    return bavail * bsize
  },
  webSocketServer: loadWebSocketServer,
}

const gigabyte = 1024 ** 3

const nodeProblem = (version: string): string | undefined => {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > 20 || (major === 20 && minor >= 19)
    ? undefined
    : `Node ${version} is too old: install Node 20.19 or newer (nodejs.org)`
}

const javaProblem = (
  java: Java | undefined,
  wanted: readonly ('kafka' | 'registry')[],
): string | undefined => {
  const needed = Math.max(0, ...wanted.map((name) => programs[name].java))
  if (needed === 0 || (java !== undefined && java.major >= needed)) return undefined
  const found =
    java === undefined ? 'none was found' : `the newest found is Java ${java.major} in ${java.home}`
  const who = wanted.filter((name) => programs[name].java > (java?.major ?? 0)).join(' and ')
  return `Java ${needed} or newer is needed by ${who}, ${found}: install a JDK (adoptium.net) or point JAVA_HOME to one`
}

const portProblems = async (ports: ReadonlyMap<string, number>): Promise<string[]> => {
  const entries = [...ports]
  const problems = await Promise.all(
    entries.map(async ([setting, port], index) => {
      const twin = entries.slice(0, index).find(([, other]) => other === port)
      if (twin !== undefined)
        return `${setting} and ${twin[0]} are both ${port}: set one of them to another port`
      if (await portIsFree(port)) return undefined
      return `port ${port} is in use: end what listens there, or choose another port with ${setting}=<port>`
    }),
  )
  return problems.filter((problem) => problem !== undefined)
}

/**
 * Looks at the machine before anything is started.
 * @returns the Java to run things with, where one is needed
 * @throws MachineNotReady with every problem at once
 */
export const checkMachine = async (
  o: MachineCheck,
  given: Partial<Probes> = {},
): Promise<Java | undefined> => {
  const probes = { ...realProbes, ...given }
  const wanted = o.programs.filter((name) => name === 'kafka' || name === 'registry')
  const java = probes.findJava(o.env)
  const missing = missingPrograms(o.programsDir, wanted)
  const problems = [nodeProblem(probes.nodeVersion), javaProblem(java, wanted)]

  if (missing.length > 0)
    for (const [program, advice] of [
      ['mvn', 'install Apache Maven (apt-get install maven, brew install maven)'],
      ['tar', 'install tar'],
    ] as const)
      if (findOnPath(program, o.env['PATH']) === undefined)
        problems.push(`${program} is not on the PATH, and fetches ${missing.join(' and ')}: ${advice}`)

  if (
    o.programs.includes('postgres') &&
    process.getuid?.() === 0 &&
    findOnPath('useradd', o.env['PATH']) === undefined
  ) {
    const users = await run('id', ['-u', 'postgres']).catch(() => undefined)
    if (users === undefined)
      problems.push(
        'PostgreSQL refuses to run as root and useradd is missing: create a system user named postgres, or start as another user',
      )
  }

  const needed = missing.length > 0 ? 2 : 1
  const free = await probes.freeBytes(existing(o.dataDir))
  if (free < needed * gigabyte)
    problems.push(
      `only ${(free / gigabyte).toFixed(1)} GB are free for ${o.dataDir}, ${needed} GB are needed: make room, or choose another folder with VEZA_DIR=<folder>`,
    )
  problems.push(...(await portProblems(o.ports)))
  if (o.processes) problems.push(await probes.webSocketServer())

  const found = problems.filter((problem) => problem !== undefined)
  if (found.length > 0) throw new MachineNotReady(found)
  return java
}
