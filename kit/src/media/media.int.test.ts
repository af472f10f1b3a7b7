import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type audioFormats, makeAudio } from '../testing/index.ts'
import { isolation, probeAudio, readCover, runSandboxed, type SandboxError } from './index.ts'

const run = promisify(execFile)
const ffmpeg = (...options: string[]) => run('ffmpeg', ['-v', 'error', '-y', ...options])
let dir: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'veza-media-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

const probe = (path: string, maxDurationSeconds = 60) =>
  probeAudio(path, { maxDurationSeconds }, { cwd: dir })
const file = async (name: string, content: string | Buffer): Promise<string> => {
  const path = join(dir, name)
  await writeFile(path, content)
  return path
}

/** The same sound without a picture and with one. */
const coveredAudio = async (name: string, extra: string[] = []) => {
  const [picture, covered] = [join(dir, `${name}.png`), join(dir, `${name}-covered.mp3`)]
  await ffmpeg('-f', 'lavfi', '-i', 'color=blue:s=64x64', '-frames:v', '1', picture)
  // With a filter on the input's sound, the second input would be mapped before it.
  const plain = await makeAudio(dir, `${name}.mp3`, { seconds: 1 })
  const cover = ['-map', '0', '-map', '1', '-disposition:v', 'attached_pic', '-c', 'copy']
  await ffmpeg('-i', plain, '-i', picture, ...cover, ...extra, covered)
  return { plain, covered, picture }
}

