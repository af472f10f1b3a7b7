import { type Topic } from '@veza/contracts'
import { describe, expect, it } from 'vitest'
import { handleEach } from './handle-each.ts'
import { done, skip } from './outcome.ts'
import { type Message } from './types.ts'

type Commands = Topic<'PostMessage'>

const message = (partition: number, offset: number) =>
  ({ id: `${partition}/${offset}`, record: { topic: 't', partition, offset } }) as Message<Commands>
const control = { signal: new AbortController().signal, stillMine: () => true }

describe('handleEach', () => {
  it('returns outcomes in the order of the messages, whatever finishes first', async () => {
    const handle = handleEach<Commands>(async ({ id }) => {
      if (id === '0/0') await new Promise(setImmediate)
      return id === '1/0' ? skip('one') : done
    })
    const outcomes = await handle([message(0, 0), message(1, 0), message(0, 1)], control)
    expect(outcomes).toEqual([done, skip('one'), done])
  })

  it('stops a partition at its failure and goes on from there, the others do not wait', async () => {
    const seen: string[] = []
    let failing = true
    const handle = handleEach<Commands>(({ id }) => {
      if (id === '0/1' && failing) return Promise.reject(new Error('not yet'))
      seen.push(id)
      return Promise.resolve(done)
    })
    const chunk = [message(0, 0), message(0, 1), message(0, 2), message(1, 0)]
    await expect(handle(chunk, control)).rejects.toThrow('not yet')
    expect(seen).toEqual(['0/0', '1/0'])
    failing = false
    expect(await handle(chunk, control)).toHaveLength(4)
    expect(seen).toEqual(['0/0', '1/0', '0/1', '0/2'])
  })

  it('begins no further message once the chunk is no longer ours', async () => {
    const abort = new AbortController()
    const seen: string[] = []
    const handle = handleEach<Commands>(({ id }) => {
      seen.push(id)
      abort.abort()
      return Promise.resolve(done)
    })
    const chunk = [message(0, 0), message(0, 1)]
    await expect(handle(chunk, { ...control, signal: abort.signal })).rejects.toThrow()
    expect(seen).toEqual(['0/0'])
  })
})
