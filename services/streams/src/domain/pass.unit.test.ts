import { expect, it } from 'vitest'
import { packPass, type Pass, unpackPass } from './pass.ts'

const pass: Pass = {
  sessionId: '0198c3a4-2222-7d3e-8f40-5a6b7c8d9e0f',
  trackId: '0198c3a4-7f10-7c3e-9d51-3a6b0c1d2e3f',
  listenerId: '0198c3a4-1b2c-7d3e-8f40-5a6b7c8d9e0f',
  moderator: true,
  media: `media/${'ab'.repeat(32)}`,
  durationMs: 240_000,
  ownerId: '0198c3a4-3333-7d3e-8f40-5a6b7c8d9e0f',
  expiresAt: 1_795_391_116,
}

it('comes back from its bytes', () => {
  expect(unpackPass(packPass(pass))).toEqual(pass)
  expect(unpackPass(packPass({ ...pass, ownerId: undefined, durationMs: 0 }))).toMatchObject({
    ...{ ownerId: undefined, durationMs: 0 },
  })
})

it('is read as it was written before lengths and owners were in it', () => {
  const old = Buffer.concat([Buffer.of(1), packPass(pass).subarray(1, 86)])
  expect(unpackPass(old)).toEqual({ ...pass, durationMs: 0, ownerId: undefined })
})

it('is nothing else', () => {
  expect(unpackPass(packPass(pass).subarray(1))).toBeUndefined()
  expect(unpackPass(Buffer.concat([Buffer.of(3), packPass(pass).subarray(1)]))).toBeUndefined()
  expect(unpackPass(Buffer.alloc(0))).toBeUndefined()
})
