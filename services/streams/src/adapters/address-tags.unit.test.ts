import { expect, it } from 'vitest'
import { addressTags } from './address-tags.ts'

const noon = new Date('2026-11-24T12:00:00Z')
const tag = addressTags('a secret of the platform')

it('tells networks apart within a day, and not their hosts', () => {
  expect(tag('192.0.2.1', noon)).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  expect(tag('192.0.2.1', noon)).toBe(tag('192.0.2.1', new Date('2026-11-24T23:59:59Z')))
  expect(tag('192.0.2.1', noon)).not.toBe(tag('192.0.2.2', noon))
  expect(tag('2001:db8:0:1::5', noon)).toBe(tag('2001:db8:0:1:aaaa:bbbb:cccc:dddd', noon))
  expect(tag('2001:db8::1:0:0:0:5', noon)).toBe(tag('2001:0db8:0:1::7', noon))
  expect(tag('2001:db8:0:2::5', noon)).not.toBe(tag('2001:db8:0:1::5', noon))
  expect(tag('::1', noon)).toBe(tag('::2', noon))
})

it('is another one the next day and with another secret', () => {
  expect(tag('192.0.2.1', new Date('2026-11-25T00:00:00Z'))).not.toBe(tag('192.0.2.1', noon))
  expect(addressTags('another')('192.0.2.1', noon)).not.toBe(tag('192.0.2.1', noon))
  expect(tag(undefined, noon)).toBeUndefined()
})
