/**
 * Pure: who shares an address's fate. An IPv4 address by itself; of an IPv6 address the /64 in which it lies, since that
 * is what one customer is given, and addresses in it cost nothing.
 */
export const networkOf = (address: string): string => {
  if (!address.includes(':')) return address
  const [bare = ''] = address.toLowerCase().split('%')
  const [head = '', tail] = bare.split('::')
  const groups = (text: string) => (text === '' ? [] : text.split(':'))
  const last = groups(tail ?? '')
  const missing = tail === undefined ? 0 : 8 - groups(head).length - last.length
  const all = [...groups(head), ...Array<string>(Math.max(missing, 0)).fill('0'), ...last]
  const prefix = all.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16))
  return `${prefix.join(':')}::/64`
}
