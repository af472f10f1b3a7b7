import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect } from 'vitest'
import { type Edge } from '../edge.ts'
import { type PartialSettings, type World, startWorld } from './edge-under-test.ts'
import { type RawClient, openRaw } from './raw-client.ts'

/** Connections that speak the protocol by hand, to an edge of a test file's own. */

export let world: World
export let edge: Edge & { url: string }

/** Each file of tests that stands on this calls it: they share a process, which loads modules once. */
export const hooks = (): void => {
  beforeAll(async () => {
    world = await startWorld()
    edge = await world.edge()
  })

  afterAll(() => world.close())
}

export const authenticated = async (
  userId = randomUUID(),
  url = edge.url,
  secondsToLive = 600,
): Promise<RawClient> => {
  const client = await openRaw(url)
  const reply = await client.ask({ connect: { token: await world.token(userId, secondsToLive) } })
  expect(reply).toHaveProperty('connect')
  return client
}

export const edgeWith = (session: PartialSettings['session']) => world.edge({ session: session ?? {} })
