import { expect, inject, it } from 'vitest'
import { helper } from '../stack/helper-server.ts'
import { roomOf } from './people.ts'

it('is one trace from the WebSocket frame through chat-fanout to the delivery', async () => {
  const stack = helper(inject('veza').helper)
  const {
    people: [ann, bob],
  } = await roomOf('Ann', 'Bob')
  const earlier = new Set((await stack.spans()).map(({ traceId }) => traceId))

  await ann.room.post('traced', 'where did it go?')
  await expect.poll(() => bob.room.seen.length, { timeout: 20_000 }).toBe(1)

  const traceOf = async () => {
    const fresh = (await stack.spans()).filter(({ traceId }) => !earlier.has(traceId))
    const root = fresh.find(
      ({ service, name }) => service === 'realtime' && name === 'publish chat.commands.v1',
    )
    return fresh.filter(({ traceId }) => traceId === root?.traceId)
  }
  // Exporters send in batches, twice a second here.
  await expect
    .poll(async () => new Set((await traceOf()).map(({ service }) => service)), {
      timeout: 60_000,
      interval: 200,
    })
    // Among the workers is the one that tells people what waits for them.
    .toEqual(new Set(['realtime', 'chat-fanout', 'workers']))
  await expect
    .poll(async () => (await traceOf()).map(({ name }) => name), { timeout: 60_000, interval: 200 })
    .toContain('deliver')

  // A span ends, and is exported, before the one that it is part of.
  await expect
    .poll(
      async () => {
        const trace = await traceOf()
        const ids = new Set(trace.map(({ spanId }) => spanId))
        return trace.filter(({ parentSpanId }) => parentSpanId !== '' && !ids.has(parentSpanId))
      },
      { timeout: 60_000, interval: 200 },
    )
    .toEqual([])
  const trace = await traceOf()
  const roots = trace.filter(({ parentSpanId }) => parentSpanId === '')
  expect(roots.map(({ service }) => service)).toEqual(['realtime'])
  // What is delivered descends from what the worker did, and that from the frame.
  const parentOf = (spanId: string) => trace.find((span) => span.spanId === spanId)?.parentSpanId ?? ''
  const delivery = trace.find(({ name }) => name === 'deliver')
  const line: (string | undefined)[] = []
  for (let id = delivery?.spanId ?? ''; id !== ''; id = parentOf(id))
    line.push(trace.find(({ spanId }) => spanId === id)?.service)
  expect(line[0]).toBe('realtime')
  expect(line).toContain('chat-fanout')
  expect(line.at(-1)).toBe('realtime')
})
