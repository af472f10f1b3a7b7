import { EnvironmentError } from '@veza/kit/env'
import { describe, expect, it } from 'vitest'
import { nativeWebSockets } from './websockets.ts'

describe('nativeWebSockets', () => {
  it('is native where a binary exists', () => {
    expect(nativeWebSockets().App).toBeTypeOf('function')
  })

  it('refuses an imitation, in one line', () => {
    const imitation = { App: () => undefined }
    expect(() => nativeWebSockets(imitation)).toThrow(EnvironmentError)
    expect(() => nativeWebSockets(imitation)).toThrow(/^uWebSockets.js has no native binary for Node [^\n]*$/)
  })
})
