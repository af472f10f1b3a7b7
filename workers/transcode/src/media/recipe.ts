/**
 * How a source becomes a stream. What is made is addressed by its content, so a change here makes new objects beside
 * the old ones; raise the version with it, or tracks that are made already will not be made again.
 */
export const recipe = {
  version: 1,
  sampleRate: 48_000,
  channels: 2,
  /** LUFS, BS.1770. */
  targetLoudness: -14,
  /** dBTP before encoding: lossy encoding may raise peaks by some tenths of a dB more. */
  peakCeiling: -1,
  segmentSeconds: 6,
  /**
   * The slow search is worth its time where bits are few: twoloop at 96 kb/s, the fast one above, where the two sound
   * alike and it takes half as long.
   */
  renditions: [
    { name: '96k', bitrate: 96_000, coder: 'twoloop' },
    { name: '160k', bitrate: 160_000, coder: 'fast' },
    { name: '256k', bitrate: 256_000, coder: 'fast' },
  ],
  /** The rendition that is offered as one file too. */
  progressive: '160k',
  /** Samples that FFmpeg's AAC encoder puts before the first of the source. */
  primingSamples: 1024,
  /** Peaks of a waveform at most. */
  waveformLength: 1_800,
} as const

/** What of a source decides its gain. */
export interface Loudness {
  /** LUFS; -70 and below is silence. */
  readonly integrated: number
  /** dBTP; -Infinity for digital silence. */
  readonly truePeak: number
  /** LU. */
  readonly range: number
}

const silence = -70

/** The linear gain in dB that brings a track to the target, as far as its highest peak allows. Two decimals. */
export const gainOf = ({ integrated, truePeak }: Loudness): number => {
  if (!(integrated > silence) || !Number.isFinite(truePeak)) return 0
  const gain = Math.min(recipe.targetLoudness - integrated, recipe.peakCeiling - truePeak)
  // A negative zero would be written as "-0".
  return Math.round(gain * 100) / 100 + 0
}
