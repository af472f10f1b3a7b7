import { afterEach, expect, it } from 'vitest'
import { askProcess, createHealth, type InternalOptions, serveInternal } from './index.ts'

let close: () => Promise<void> = () => Promise.resolve()
afterEach(() => close())

const listen = async (options: Partial<InternalOptions> = {}): Promise<string> => {
  const server = await serveInternal({
    ...{
      host: '127.0.0.1',
      port: 0,
      health: createHealth(),
      metrics: () => Promise.resolve('up{a="b"} 1\n'),
    },
    ...options,
  })
  close = () => server.close(0)
  return `http://127.0.0.1:${server.port}`
}

const up = [{ name: 'up', labels: { a: 'b' }, value: 1 }]

it('tells what a process measures, and what keeps it from serving', async () => {
  const health = createHealth()
  const url = await listen({ health })
  expect(await askProcess(url)).toEqual({ failing: {}, samples: up })
  health.ready('database', () => 'connection refused')
  expect(await askProcess(url)).toEqual({ failing: { database: 'connection refused' }, samples: up })
})

it('tells nothing of a process that can not say how it is, or does not answer', async () => {
  const url = await listen({ metrics: () => Promise.reject(new Error('no metrics')) })
  expect(await askProcess(url)).toBeUndefined()
  await close()
  expect(await askProcess(url)).toBeUndefined()
})
