import { describe, expect, it } from 'vitest'
import { readHeader, toHeaders } from './headers.ts'

const event = { id: 'e-1', type: 'MessagePosted', source: '/chat-fanout', time: 1795391116555 }

describe('headers', () => {
  it('are CloudEvents 1.0 in binary mode', () => {
    expect(toHeaders(event)).toEqual({
      ce_specversion: '1.0',
      ce_id: 'e-1',
      ce_type: 'MessagePosted',
      ce_source: '/chat-fanout',
      ce_time: '2026-11-22T23:45:16.555Z',
      'content-type': 'application/avro',
    })
  })

  it('carry the trace when there is one, and time as a Date too', () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    expect(toHeaders({ ...event, time: new Date(event.time), traceparent })).toEqual({
      ...toHeaders(event),
      traceparent,
    })
    expect(toHeaders({ ...event, traceparent: undefined })).toEqual(toHeaders(event))
  })

  it('say which stream an event belongs to, and where in it', () => {
    expect(toHeaders({ ...event, subject: 'account-1', sequence: 12 })).toEqual({
      ...toHeaders(event),
      ce_subject: 'account-1',
      ce_sequence: '12',
    })
  })

  it('are read from bytes and strings', () => {
    const headers = { ce_id: Buffer.from('é'), ce_type: 'T', ce_time: undefined }
    expect(readHeader(headers, 'ce_id')).toBe('é')
    expect(readHeader(headers, 'ce_type')).toBe('T')
    expect(readHeader(headers, 'ce_time')).toBeUndefined()
    expect(readHeader(headers, 'traceparent')).toBeUndefined()
  })
})
