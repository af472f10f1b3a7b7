const seed = 0x9747b28c
const m = 0x5bd1e995
const r = 24

/** The hash by which Kafka's Java client chooses a key's partition (Utils.murmur2), as a signed 32-bit number. */
export function murmur2(key: Uint8Array): number {
  const { length } = key
  const at = (index: number): number => key[index] ?? 0
  let h = seed ^ length
  const whole = length - (length % 4)
  for (let i = 0; i < whole; i += 4) {
    let k = at(i) | (at(i + 1) << 8) | (at(i + 2) << 16) | (at(i + 3) << 24)
    k = Math.imul(k, m)
    k = Math.imul(k ^ (k >>> r), m)
    h = Math.imul(h, m) ^ k
  }
  const rest = length % 4
  if (rest === 3) h ^= at(whole + 2) << 16
  if (rest >= 2) h ^= at(whole + 1) << 8
  if (rest >= 1) h = Math.imul(h ^ at(whole), m)
  h = Math.imul(h ^ (h >>> 13), m)
  return h ^ (h >>> 15)
}
