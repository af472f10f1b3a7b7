import { Agent, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

/** Keeps a connection a listener, as players do. */
export const agent = new Agent({ keepAlive: true, maxSockets: Infinity, scheduling: 'lifo' })

/** One GET over a kept connection. @returns the body; rejects for any status but 200 */
export const get = (url: string, body: 'text' | 'drop' = 'drop'): Promise<{ text: string; bytes: number }> =>
  new Promise((resolve, reject) => {
    const sent = request(url, { agent }, (response) => {
      let bytes = 0
      let text = ''
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (body === 'text') text += chunk.toString()
      })
      response.once('end', () => {
        if (response.statusCode === 200) resolve({ text, bytes })
        else reject(new Error(`${url} answered ${String(response.statusCode)}`))
      })
      response.once('error', reject)
    })
    sent.once('error', reject)
    sent.end()
  })

/** The segments that a media playlist names, each with its length in seconds, and the file before them. */
export const segmentsOf = (
  playlist: string,
): { init: string; segments: { uri: string; seconds: number }[] } => ({
  init: /#EXT-X-MAP:URI="([^"]+)"/.exec(playlist)?.[1] ?? '',
  segments: [...playlist.matchAll(/#EXTINF:([\d.]+),\n(.+)/g)].map(([, seconds, uri]) => ({
    seconds: Number(seconds),
    uri: uri ?? '',
  })),
})

/** What listeners met, all together. */
export interface Heard {
  /** From a request to its last byte, ms. */
  readonly segments: number[]
  /** From the first request to the first sound, ms. */
  readonly starts: number[]
  /** How often somebody had to wait for sound that should have been there, and for how long, ms. */
  readonly underruns: number[]
  failed: number
  bytes: number
}

/** Seconds of sound that a player keeps ahead: hls.js's maxBufferLength. */
const ahead = 30

/**
 * Listens in real time as players do: the master playlist, a rendition's, its initialisation, then segments one after the
 * other until enough is ahead, and another one whenever there is room.
 *
 * @param rendition its folder, such as `160k`
 * @param until performance.now() at which it stops
 */
export const listen = async (
  master: string,
  { rendition, until, heard }: { rendition: string; until: number; heard: Heard },
): Promise<void> => {
  const asked = performance.now()
  try {
    await get(master, 'text')
    const index = master.replace('master.m3u8', `${rendition}/index.m3u8`)
    const { init, segments } = segmentsOf((await get(index, 'text')).text)
    await get(new URL(init, index).href)
    let buffered = 0
    let playingSince: number | undefined
    for (const { uri, seconds } of segments) {
      if (playingSince !== undefined) {
        const room = buffered - ahead - (performance.now() - playingSince) / 1000
        if (room > 0) await delay(Math.min(1000 * room, Math.max(0, until - performance.now())))
      }
      if (performance.now() >= until) return
      const sent = performance.now()
      heard.bytes += (await get(new URL(uri, index).href)).bytes
      const arrived = performance.now()
      heard.segments.push(arrived - sent)
      if (playingSince === undefined) {
        playingSince = arrived
        heard.starts.push(arrived - asked)
      } else {
        const late = arrived - playingSince - 1000 * buffered
        if (late > 0) {
          heard.underruns.push(late)
          // Sound stood still for so long.
          playingSince += late
        }
      }
      buffered += seconds
    }
  } catch {
    heard.failed++
  }
}
