/** How many different elements were added, nearly, in a fixed space: a set of which only its size is left. */
export interface HyperLogLog {
  /**
   * @param digest at least 8 bytes as hexadecimal digits, every bit as good as random; hyphens as a UUID has them do not count
   * @returns whether anything changed
   */
  add(digest: string): boolean
  /** Adds all that another one of the same size has seen. */
  merge(other: HyperLogLog): void
  /** A whole number: exact for a few elements, else off by 1.04 divided by the root of the number of registers. */
  estimate(): number
  /** For `hyperLogLog`: the same elements give the same bytes, in whatever order they came. */
  toBytes(): Buffer
  readonly registers: Uint8Array
}

/** Of a digest that follow the register's number: leading zeros are counted in them. */
const rankBits = 32
const sparse = 1
const dense = 0

const sigma = (share: number): number => {
  if (share === 1) return Infinity
  let [x, y, z, before] = [share, 1, share, -1]
  while (z !== before) {
    x *= x
    before = z
    z += x * y
    y += y
  }
  return z
}

const tau = (share: number): number => {
  if (share === 0 || share === 1) return 0
  let [x, y, z, before] = [share, 1, 1 - share, -1]
  while (z !== before) {
    x = Math.sqrt(x)
    before = z
    y *= 0.5
    z -= (1 - x) ** 2 * y
  }
  return z / 3
}

/** Ertl's improved raw estimator (arXiv:1702.01284, algorithm 6): right from the first element on, with no table of biases. */
const estimate = (registers: Uint8Array): number => {
  const counts = new Array<number>(rankBits + 2).fill(0)
  for (const rank of registers) counts[rank] = (counts[rank] ?? 0) + 1
  const m = registers.length
  let z = m * tau(1 - (counts[rankBits + 1] ?? 0) / m)
  for (let rank = rankBits; rank > 0; rank--) z = 0.5 * (z + (counts[rank] ?? 0))
  z += m * sigma((counts[0] ?? 0) / m)
  return Math.round((m * m) / (2 * Math.LN2 * z))
}

/** The shorter of two layouts: all registers, or the number (two bytes) and rank (one) of those that are not empty. */
const pack = (registers: Uint8Array): Buffer => {
  // Plain loops: thousands of sketches are written a second, of some thousand registers each.
  let used = 0
  for (const rank of registers) if (rank !== 0) used++
  if (3 * used >= registers.length) return Buffer.concat([Buffer.of(dense), registers])
  const bytes = Buffer.alloc(1 + 3 * used)
  bytes[0] = sparse
  let at = 1
  for (let index = 0; index < registers.length; index++) {
    const rank = registers[index] ?? 0
    if (rank === 0) continue
    at = bytes.writeUInt16BE(index, at)
    at = bytes.writeUInt8(rank, at)
  }
  return bytes
}

const unpack = (bytes: Buffer, size: number): Uint8Array => {
  if (bytes[0] === dense && bytes.length === size + 1) return Uint8Array.from(bytes.subarray(1))
  const registers = new Uint8Array(size)
  if (bytes[0] !== sparse || bytes.length % 3 !== 1) throw new RangeError('not the bytes of a sketch')
  for (let at = 1; at < bytes.length; at += 3) {
    const index = bytes.readUInt16BE(at)
    if (index >= size) throw new RangeError('the sketch has fewer registers')
    registers[index] = bytes.readUInt8(at + 2)
  }
  return registers
}

/**
 * @param bits of a register's number, 4 to 16: 2^bits registers of a byte. With 11 the error is 2.3 %, with 14 0.8 %
 * @param bytes of one made before, with the same number of registers. Throws RangeError when they are none
 */
export const hyperLogLog = (bits: number, bytes?: Buffer): HyperLogLog => {
  const size = 2 ** bits
  const registers = bytes === undefined ? new Uint8Array(size) : unpack(bytes, size)
  const raise = (index: number, rank: number): boolean => {
    if (rank <= (registers[index] ?? 0)) return false
    registers[index] = rank
    return true
  }
  return {
    registers,
    add(digest) {
      const digits = digest.replaceAll('-', '')
      const index = Number.parseInt(digits.slice(0, 8), 16) >>> (32 - bits)
      const rest = Number.parseInt(digits.slice(8, 16), 16)
      return raise(index, Math.clz32(rest) + 1)
    },
    merge(other) {
      if (other.registers.length !== size) throw new RangeError('sketches of different sizes')
      other.registers.forEach((rank, index) => raise(index, rank))
    },
    estimate: () => estimate(registers),
    toBytes: () => pack(registers),
  }
}
