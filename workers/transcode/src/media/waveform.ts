import { recipe } from './recipe.ts'

/** The lowest and the highest sample of each bucket, -128 to 127, by turns: min, max, min, max. */
export interface Waveform {
  readonly samplesPerPixel: number
  readonly sampleRate: number
  readonly data: Int8Array
}

/** Fine buckets while the length is unknown: 10 ms. */
const fine = recipe.sampleRate / 100

/** Takes samples as they come and gives their peaks. */
export interface PeakCollector {
  /** 16 bits, little endian, mono, in pieces of any length. */
  add(chunk: Buffer): void
  /** Samples so far. */
  readonly samples: number
  /** @param maxLength buckets at most */
  finish(maxLength?: number): Waveform
}

/** @returns a collector that holds two bytes for each 10 ms */
export const collectPeaks = (): PeakCollector => {
  let lows: number[] = []
  let highs: number[] = []
  let low = 0
  let high = 0
  let inBucket = 0
  let samples = 0
  let oddByte: number | undefined

  const take = (sample: number): void => {
    if (inBucket === 0) {
      low = sample
      high = sample
    } else if (sample < low) low = sample
    else if (sample > high) high = sample
    samples++
    if (++inBucket < fine) return
    lows.push(low)
    highs.push(high)
    inBucket = 0
  }

  return {
    add(chunk) {
      let at = 0
      if (oddByte !== undefined && chunk.length > 0) {
        take(((chunk.readInt8(0) << 8) | oddByte) << 0)
        oddByte = undefined
        at = 1
      }
      for (; at + 1 < chunk.length; at += 2) take(chunk.readInt16LE(at))
      if (at < chunk.length) oddByte = chunk[at]
    },
    get samples() {
      return samples
    },
    finish(maxLength = recipe.waveformLength) {
      if (inBucket > 0) {
        lows = [...lows, low]
        highs = [...highs, high]
      }
      const merge = Math.max(1, Math.ceil(lows.length / maxLength))
      const length = Math.ceil(lows.length / merge)
      const data = new Int8Array(2 * length)
      for (let bucket = 0; bucket < length; bucket++) {
        const [from, to] = [bucket * merge, (bucket + 1) * merge]
        data[2 * bucket] = Math.min(...lows.slice(from, to)) >> 8
        data[2 * bucket + 1] = Math.max(...highs.slice(from, to)) >> 8
      }
      return { samplesPerPixel: fine * merge, sampleRate: recipe.sampleRate, data }
    },
  }
}

/** The JSON form of BBC audiowaveform, version 2, which peaks.js and others read. */
export const waveformJson = ({ samplesPerPixel, sampleRate, data }: Waveform): string =>
  JSON.stringify({
    version: 2,
    channels: 1,
    sample_rate: sampleRate,
    samples_per_pixel: samplesPerPixel,
    bits: 8,
    length: data.length / 2,
    data: Array.from(data),
  })

/** The binary form of the same: a header of 24 bytes, little endian, then the data. */
export const waveformBinary = ({ samplesPerPixel, sampleRate, data }: Waveform): Buffer => {
  const header = Buffer.alloc(24)
  header.writeInt32LE(2, 0)
  header.writeUInt32LE(1, 4) // 8 bits
  header.writeInt32LE(sampleRate, 8)
  header.writeInt32LE(samplesPerPixel, 12)
  header.writeUInt32LE(data.length / 2, 16)
  header.writeInt32LE(1, 20) // channels
  return Buffer.concat([header, Buffer.from(data.buffer, data.byteOffset, data.length)])
}
