import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { type AddressInfo } from 'node:net'
import { topics } from '@veza/contracts'
import { infrastructure } from '@veza/kit/testing'
import { expect, test, vi } from 'vitest'
import { openCodec } from './index.ts'

test('a process that starts while the registry is away waits for it', async () => {
  const { schemaRegistryUrl } = infrastructure()
  const registry = new URL(schemaRegistryUrl)
  let isAway = true
  const road = createServer((incoming, outgoing) => {
    if (isAway) {
      outgoing.writeHead(503).end()
      return
    }
    const { method, headers, url = '/' } = incoming
    const onward = request(
      { host: registry.hostname, port: registry.port, path: url, method, headers },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(outgoing)
      },
    )
    incoming.pipe(onward)
  })
  road.listen(0, '127.0.0.1')
  await once(road, 'listening')
  const warn = vi.fn()
  const { port } = road.address() as AddressInfo
  const opening = openCodec(`http://127.0.0.1:${port}${registry.pathname}`, { warn })
  await vi.waitFor(() => {
    expect(warn).toHaveBeenCalled()
  })
  isAway = false
  const codec = await opening
  expect(codec.decode(topics.chatCommands, Buffer.from([0, 0x7f, 0, 0, 1]))).toEqual({
    unknownSchemaId: 0x7f000001,
  })
  road.closeAllConnections()
  road.close()
})
