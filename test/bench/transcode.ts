import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { startOwnVeza } from '../stack/veza.ts'
import { register } from '../support/api.ts'
import { readTrack, uploadTrack } from '../support/audio.ts'
import { cpuWithReaped } from './processes.ts'
import { rounded, say, table, writeResult } from './output.ts'

const run = promisify(execFile)

/** What is asked of the bench of transcoding. */
export interface TranscodeBench {
  /** Length of a track. */
  readonly seconds: number
  readonly tracks: number
}

/** Something like music to an encoder: chords that change, a beat, noise that rises and falls. @param nth differs in sound */
const makeTrack = async (dir: string, nth: number, seconds: number): Promise<string> => {
  const path = join(dir, `track-${nth}.flac`)
  const side = (shift: number) =>
    `0.12*sin(2*PI*(220+${nth}*7+55*floor(mod(t,8)/2)+${shift})*t)+0.1*sin(2*PI*(331+${nth}*5+${shift})*t)` +
    `+0.08*sin(2*PI*2200*t)*gt(sin(2*PI*2*t),0.8)+0.4*exp(-25*mod(t,0.5))*sin(2*PI*70*t)` +
    `+0.06*(2*random(${nth % 5})-1)*(1+sin(2*PI*0.25*t))`
  const source = `aevalsrc=exprs='${side(0)}|${side(1.5)}':s=44100:d=${seconds}`
  await run('ffmpeg', ['-v', 'error', '-y', '-f', 'lavfi', '-i', source, '-bitexact', path])
  return path
}

/** One worker, one track at a time: what a core gives. @returns whether every track became a stream */
export const benchTranscode = async ({ seconds, tracks }: TranscodeBench): Promise<boolean> => {
  const dir = await mkdtemp(join(tmpdir(), 'veza-bench-'))
  const veza = await startOwnVeza('bench', { TRANSCODE_CONCURRENCY: '1', TRACK_MAX_DURATION: '12h' })
  try {
    const { http } = veza.endpoints
    const ann = await register(http, 'Ann')
    const pid = veza.processes.transcode.pid
    if (pid === undefined) throw new Error('transcode does not run')
    const rows = []
    for (let nth = 0; nth < tracks; nth++) {
      const path = await makeTrack(dir, nth, seconds)
      const before = cpuWithReaped(pid)
      const sent = performance.now()
      const trackId = await uploadTrack(http, ann, path)
      const lastByte = performance.now()
      let track = await readTrack(http, ann, trackId)
      while (track.status === 'processing') {
        await delay(50)
        track = await readTrack(http, ann, trackId)
      }
      const ready = performance.now()
      const cpu = cpuWithReaped(pid) - before
      rows.push({
        status: track.status,
        uploadSeconds: rounded((lastByte - sent) / 1000, 2),
        readySeconds: rounded((ready - lastByte) / 1000, 2),
        cpuSeconds: rounded(cpu, 2),
        timesRealTimeACore: rounded(seconds / cpu),
      })
    }
    say(`\n${tracks} tracks of ${seconds} s, FLAC; three renditions, loudness, waveform; one after the other`)
    table(
      ['track', 'upload and answer s', 'last byte to ready s', 'CPU s', 'times real time a core'],
      rows.map((row, nth) => [
        ...[nth + 1, row.uploadSeconds, row.readySeconds, row.cpuSeconds, row.timesRealTimeACore],
      ]),
    )
    writeResult('transcode', { seconds, rows })
    return rows.every(({ status }) => status === 'ready')
  } finally {
    await veza.stop()
    await rm(dir, { recursive: true })
  }
}
