import { KafkaJSConnectionError, KafkaJSProtocolError } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { classify } from './produce-errors.ts'

const protocol = (type: string) => new KafkaJSProtocolError(Object.assign(new Error(type), { type }))

describe('classify', () => {
  it.each([
    ['MESSAGE_TOO_LARGE', 'too-large'],
    ['UNKNOWN_TOPIC_OR_PARTITION', 'unknown-topic'],
    ['TOPIC_AUTHORIZATION_FAILED', 'rejected'],
  ])("%s is the record's own", (type, code) => {
    expect(classify(protocol(type))).toEqual({ kind: 'record', code })
  })

  it('finds the cause inside what kafkajs makes of it', () => {
    const wrapped = new Error('gave up', { cause: protocol('MESSAGE_TOO_LARGE') })
    expect(classify(wrapped)).toEqual({ kind: 'record', code: 'too-large' })
  })

  it('knows a missing answer from the rest', () => {
    expect(classify(new KafkaJSConnectionError('closed'))).toEqual({ kind: 'connection' })
    expect(classify(protocol('OUT_OF_ORDER_SEQUENCE_NUMBER'))).toEqual({ kind: 'other' })
    expect(classify('what?')).toEqual({ kind: 'other' })
  })
})
