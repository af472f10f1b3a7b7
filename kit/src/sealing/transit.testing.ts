import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { type AddressInfo } from 'node:net'

interface Item {
  plaintext?: string
  ciphertext?: string
  associated_data: string
}

/** What Vault's transit engine answers, for machines that have no Vault, and for answers that Vault gives seldom. */
export interface TransitStandIn {
  readonly address: string
  readonly token: string
  readonly rotate: () => Promise<void>
  /** What it answers instead, from now on; undefined: as Vault does. `hang`: nothing. */
  fail: { status: number; body: string } | 'hang' | undefined
  readonly stop: () => Promise<void>
}

const json = (value: unknown) => JSON.stringify(value)

export const startTransitStandIn = async (): Promise<TransitStandIn> => {
  const token = randomBytes(16).toString('hex')
  const keys = [randomBytes(32)]

  const encrypt = (item: Item) => {
    const iv = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', keys.at(-1) ?? '', iv).setAAD(
      Buffer.from(item.associated_data, 'base64'),
    )
    const body = Buffer.concat([
      iv,
      cipher.update(item.plaintext ?? '', 'base64'),
      cipher.final(),
      cipher.getAuthTag(),
    ])
    return { ciphertext: `vault:v${keys.length}:${body.toString('base64')}`, key_version: keys.length }
  }
  const decrypt = (item: Item) => {
    const [, version, body = ''] = /^vault:v(\d+):(.*)$/.exec(item.ciphertext ?? '') ?? []
    const bytes = Buffer.from(body, 'base64')
    try {
      const decipher = createDecipheriv('aes-256-gcm', keys[Number(version) - 1] ?? '', bytes.subarray(0, 12))
        .setAAD(Buffer.from(item.associated_data, 'base64'))
        .setAuthTag(bytes.subarray(-16))
      const plain = Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()])
      return { plaintext: plain.toString('base64') }
    } catch {
      return { plaintext: '', error: 'cipher: message authentication failed' }
    }
  }
  const answer = (path: string, shown: unknown, text: string): [number, string] => {
    if (shown !== token) return [403, json({ errors: ['permission denied'] })]
    if (path === '/v1/auth/token/lookup-self') return [200, json({ data: { ttl: 0, renewable: false } })]
    const { batch_input: items } = JSON.parse(text) as { batch_input: Item[] }
    if (path === '/v1/transit/encrypt/veza')
      return [200, json({ data: { batch_results: items.map(encrypt) } })]
    const results = items.map(decrypt)
    return [results.some((item) => 'error' in item) ? 400 : 200, json({ data: { batch_results: results } })]
  }

  const standIn = { fail: undefined as TransitStandIn['fail'] }
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => (text += chunk.toString()))
    request.on('end', () => {
      const { fail } = standIn
      if (fail === 'hang') return
      const [status, body] =
        fail === undefined
          ? answer(request.url ?? '', request.headers['x-vault-token'], text)
          : [fail.status, fail.body]
      response.writeHead(status, { 'content-type': 'application/json' }).end(body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return Object.assign(standIn, {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token,
    rotate: () => Promise.resolve(void keys.push(randomBytes(32))),
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  })
}
