import { type Context } from 'hono'
import { isIP } from 'node:net'

/** What node-server hands over with each request. */
interface Connection {
  readonly incoming?: { readonly socket?: { readonly remoteAddress?: string } }
}

/** IPv4 in its own notation, also where the listener speaks IPv6. */
const plain = (address: string): string => address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '')

/**
 * Where a request comes from. Each trusted proxy has appended the address of who called it to X-Forwarded-For, so with n
 * of them the client is the n-th from the end; what stands before that, the client itself wrote.
 */
export const clientAddress = (c: Context, trustedProxies: number): string | undefined => {
  const peer = (c.env as Connection | undefined)?.incoming?.socket?.remoteAddress
  const forwarded = (c.req.header('x-forwarded-for') ?? '').split(',').map((address) => address.trim())
  const told = trustedProxies > 0 ? forwarded.at(-trustedProxies) : undefined
  if (told !== undefined && isIP(told) !== 0) return plain(told)
  return peer === undefined ? undefined : plain(peer)
}
