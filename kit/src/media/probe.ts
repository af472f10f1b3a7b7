import { open } from 'node:fs/promises'
import { z } from 'zod'
import { type Demuxer, id3Length, sniff, sniffLength, wavSeconds } from './formats.ts'
import { runSandboxed, SandboxError } from './sandbox.ts'

/** Why a file is not taken. Stable: shown to its owner as a code, and as the sentence of `refusalTexts`. */
export type AudioRefusal =
  | 'not-audio'
  | 'unsupported-codec'
  | 'has-video'
  | 'too-many-streams'
  | 'too-many-channels'
  | 'too-long'
  | 'too-short'
  | 'corrupt'

/** A sentence each for the file's owner. */
export const refusalTexts: Readonly<Record<AudioRefusal, string>> = {
  'not-audio':
    'The file is not audio in a format that is taken: MP3, M4A (AAC, ALAC), FLAC, WAV, AIFF, Ogg Vorbis, Opus',
  'unsupported-codec': 'The file holds audio in a codec that is not taken',
  'has-video': 'The file holds video: upload the sound alone',
  'too-many-streams': 'The file holds more than one stream of audio',
  'too-many-channels': 'The file has more channels than 7.1',
  'too-long': 'The audio is longer than is allowed',
  'too-short': 'The audio is shorter than a tenth of a second',
  corrupt: 'The file is damaged: its audio, or a part of it, is missing or cannot be read',
}

/** A track is not shorter, seconds. */
export const minSeconds = 0.1

/** A file that is refused for what it is. */
export class RefusedAudio extends Error {
  override readonly name = 'RefusedAudio'
  readonly code: AudioRefusal

  constructor(code: AudioRefusal, options?: ErrorOptions) {
    super(refusalTexts[code], options)
    this.code = code
  }
}

const tagNames = ['title', 'artist', 'album', 'genre'] as const

/** What is known of a file before it is decoded. */
export interface Probed {
  readonly demuxer: Demuxer
  /** FFmpeg's name. */
  readonly codec: string
  readonly sampleRate: number
  readonly channels: number
  /** By the container's word; the truth is known after decoding. undefined: it does not say. */
  readonly durationSeconds: number | undefined
  /** As long as the file itself says that it is; what decodes to much less is not all of it. undefined: it does not say. */
  readonly promisedSeconds: number | undefined
  /** The cover picture is one of the streams. */
  readonly hasCover: boolean
  /** Tags that mean something here, cut to 200 characters. */
  readonly tags: Readonly<Partial<Record<(typeof tagNames)[number], string>>>
}

/** What probeAudio goes by. */
export interface ProbeLimits {
  readonly maxDurationSeconds: number
}

const codecs = new Set(['mp3', 'aac', 'flac', 'alac', 'vorbis', 'opus'])
const isPcm = (codec: string): boolean => /^pcm_[suf](8|16|24|32|64)(le|be)?$/.test(codec)

// The decoders that may run. A picture's is none of them: FFmpeg says so and goes on with the sound.
const decoders = [
  'mp3float',
  'aac',
  'flac',
  'alac',
  'vorbis',
  'opus',
  'pcm_u8',
  'pcm_s8',
  ...['s16', 's24', 's32', 'f32', 'f64'].flatMap((format) => [`pcm_${format}le`, `pcm_${format}be`]),
].join(',')

const opened = (demuxer: Demuxer): string[] => [
  ...['-f', demuxer],
  ...['-protocol_whitelist', 'file'],
  ...['-format_whitelist', demuxer],
  ...(demuxer === 'mov' ? ['-enable_drefs', '0', '-use_absolute_path', '0'] : []),
]

/** As inputArguments, for a file of which nothing is to be decoded but perhaps its sound. */
export const inputOf = (demuxer: Demuxer, path: string): string[] => [
  ...opened(demuxer),
  ...['-codec_whitelist', decoders],
  ...['-i', `file:${path}`],
]

/**
 * ffmpeg's arguments that open a file: demuxer and decoders of our choice, and no protocol but the file itself.
 *
 * @param maxSeconds no more of it is read
 */
export const inputArguments = (demuxer: Demuxer, path: string, maxSeconds: number): string[] => [
  ...opened(demuxer),
  ...['-codec_whitelist', decoders],
  ...['-t', String(maxSeconds)],
  ...['-i', `file:${path}`],
]

const stream = z.object({
  codec_type: z.string().optional(),
  codec_name: z.string().optional(),
  sample_rate: z.coerce.number().optional(),
  channels: z.number().optional(),
  duration: z.coerce.number().optional(),
  disposition: z.object({ attached_pic: z.number() }).partial().optional(),
  tags: z.record(z.string(), z.string()).optional(),
})
const answer = z.object({
  streams: z.array(stream).default([]),
  format: z
    .object({
      duration: z.coerce.number().optional(),
      start_time: z.coerce.number().optional(),
      tags: z.record(z.string(), z.string()).optional(),
    })
    .default({}),
})

/** What is asked of a file. The rest of its tags, pages of lyrics among them, may be as long as they are. */
const entries = [
  'stream=codec_type,codec_name,sample_rate,channels,duration',
  'stream_disposition=attached_pic',
  `stream_tags=${tagNames.join(',')}`,
  'format=duration,start_time',
  `format_tags=${tagNames.join(',')}`,
].join(':')
const maxAnswerBytes = 8 * 1024 * 1024
const maxStreams = 8
const limits = { memoryBytes: 1024 ** 3, cpuSeconds: 10, fileBytes: 0 }