describe('probing', () => {
  it.each([
    ['mp3', 'mp3', 'mp3'],
    ['m4a', 'mov', 'aac'],
    ['alac.m4a', 'mov', 'alac'],
    ['flac', 'flac', 'flac'],
    ['wav', 'wav', 'pcm_s16le'],
    ['aiff', 'aiff', 'pcm_s16be'],
    ['ogg', 'ogg', 'vorbis'],
    ['opus', 'ogg', 'opus'],
  ] satisfies [keyof typeof audioFormats, string, string][])('takes %s', async (ending, demuxer, codec) => {
    const path = await makeAudio(dir, `taken.${ending}`, { seconds: 1 })
    const probed = await probe(path)
    expect(probed).toMatchObject({ demuxer, codec, channels: 2, hasCover: false })
    expect(probed.durationSeconds).toBeCloseTo(1, 0)
  })

  it('reads tags and sees a cover', async () => {
    const tags = [
      '-metadata',
      'title=Ambient\u0007 no. 1',
      '-metadata',
      'artist=Ana',
      '-metadata',
      'genre=(17)',
    ]
    const { covered } = await coveredAudio('with-tags', tags)
    expect(await probe(covered)).toMatchObject({
      hasCover: true,
      tags: { title: 'Ambient  no. 1', artist: 'Ana', genre: 'Rock' },
    })
  })

  it('takes a file whose tag is larger than what tells its format, whatever is in the tag', async () => {
    const frame = (name: string, text: Buffer | string) => {
      const size = Buffer.byteLength(text) + 1
      const bytes = [21, 14, 7, 0].map((shift) => (size >> shift) & 0x7f)
      return Buffer.concat([Buffer.from(name), Buffer.from([...bytes, 0, 0, 3]), Buffer.from(text)])
    }
    const frames = [frame('TIT2', 'x'.repeat(1_500_000)), frame('COMM', `eng\0${'y'.repeat(2_000_000)}`)]
    const body = Buffer.concat(frames)
    const size = [21, 14, 7, 0].map((shift) => (body.length >> shift) & 0x7f)
    const tag = Buffer.concat([Buffer.from('ID3'), Buffer.from([4, 0, 0, ...size]), body])
    for (const [name, demuxer] of [
      ['behind.mp3', 'mp3'],
      ['behind.flac', 'flac'],
      ['behind.aac', 'aac'],
    ] as const) {
      const bare = await readFile(await makeAudio(dir, name, { seconds: 1, extra: ['-id3v2_version', '0'] }))
      const probed = await probe(await file(`tagged-${name}`, Buffer.concat([tag, bare])))
      expect(probed, name).toMatchObject({ demuxer, tags: { title: 'x'.repeat(200) } })
    }
  })

  it('takes the cover out as it lies there, unless it is large, cannot be read, or is none', async () => {
    const { plain, covered, picture } = await coveredAudio('taken-out')
    const probed = await probe(covered)
    const png = await readFile(picture)
    const options = { cwd: dir, maxBytes: png.length }
    expect(await readCover(covered, probed, options)).toEqual(png)
    expect(await readCover(covered, probed, { ...options, maxBytes: png.length - 1 })).toBeUndefined()
    expect(await readCover(plain, await probe(plain), options)).toBeUndefined()
    expect(await readCover(plain, { demuxer: 'mp3', hasCover: true }, options)).toBeUndefined()
    const aborted = { ...options, signal: AbortSignal.abort(new Error('the process ends')) }
    await expect(readCover(covered, probed, aborted)).rejects.toThrow('the process ends')
  })

  it('does not take a file to be damaged when it was told to stop', async () => {
    const path = await makeAudio(dir, 'stopped.mp3', { seconds: 1 })
    const signal = AbortSignal.abort(new Error('the process ends'))
    const stopped = probeAudio(path, { maxDurationSeconds: 60 }, { cwd: dir, signal })
    await expect(stopped).rejects.toThrow('the process ends')
  })

  it('refuses a film, a second stream, too many channels and what is too long or too short, each with its reason', async () => {
    const sound = await makeAudio(dir, 'sound.m4a', { seconds: 2 })
    const picture = ['-f', 'lavfi', '-i', 'testsrc=s=64x64:d=1']
    await ffmpeg(...picture, '-i', sound, join(dir, 'film.mp4'))
    await ffmpeg('-i', sound, '-map', '0', '-map', '0', '-c', 'copy', join(dir, 'two.m4a'))
    await expect(probe(join(dir, 'film.mp4'))).rejects.toMatchObject({ code: 'has-video' })
    await expect(probe(join(dir, 'two.m4a'))).rejects.toMatchObject({ code: 'too-many-streams' })
    await expect(probe(sound, 1)).rejects.toMatchObject({ code: 'too-long' })
    const short = await makeAudio(dir, 'short.wav', { seconds: 0.05 })
    await expect(probe(short)).rejects.toMatchObject({ code: 'too-short' })
    const many = await makeAudio(dir, 'many.wav', { seconds: 1, extra: ['-ac', '16'] })
    await expect(probe(many)).rejects.toMatchObject({ code: 'too-many-channels' })
  })

  it('opens nothing but the file: no other file by a playlist or script, no connection', async () => {
    const secret = await makeAudio(dir, 'secret.mp3', { seconds: 1 })
    let connections = 0
    const server = createServer((socket) => {
      connections++
      socket.destroy()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/a.mp3`
    const playlist = (target: string) =>
      `#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\n${target}\n#EXT-X-ENDLIST\n`
    const hostile = [
      await file('file.mp3', playlist(`file:${secret}`)),
      await file('url.mp3', playlist(url)),
      await file('concat.mp3', `ffconcat version 1.0\nfile '${secret}'\n`),
      // With magic bytes in front, it gets as far as a demuxer, which finds no frames.
      await file(
        'magic.mp3',
        Buffer.concat([Buffer.from([0xff, 0xfb, 0x90, 0x64]), Buffer.from(playlist(url))]),
      ),
      await file(
        'tagged.mp3',
        Buffer.concat([Buffer.from('ID3\u0004\0\0\0\0\0\0', 'latin1'), Buffer.from(playlist(url))]),
      ),
      await file('ogg.ogg', `OggS${playlist(url)}`),
    ]
    for (const path of hostile)
      await expect(probe(path), path).rejects.toMatchObject({ name: 'RefusedAudio' })
    expect(connections).toBe(0)
    await new Promise((resolve) => server.close(resolve))
  })

  it('refuses text, archives, noise and what is cut off, without a hang', async () => {
    const whole = await readFile(await makeAudio(dir, 'whole.m4a', { seconds: 1 }))
    const noise = Buffer.from(
      Array.from({ length: 50_000 }, (_, index) => (index * 7919 + (index >> 3) * 104_729) & 0xff),
    )
    const bad = [
      await file('empty.mp3', ''),
      await file('text.mp3', 'not a sound '.repeat(1000)),
      await file('bomb.flac', gzipSync(Buffer.alloc(50_000_000))),
      await file('noise.wav', noise),
      await file('cut.m4a', whole.subarray(0, 200)),
      await file('header.flac', 'fLaC'),
      await file('header.mp3', Buffer.from([0xff, 0xfb])),
    ]
    for (const path of bad) await expect(probe(path), path).rejects.toMatchObject({ name: 'RefusedAudio' })
  })

  it('survives each of forty damaged files', async () => {
    const whole = await readFile(await makeAudio(dir, 'fuzzed.m4a', { seconds: 1 }))
    let state = 42
    const random = (below: number) => {
      state = (state * 1_103_515_245 + 12_345) & 0x7fffffff
      return state % below
    }
    for (let round = 0; round < 40; round++) {
      const damaged = Buffer.from(whole)
      for (let flips = 0; flips < 20; flips++) damaged[random(damaged.length)] = random(256)
      const path = await file('damaged.m4a', damaged)
      await probe(path).catch((error: unknown) => {
        expect(error).toMatchObject({ name: 'RefusedAudio' })
      })
    }
  })
})

describe('the sandbox', () => {
  const limits = { memoryBytes: 1024 ** 3, cpuSeconds: 10, fileBytes: 1024 }
  const shell = (script: string, change: Partial<Parameters<typeof runSandboxed>[0]> = {}) => {
    let stdout = ''
    return runSandboxed({
      program: 'sh',
      args: ['-c', script],
      ...{ cwd: dir, limits, wallMs: 20_000, stallMs: 20_000 },
      onStdout(chunk) {
        stdout += chunk.toString()
      },
      ...change,
    }).then((stderr) => ({ stdout, stderr }))
  }
  const failure = (work: Promise<unknown>) =>
    work.then(
      () => undefined,
      (error: unknown) => error as SandboxError,
    )

  it('has no network, on machines that permit it', async () => {
    const { network } = await isolation()
    const { stdout } = await shell('cat /proc/net/dev')
    if (network) expect(stdout).not.toMatch(/eth|ens|enp/)
    // A machine that ought to permit it, and does not, is told of: root can always.
    if (process.getuid?.() === 0) expect(network).toBe(true)
  })

  it('gives an environment without secrets and no standard input', async () => {
    process.env['VEZA_TEST_SECRET'] = 'do not tell'
    const { stdout } = await shell('env; cat')
    Reflect.deleteProperty(process.env, 'VEZA_TEST_SECRET')
    expect(stdout).toContain('PATH=')
    expect(stdout).not.toContain('do not tell')
  })

  it('kills what takes too long, and what stands still while it talks', async () => {
    const timedOut = await failure(shell('sleep 30', { wallMs: 100 }))
    expect(timedOut).toMatchObject({ code: 'timed-out' })
    const stalled = await failure(shell('while :; do echo again; sleep 0.01; done', { stallMs: 200 }))
    expect(stalled).toMatchObject({ code: 'stalled' })
  })

  it('drains standard error, keeps its end, and tells of failure', async () => {
    const failed = await failure(
      shell('i=0; while [ $i -lt 20000 ]; do echo "line $i" >&2; i=$((i+1)); done; exit 3'),
    )
    expect(failed).toMatchObject({ code: 'failed', message: 'sh ended with 3' })
    expect(failed?.stderr).toMatch(/line 19999\n$/)
    expect(failed?.stderr.length).toBeLessThanOrEqual(8 * 1024)
  })

  it('bounds files, memory and processor time', async () => {
    expect(await failure(shell('head -c 100000 /dev/zero > big'))).toMatchObject({ code: 'failed' })
    const hungry = 'x=a; while :; do x=$x$x; done'
    expect(
      await failure(shell(hungry, { limits: { ...limits, memoryBytes: 64 * 1024 ** 2 } })),
    ).toMatchObject({ code: expect.stringMatching(/^(failed|crashed)$/) as string })
    expect(
      await failure(shell('while :; do :; done', { limits: { ...limits, cpuSeconds: 1 } })),
    ).toMatchObject({ code: 'crashed' })
  })

  it('tells a crash and a full disk from a program that gave up', async () => {
    expect(await failure(shell('kill -SEGV $$'))).toMatchObject({ code: 'crashed' })
    expect(await failure(shell('echo "out/0001.m4s: No space left on device" >&2; exit 1'))).toMatchObject({
      code: 'disk-full',
    })
  })

  it('ends when it is told to, and says when a program is missing', async () => {
    const abort = new AbortController()
    const running = failure(
      shell('echo up; sleep 30', {
        signal: abort.signal,
        onStdout: () => {
          abort.abort()
        },
      }),
    )
    expect(await running).toMatchObject({ code: 'aborted' })
    expect(await failure(shell('', { program: 'no-such-program' }))).toMatchObject({ code: 'missing' })
  })

  it('rejects with what the reader of its output throws', async () => {
    const running = shell('echo up; sleep 30', {
      onStdout() {
        throw new Error('enough')
      },
    })
    await expect(running).rejects.toThrow('enough')
  })
})
