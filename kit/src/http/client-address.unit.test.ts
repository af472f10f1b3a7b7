import { Hono } from 'hono'
import { expect, test } from 'vitest'
import { clientAddress } from './client-address.ts'

const addressOf = async (trustedProxies: number, forwarded: string | undefined, peer?: string) => {
  const app = new Hono().get('/', (c) => c.json(clientAddress(c, trustedProxies) ?? null))
  const headers = forwarded === undefined ? undefined : { 'x-forwarded-for': forwarded }
  const env = peer === undefined ? {} : { incoming: { socket: { remoteAddress: peer } } }
  const answer = await app.request('/', headers && { headers }, env)
  return answer.json()
}

test.each([
  ['the peer', 0, undefined, '192.0.2.9', '192.0.2.9'],
  ['the peer in IPv4, on a listener of both', 0, undefined, '::ffff:192.0.2.9', '192.0.2.9'],
  ['the peer, whatever it says of itself', 0, '203.0.113.1', '192.0.2.9', '192.0.2.9'],
  ['what the one proxy says', 1, '203.0.113.1', '192.0.2.9', '203.0.113.1'],
  [
    'what the proxy added, not what the client wrote',
    1,
    '198.51.100.7, 203.0.113.1',
    '192.0.2.9',
    '203.0.113.1',
  ],
  [
    'the one before the last, with two proxies',
    2,
    '6.6.6.6, 203.0.113.1, 192.0.2.4',
    '192.0.2.9',
    '203.0.113.1',
  ],
  ['the peer, when a proxy says nothing', 1, undefined, '192.0.2.9', '192.0.2.9'],
  ['the peer, when what is said is no address', 1, 'unknown', '192.0.2.9', '192.0.2.9'],
  ['IPv6', 1, '2001:db8::1', '192.0.2.9', '2001:db8::1'],
  ['nothing, without a connection', 1, undefined, undefined, null],
])('the client is %s', async (_what, trustedProxies, forwarded, peer, expected) => {
  expect(await addressOf(trustedProxies, forwarded, peer)).toBe(expected)
})
