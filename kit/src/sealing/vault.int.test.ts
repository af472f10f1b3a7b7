import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { createLog, type Logger } from '../log/index.ts'
import { migrate, openDatabase } from '../postgres/index.ts'
import { freshDatabase, startVault, type TestVault } from '../testing/index.ts'
import {
  createDataKeys,
  indexErasures,
  createSealing,
  envKeyEncryption,
  type KeyEncryption,
  KeyEncryptionUnavailable,
  openKeyEncryption,
  rewrapDataKeys,
  SealBroken,
} from './index.ts'
import { startTransitStandIn, type TransitStandIn } from './transit.testing.ts'
import { vaultKeyEncryption } from './vault.ts'

const log = createLog('test', 'silent')
const place = { table: 'sealing.data_keys', row: 'k1/u1', column: 'wrapped' }

// OpenBao is Vault's fork under an open licence, with the same API. Where it cannot be had the stand-in is held to the
// same contract; where it can, both are, so that the stand-in stays true.
const vault = await startVault()
const standIn = await startTransitStandIn()
afterAll(async () => {
  await vault?.stop()
  await standIn.stop()
})

interface Server {
  readonly name: string
  readonly address: string
  readonly token: string
  readonly rotate: () => Promise<unknown>
}
const servers: Server[] = [{ name: 'the stand-in', ...standIn }]
if (vault !== undefined)
  servers.push({
    name: 'OpenBao',
    address: vault.address,
    token: vault.rootToken,
    rotate: () => vault.call('transit/keys/veza/rotate', {}),
  })

const opened: KeyEncryption[] = []
const connect = ({ address, token }: Pick<Server, 'address' | 'token'>, options = {}) => {
  const keyEncryption = vaultKeyEncryption({ address, token, mount: 'transit', key: 'veza', log, ...options })
  opened.push(keyEncryption)
  return keyEncryption
}
afterEach(() => {
  for (const keyEncryption of opened.splice(0)) keyEncryption.close()
})

