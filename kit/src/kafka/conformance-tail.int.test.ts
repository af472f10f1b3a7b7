import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { describe, expect, it, vi } from 'vitest'
import { infrastructure } from '../testing/index.ts'
import { createKafka } from './connect.ts'
import { connectKafka } from './index.ts'
import {
  silent,
  waiting,
  direct,
  proxy,
  topic,
  closes,
  record,
  numbersOf,
  range,
  producer,
  tail,
  hooks,
} from './testing/conformance.ts'

hooks()

describe('tail consumer', () => {
  it('sees everything that is produced after consume() resolved and nothing from before', async () => {
    const sender = await producer()
    await sender.sendAll(range(10).map((n) => record('a', n)))
    const { records } = await tail()
    await sender.sendAll(range(10).map((n) => record('a', n + 10)))
    await vi.waitFor(() => {
      expect(numbersOf(records, 'a')).toEqual(range(10).map((n) => n + 10))
    }, waiting)
  })

  it('goes on where it was after losing its connections, its session and its group', async () => {
    const sender = await producer()
    const onJoin = vi.fn()
    const clientId = `lost-${randomUUID()}`
    const lost = createKafka(infrastructure().kafkaBrokers, { clientId, log: silent }, () =>
      connect(proxy.port, '127.0.0.1'),
    )
    const { records, consumer } = await tail(lost, onJoin)
    await sender.send(record('a', 0))
    await vi.waitFor(() => {
      expect(records).toHaveLength(1)
    }, waiting)
    proxy.hang(true)
    // The broker has given it up: when it comes back it must join again.
    await vi.waitFor(async () => {
      const groups = await direct.admin.groups()
      expect(groups.find((one) => one.group.startsWith(`${clientId}-tail-`))?.members).toBe(0)
    }, waiting)
    await sender.sendAll(range(20).map((n) => record('a', n + 1)))
    proxy.hang(false)
    await vi.waitFor(() => {
      expect(numbersOf(records, 'a')).toEqual(range(21))
    }, waiting)
    expect(onJoin.mock.calls.length).toBeGreaterThan(1)
    proxy.cut()
    await sender.send(record('a', 21))
    await vi.waitFor(() => {
      expect(numbersOf(records, 'a')).toEqual(range(22))
    }, waiting)
    await consumer.stop()
    await lost.close()
  })

  it('does not mind a reader that throws', async () => {
    const sender = await producer()
    const seen: number[] = []
    const consumer = await direct.consume({
      topics: [topic],
      from: 'end',
      onRecords(records) {
        seen.push(...numbersOf(records, 'a'))
        throw new TypeError('a bug')
      },
    })
    closes.push(() => consumer.stop())
    await sender.send(record('a', 0))
    await vi.waitFor(() => {
      expect(seen).toEqual([0])
    }, waiting)
    await sender.send(record('a', 1))
    await vi.waitFor(() => {
      expect(seen).toEqual([0, 1])
    }, waiting)
  })

  it('leaves no group behind', async () => {
    const kafka = connectKafka(infrastructure().kafkaBrokers, {
      clientId: `once-${randomUUID()}`,
      log: silent,
    })
    const deleted = vi.spyOn(kafka.admin, 'deleteGroups')
    const consumer = await kafka.consume({ topics: [topic], from: 'end', onRecords: () => undefined })
    await consumer.stop()
    expect(deleted).toHaveBeenCalledTimes(1)
    await expect(deleted.mock.results[0]?.value).resolves.toBeUndefined()
    expect(silent.debug).not.toHaveBeenCalledWith(expect.anything(), 'the group could not be deleted')
    await kafka.close()
  })
})
