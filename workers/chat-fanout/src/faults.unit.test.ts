import { ProduceFailed, QueueFull } from '@veza/kit/kafka'
import { done } from '@veza/kit/worker'
import { expect, it } from 'vitest'
import { watchFaults } from './faults.ts'

const control = { signal: new AbortController().signal, stillMine: () => true }
const sqlError = (code: string) => Object.assign(new Error(code), { code })

const faultAfter = async (error: unknown) => {
  const { handleChunk, fault } = watchFaults(() => Promise.reject(error as Error))
  await expect(handleChunk([], control)).rejects.toBe(error)
  return fault()
}

it.each<Error>([
  sqlError('53100'),
  sqlError('25006'),
  sqlError('40P01'),
  new ProduceFailed('timed-out', 'no answer'),
  new ProduceFailed('unknown-topic', 'no topic'),
  new QueueFull(),
])('blames the infrastructure for %s', async (error) => {
  expect(await faultAfter(error)).toBe(error.message)
})

it.each<Error>([
  sqlError('22P02'),
  sqlError('23505'),
  sqlError('54000'),
  new ProduceFailed('too-large', 'too large'),
  new TypeError('a bug'),
])('leaves it to the records for %s', async (error) => {
  expect(await faultAfter(error)).toBeUndefined()
})

it('forgets a fault that is over', async () => {
  let failing = true
  const { handleChunk, fault } = watchFaults(() =>
    failing ? Promise.reject(sqlError('53100')) : Promise.resolve([done]),
  )
  await expect(handleChunk([], control)).rejects.toThrow('53100')
  failing = false
  await handleChunk([], control)
  expect(fault()).toBeUndefined()
})