describe.each(servers)('the key-encryption key in Vault: $name', (server) => {
  beforeAll(async () => {
    if (vault !== undefined && server.name === 'OpenBao') await vault.call('transit/keys/veza', {})
  })

  it('wraps and unwraps data keys, more than one request takes', async () => {
    const keyEncryption = connect(server)
    const keys = Array.from({ length: 201 }, (_, n) => ({
      key: randomBytes(32),
      place: { ...place, row: String(n) },
    }))
    const wrapped = await keyEncryption.wrap(keys)
    expect(wrapped[0]?.wrapped.includes(keys[0]?.key ?? '')).toBe(false)
    const back = await keyEncryption.unwrap(
      wrapped.map((key, index) => ({ ...key, place: keys[index]?.place ?? place })),
    )
    expect(back).toEqual(keys.map(({ key }) => key))
  })

  it('tells a key that was moved or altered from its neighbours in the batch', async () => {
    const keyEncryption = connect(server)
    const key = randomBytes(32)
    const [good] = await keyEncryption.wrap([{ key, place }])
    if (good === undefined) throw new Error('nothing was wrapped')
    const results = await keyEncryption.unwrap([
      { ...good, place: { ...place, row: 'k2/u2' } },
      { ...good, place },
      { ...good, kek: 'env:of another holder', place },
    ])
    expect(results).toEqual([
      expect.objectContaining({ code: 'damaged' }),
      key,
      expect.objectContaining({ code: 'unknown-key' }),
    ])
  })

  it('wraps under the newest version once the key was rotated there, and still unwraps the older', async () => {
    const keyEncryption = connect(server)
    const key = randomBytes(32)
    const before = await keyEncryption.wrap([{ key, place }])
    await server.rotate()
    const [version, next] = [before[0]?.kek, await keyEncryption.current()]
    expect(Number(next.split(':').at(-1))).toBe(Number(version?.split(':').at(-1)) + 1)
    expect(await keyEncryption.unwrap(before.map((wrapped) => ({ ...wrapped, place })))).toEqual([key])
  })

  it('is unavailable to whom it does not know, and says so without the token', async () => {
    const keyEncryption = connect({ ...server, token: 'a-token-of-nobody' })
    const refused = keyEncryption.wrap([{ key: randomBytes(32), place }])
    await expect(refused).rejects.toBeInstanceOf(KeyEncryptionUnavailable)
    await expect(refused).rejects.toThrow('Vault answered 403: permission denied')
    expect(await keyEncryption.check()).toContain('permission denied')
  })

  it('takes over from a key of the environment by rewrapping', async () => {
    const fresh = await freshDatabase()
    await migrate(fresh.url, { '001-keys': { up: createDataKeys }, '002-erased': { up: indexErasures } })
    const database = openDatabase(fresh.url, { applicationName: 'test', poolSize: 2, log })
    try {
      const KEY_ENCRYPTION_KEY = randomBytes(32)
      const sealed = await createSealing({
        db: database.db,
        keyEncryption: envKeyEncryption([KEY_ENCRYPTION_KEY]),
      }).seal([{ subject: 'user:1', plain: Buffer.from('a'), place }])
      const settings = {
        KEY_ENCRYPTION_KEY_PREVIOUS: undefined,
        VAULT_ADDR: server.address,
        VAULT_TOKEN: server.token,
        VAULT_TRANSIT_MOUNT: 'transit',
        VAULT_TRANSIT_KEY: 'veza',
      }
      const both = openKeyEncryption({ ...settings, KEY_ENCRYPTION_KEY }, log)
      const vaultOnly = openKeyEncryption({ ...settings, KEY_ENCRYPTION_KEY: undefined }, log)
      opened.push(both, vaultOnly)
      const open = async (keyEncryption: KeyEncryption) =>
        createSealing({ db: database.db, keyEncryption }).open(
          sealed.map((bytes) => ({ sealed: bytes, place })),
        )
      const plain = [{ state: 'open', plain: Buffer.from('a') }]
      expect(await open(both)).toEqual(plain)
      await expect(open(vaultOnly)).rejects.toBeInstanceOf(SealBroken)
      expect(await rewrapDataKeys(database.db, both)).toMatchObject({ rewrapped: 1, left: {} })
      expect(await open(vaultOnly)).toEqual(plain)
    } finally {
      await database.close()
      await fresh.drop()
    }
  })
})

describe('a Vault that is not well', () => {
  const failing = (fail: TransitStandIn['fail']) => {
    standIn.fail = fail
  }
  afterEach(() => {
    failing(undefined)
  })

  it.each([
    {
      fail: { status: 503, body: '{"errors":["Vault is sealed"]}' },
      says: 'Vault answered 503: Vault is sealed',
    },
    { fail: { status: 200, body: '<html>a proxy</html>' }, says: 'Vault does not answer' },
    { fail: { status: 200, body: '{"data":{"batch_results":[]}}' }, says: 'Vault answered 200' },
    { fail: { status: 204, body: '' }, says: 'Vault answered 204' },
    { fail: 'hang' as const, says: 'Vault does not answer' },
  ])('is unavailable: $says', async ({ fail, says }) => {
    const keyEncryption = connect(standIn, { timeoutMs: 200 })
    const [wrapped] = await keyEncryption.wrap([{ key: randomBytes(32), place }])
    failing(fail)
    await expect(keyEncryption.wrap([{ key: randomBytes(32), place }])).rejects.toThrow(says)
    await expect(
      keyEncryption.unwrap(wrapped === undefined ? [] : [{ ...wrapped, place }]),
    ).rejects.toBeInstanceOf(KeyEncryptionUnavailable)
    expect(await keyEncryption.check()).toContain('Vault')
  })

  it('is unavailable when nobody listens', async () => {
    const keyEncryption = connect({ address: 'http://127.0.0.1:9', token: 'x' })
    await expect(keyEncryption.current()).rejects.toBeInstanceOf(KeyEncryptionUnavailable)
  })
})

