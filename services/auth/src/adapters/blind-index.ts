import { createHmac } from 'node:crypto'
import { networkOf } from '../domain/network.ts'

/**
 * Keyed hashes (HMAC-SHA256) by which rows are found that hold the value itself only sealed, or not at all. Without the
 * key, which is sealed too, nobody can try out whether an address is among them.
 */
export interface BlindIndex {
  /** Of an address in normal form. */
  email(email: string): Buffer
  /** Of the network that an address belongs to. */
  network(address: string): Buffer
  identity(issuer: string, subject: string): Buffer
  /** Whose attempts are counted. */
  attempts(kind: string, ...of: readonly (string | Buffer)[]): Buffer
}

/** @param key 32 bytes */
export const createBlindIndex = (key: Uint8Array): BlindIndex => {
  // JSON, since that can't be read two ways.
  const hash = (...parts: string[]) => createHmac('sha256', key).update(JSON.stringify(parts)).digest()
  return {
    email: (email) => hash('email', email),
    network: (address) => hash('network', networkOf(address)),
    identity: (issuer, subject) => hash('identity', issuer, subject),
    attempts: (kind, ...of) =>
      hash('attempts', kind, ...of.map((part) => (typeof part === 'string' ? part : part.toString('hex')))),
  }
}
