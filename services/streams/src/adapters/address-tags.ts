import { createHmac } from 'node:crypto'
import { isIPv6 } from 'node:net'

/** What stands for the network that an address is in, on a day; undefined: no address is known. A UUID by its form. */
export type TagAddress = (address: string | undefined, at: Date) => string | undefined

const groups = (text: string): string[] => (text === '' ? [] : text.split(':'))

/** A household or a company has a /64 or more of IPv6, and many share one address of IPv4. */
const networkOf = (address: string): string => {
  if (!isIPv6(address)) return address
  const [head = '', tail] = address.split('::')
  const [front, back] = [groups(head), groups(tail ?? '')]
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - front.length - back.length)
  const all = [...front, ...Array.from({ length: zeros }, () => '0'), ...back]
  return all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')
}

/** The key of a day is derived from a secret of the platform's own, so that nobody is followed from one day to the next. */
export const addressTags = (secret: string): TagAddress => {
  let day = ''
  let key = Buffer.alloc(0)
  return (address, at) => {
    if (address === undefined) return undefined
    const today = at.toISOString().slice(0, 10)
    if (today !== day) {
      key = createHmac('sha256', secret).update(`streams: addresses of ${today}`).digest()
      day = today
    }
    const tag = createHmac('sha256', key).update(networkOf(address)).digest('hex')
    return tag.slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
  }
}