describe('the Vault token', () => {
  const isRenewed = async (vault: TestVault) => {
    await vault.call('transit/keys/veza', {})
    await vault.call('sys/policies/acl/veza', {
      policy: ['encrypt', 'decrypt']
        .map((verb) => `path "transit/${verb}/veza" { capabilities = ["update"] }`)
        .join('\n'),
    })
    const created = (await vault.call('auth/token/create', {
      policies: ['veza'],
      period: '2s',
    })) as { auth: { client_token: string; accessor: string } }
    const keyEncryption = connect({ address: vault.address, token: created.auth.client_token })
    const expiry = async () => {
      const { data } = (await vault.call('auth/token/lookup-accessor', {
        accessor: created.auth.accessor,
      })) as { data: { expire_time: string } }
      return data.expire_time
    }
    const first = await expiry()
    await expect.poll(expiry, { timeout: 10_000 }).not.toBe(first)
    expect(await keyEncryption.check()).toBeUndefined()
  }
  if (vault !== undefined) it('is renewed before it runs out', () => isRenewed(vault))

  const warned = () => {
    const lines: string[] = []
    const take = (_: unknown, message: string) => void lines.push(message)
    return { lines, log: { ...log, warn: take, error: take } as unknown as Logger }
  }

  it('that cannot be renewed is told of', async () => {
    const { lines, log } = warned()
    standIn.fail = { status: 200, body: JSON.stringify({ data: { ttl: 60, renewable: false } }) }
    connect(standIn, { log })
    await vi.waitFor(() => {
      expect(lines).toEqual(['the Vault token runs out and cannot be renewed'])
    })
    standIn.fail = undefined
  })

  it('of which Vault tells nothing is used as it is', async () => {
    const { lines, log } = warned()
    standIn.fail = { status: 500, body: '{}' }
    const keyEncryption = connect(standIn, { log })
    await vi.waitFor(() => {
      expect(lines).toEqual(['Vault did not tell how long the token is good for'])
    })
    standIn.fail = undefined
    expect(await keyEncryption.check()).toBeUndefined()
  })
})

describe('what the environment says', () => {
  const none = {
    KEY_ENCRYPTION_KEY: undefined,
    KEY_ENCRYPTION_KEY_PREVIOUS: undefined,
    VAULT_ADDR: undefined,
    VAULT_TOKEN: undefined,
    VAULT_TRANSIT_MOUNT: 'transit',
    VAULT_TRANSIT_KEY: 'veza',
  }

  it('must name a key or a Vault, and the token with it', () => {
    expect(() => openKeyEncryption(none, log)).toThrow('KEY_ENCRYPTION_KEY or VAULT_ADDR must be given')
    expect(() => openKeyEncryption({ ...none, KEY_ENCRYPTION_KEY_PREVIOUS: [randomBytes(32)] }, log)).toThrow(
      'KEY_ENCRYPTION_KEY or VAULT_ADDR must be given',
    )
    expect(() => openKeyEncryption({ ...none, VAULT_ADDR: standIn.address }, log)).toThrow(
      'VAULT_TOKEN is missing',
    )
  })

  it('may name keys of before, which unwrap and do not wrap', async () => {
    const [before, now] = [randomBytes(32), randomBytes(32)]
    const key = randomBytes(32)
    const [wrapped] = await envKeyEncryption([before]).wrap([{ key, place }])
    const keyEncryption = openKeyEncryption(
      { ...none, KEY_ENCRYPTION_KEY: now, KEY_ENCRYPTION_KEY_PREVIOUS: [before] },
      log,
    )
    if (wrapped === undefined) throw new Error('nothing was wrapped')
    expect(await keyEncryption.unwrap([{ ...wrapped, place }])).toEqual([key])
    expect(await keyEncryption.current()).toBe(await envKeyEncryption([now]).current())
    expect(await keyEncryption.check()).toBeUndefined()
  })
})
