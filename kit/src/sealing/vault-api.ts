import { type Logger } from '../log/index.ts'
import { z } from 'zod'
import { KeyEncryptionUnavailable } from './key-encryption.ts'

/** Where a Vault, or an OpenBao, keeps the key-encryption key. */
export interface VaultOptions {
  /** Base URL, such as https://vault.example.org:8200. */
  readonly address: string
  /** Needs `update` on `<mount>/encrypt/<key>` and `<mount>/decrypt/<key>`, no more. */
  readonly token: string
  /** Where the transit engine is mounted. */
  readonly mount: string
  /** Name of a key of the type aes256-gcm96 there. It must exist. */
  readonly key: string
  readonly log: Logger
  /** Of one request, milliseconds. Default 5,000. */
  readonly timeoutMs?: number
}

/** Asks Vault. Gives the status and the parsed body (undefined when there is none). Rejects KeyEncryptionUnavailable. */
export type AskVault = (path: string, body?: unknown) => Promise<{ status: number; body: unknown }>

const failures = z.object({ errors: z.array(z.string()) })

/** Requests to Vault's API. */
export const askVault = ({ address, token, timeoutMs = 5_000 }: VaultOptions): AskVault => {
  const base = `${address.replace(/\/+$/, '')}/v1/`
  return async (path, body) => {
    try {
      const response = await fetch(base + path, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { 'x-vault-token': token, 'x-vault-request': 'true', 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(timeoutMs),
      })
      const text = await response.text()
      return { status: response.status, body: text === '' ? undefined : (JSON.parse(text) as unknown) }
    } catch (cause) {
      throw new KeyEncryptionUnavailable('Vault does not answer', { cause })
    }
  }
}

/** What Vault said instead of an answer. Never what it was asked: that has keys in it. */
export const refusal = (status: number, body: unknown): KeyEncryptionUnavailable => {
  const told = failures.safeParse(body)
  return new KeyEncryptionUnavailable(
    `Vault answered ${status}${told.success ? `: ${told.data.errors.join('; ')}` : ''}`,
  )
}