const look = async (
  path: string,
): Promise<{ demuxer: Demuxer | undefined; wavSeconds: number | undefined }> => {
  const file = await open(path)
  const read = async (at: number): Promise<Buffer> => {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(sniffLength), 0, sniffLength, at)
    return buffer.subarray(0, bytesRead)
  }
  try {
    const head = await read(0)
    const tag = id3Length(head)
    const demuxer = tag < head.length ? sniff(head) : sniff(head, await read(tag))
    return { demuxer, wavSeconds: wavSeconds(head) }
  } finally {
    await file.close()
  }
}

const clean = (text: string | undefined): string | undefined => {
  const cleaned = text
    ?.normalize('NFC')
    .replaceAll(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/gu, ' ')
    .trim()
  return cleaned === undefined || cleaned === '' ? undefined : Array.from(cleaned).slice(0, 200).join('')
}

const tagsOf = (...sources: (Record<string, string> | undefined)[]): Probed['tags'] => {
  const byName = new Map(
    sources.flatMap((tags) => Object.entries(tags ?? {})).map(([name, value]) => [name.toLowerCase(), value]),
  )
  const found = tagNames.flatMap((name) => {
    const value = clean(byName.get(name))
    return value === undefined ? [] : [[name, value] as const]
  })
  return Object.fromEntries(found)
}

/** Of Ogg and ADTS nobody says at the beginning how long they are. */
const saysItself = new Set<Demuxer>(['flac', 'mov', 'mp3', 'aiff', 'caf', 'w64'])
const isEstimate = /Estimating duration from bitrate/

const shorter = (one: number | undefined, other: number | undefined): number | undefined =>
  one === undefined || other === undefined ? (one ?? other) : Math.min(one, other)

/**
 * Looks into a file without decoding it. It is opened by one demuxer, chosen by its magic bytes, in a sandbox.
 *
 * @param path absolute
 * @param cwd a folder of the call's own
 * @throws RefusedAudio, or SandboxError for what is not the file's fault (`missing`, `aborted`)
 */
export const probeAudio = async (
  path: string,
  { maxDurationSeconds }: ProbeLimits,
  { cwd, signal }: { cwd: string; signal?: AbortSignal | undefined },
): Promise<Probed> => {
  const { demuxer, wavSeconds } = await look(path)
  if (demuxer === undefined) throw new RefusedAudio('not-audio')
  let text = ''
  let warnings: string
  try {
    warnings = await runSandboxed({
      program: 'ffprobe',
      args: [
        ...['-v', 'warning', '-probesize', '5M', '-analyzeduration', '5M'],
        ...['-of', 'json', '-show_entries', entries],
        ...opened(demuxer),
        `file:${path}`,
      ],
      cwd,
      limits,
      wallMs: 15_000,
      stallMs: 15_000,
      signal,
      onStdout(chunk) {
        text += chunk.toString()
        if (text.length > maxAnswerBytes) throw new RefusedAudio('too-many-streams')
      },
    })
  } catch (error) {
    if (error instanceof SandboxError && error.code !== 'missing' && error.code !== 'aborted')
      throw new RefusedAudio('corrupt', { cause: error })
    throw error
  }
  const { streams, format } = answer.parse(JSON.parse(text))
  const isPicture = (each: (typeof streams)[number]) => each.disposition?.attached_pic === 1
  const others = streams.filter((each) => !isPicture(each))
  if (others.length > maxStreams) throw new RefusedAudio('too-many-streams')
  const [audio, ...more] = others.filter((each) => each.codec_type === 'audio')
  if (audio === undefined) throw new RefusedAudio('not-audio')
  if (more.length > 0) throw new RefusedAudio('too-many-streams')
  if (others.some((each) => each.codec_type === 'video')) throw new RefusedAudio('has-video')
  const { codec_name: codec = '', channels = 0, sample_rate: sampleRate = 0 } = audio
  if (!codecs.has(codec) && !isPcm(codec)) throw new RefusedAudio('unsupported-codec')
  if (channels < 1 || sampleRate < 1) throw new RefusedAudio('corrupt')
  if (channels > 8) throw new RefusedAudio('too-many-channels')
  const { duration } = format
  if (duration !== undefined && duration > maxDurationSeconds) throw new RefusedAudio('too-long')
  // One of nothing is of a stream that nobody knew the end of.
  if (duration !== undefined && duration > 0 && duration < minSeconds) throw new RefusedAudio('too-short')
  // A track of chapters may be longer than the sound; a stream that begins later is not that much shorter.
  const end = shorter(audio.duration, duration)
  const said =
    saysItself.has(demuxer) && !isEstimate.test(warnings) && end !== undefined
      ? end - Math.max(0, format.start_time ?? 0)
      : undefined
  return {
    demuxer,
    codec,
    sampleRate,
    channels,
    durationSeconds: duration,
    promisedSeconds: isPcm(codec) && wavSeconds !== undefined ? wavSeconds : said,
    hasCover: streams.some(isPicture),
    // Ogg has its tags in the stream.
    tags: tagsOf(audio.tags, format.tags),
  }
}
