import { execFile, spawn } from 'node:child_process'
import { hash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { programs } from '../stack.ts'
import { LockHeld, takeLock } from './lock.ts'

const run = promisify(execFile)
const plugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.11.0'
const megabytes = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(0)} MB`

/** Maven's own progress, as it prints it for a terminal, made a line each two seconds. */
const condense = (progress: (line: string) => void, what: string) => {
  let rest = ''
  let files = 0
  let shownAt = Date.now()
  const tail: string[] = []
  return {
    tail,
    read: (chunk: Buffer) => {
      const pieces = (rest + chunk.toString()).split(/[\r\n]+/)
      rest = pieces.pop() ?? ''
      for (const piece of pieces) {
        const text = piece.replaceAll(/\u001b\[[0-9;]*m/g, '').trim()
        const moving = /^Progress \(\d+\): (.*)$/.exec(text)
        if (text.startsWith('Downloaded ')) files += 1
        else if (moving === null && text !== '' && !text.startsWith('Downloading ')) tail.push(text)
        tail.splice(0, tail.length - 15)
        if (moving !== null && Date.now() - shownAt > 2_000) {
          shownAt = Date.now()
          progress(`${what}: ${files} files downloaded, now ${moving[1]?.trim() ?? ''}`)
        }
      }
    },
  }
}

const maven = (
  args: readonly string[],
  what: string,
  javaHome: string,
  progress: (line: string) => void,
  abort: AbortSignal | undefined,
): Promise<void> =>
  new Promise((resolve, reject) => {
    // Without --batch-mode, which would show nothing while a file of 158 MB is on its way.
    const child = spawn('mvn', args, {
      cwd: import.meta.dirname,
      env: { ...process.env, JAVA_HOME: javaHome },
      ...(abort === undefined ? {} : { signal: abort }),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const output = condense(progress, what)
    child.stdout.on('data', output.read)
    child.stderr.on('data', output.read)
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve()
      else
        reject(
          new Error(
            `Maven could not get ${what} (is there a network, and a mirror in ~/.m2/settings.xml where one is needed?):\n` +
              output.tail
                .filter((line) => line.includes('ERROR'))
                .slice(0, 3)
                .map((line) => `  | ${line}`)
                .join('\n'),
          ),
        )
    })
  })

export interface ProgramFolders {
  /** Jars. */
  readonly kafka: string
  /** Holds quarkus-run.jar. */
  readonly registry: string
}

const kafkaPom = join(import.meta.dirname, 'kafka/pom.xml')

/** Where each program lies once it is there. The name says what it was made of, so that another one is fetched by itself. */
export const programFolders = (programsDir: string): ProgramFolders => ({
  kafka: join(
    programsDir,
    `kafka-${programs.kafka.version}-${hash('sha256', readFileSync(kafkaPom)).slice(0, 8)}`,
  ),
  registry: join(programsDir, `registry-${programs.registry.version}`),
})

/** Names of the programs that are not there yet. */
export const missingPrograms = (
  programsDir: string,
  wanted: readonly ('kafka' | 'registry')[],
): ('kafka' | 'registry')[] => {
  const folders = programFolders(programsDir)
  return wanted.filter((name) => !existsSync(folders[name]))
}

/**
 * Fetches what is missing through Maven, once: into a folder beside, renamed when it is complete.
 * Safe with several launchers at once, of whom one works and the others wait.
 */
export const installPrograms = async (o: {
  readonly programsDir: string
  readonly wanted: readonly ('kafka' | 'registry')[]
  readonly javaHome: string
  readonly progress: (line: string) => void
  readonly abort?: AbortSignal | undefined
}): Promise<ProgramFolders> => {
  const folders = programFolders(o.programsDir)
  if (missingPrograms(o.programsDir, o.wanted).length === 0) return folders
  let told = false
  const lockFile = join(o.programsDir, 'lock')
  for (;;) {
    try {
      const lock = await takeLock(lockFile)
      try {
        for (const name of missingPrograms(o.programsDir, o.wanted)) await install(name, folders[name], o)
      } finally {
        lock.release()
      }
      return folders
    } catch (error) {
      if (!(error instanceof LockHeld)) throw error
      if (!told) o.progress(`waiting for process ${error.pid}, which is fetching the programs`)
      told = true
      await delay(500)
    }
  }
}

const install = async (
  name: 'kafka' | 'registry',
  folder: string,
  o: {
    readonly javaHome: string
    readonly progress: (line: string) => void
    readonly abort?: AbortSignal | undefined
  },
) => {
  const draft = `${folder}.part`
  rmSync(draft, { recursive: true, force: true })
  mkdirSync(draft, { recursive: true })
  const what = `${name} ${programs[name].version}`
  if (name === 'kafka') {
    await maven(
      ['-f', kafkaPom, `${plugin}:copy-dependencies`, `-DoutputDirectory=${draft}`],
      what,
      o.javaHome,
      o.progress,
      o.abort,
    )
    const jars = readdirSync(draft)
    const size = jars.reduce((sum, jar) => sum + statSync(join(draft, jar)).size, 0)
    o.progress(`${what}: ${jars.length} jars, ${megabytes(size)}`)
  } else {
    const artifact = `io.apicurio:apicurio-registry-app:${programs.registry.version}:tar.gz:all`
    await maven(
      [`${plugin}:copy`, `-Dartifact=${artifact}`, `-DoutputDirectory=${draft}`],
      what,
      o.javaHome,
      o.progress,
      o.abort,
    )
    const [archive] = readdirSync(draft)
    if (archive === undefined) throw new Error(`Maven copied no archive of ${what}`)
    o.progress(`${what}: unpacking ${megabytes(statSync(join(draft, archive)).size)}`)
    await run('tar', ['-xzf', archive], { cwd: draft })
    rmSync(join(draft, archive))
  }
  renameSync(draft, folder)
}
