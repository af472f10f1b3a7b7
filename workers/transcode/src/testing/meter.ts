import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** What the program of the package exports: the ebur128 crate (a port of libebur128), compiled to WebAssembly. */
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer }
  readonly __wbindgen_malloc: (bytes: number) => number
  readonly ebur128_integrated_stereo: Measure
  readonly ebur128_true_peak_stereo: Measure
}
type Measure = (rate: number, left: number, leftLength: number, right: number, rightLength: number) => number

/** What Node has of WebAssembly, which its types of this version leave out. */
interface WebAssemblyApi {
  compile(bytes: Uint8Array): Promise<object>
  instantiate(module: object, imports: object): Promise<{ readonly exports: unknown }>
  readonly Module: { imports(module: object): { readonly module: string; readonly name: string }[] }
}
const { WebAssembly: wasm } = globalThis as unknown as { WebAssembly: WebAssemblyApi }

const program = createRequire(import.meta.url).resolve('ebur128-wasm/ebur128_wasm_bg.wasm')
const failed = () => {
  throw new Error('the meter failed')
}

let compiled: Promise<object> | undefined
const compile = (): Promise<object> => (compiled ??= readFile(program).then((bytes) => wasm.compile(bytes)))

/** Sound, decoded: one array a channel. */
export interface Sound {
  readonly left: Float32Array
  readonly right: Float32Array
}

/** Decodes as a player that knows no edit lists. @param filter of FFmpeg, at 48 kHz */
export const decode = async (path: string, filter = 'anull'): Promise<Sound> => {
  const { stdout } = await run(
    'ffmpeg',
    [
      ...['-v', 'error', '-i', path, '-af', `aresample=48000,${filter}`],
      ...['-f', 'f32le', '-ac', '2', '-ar', '48000', 'pipe:1'],
    ],
    { encoding: 'buffer', maxBuffer: 200_000_000 },
  )
  const samples = new Float32Array(new Uint8Array(stdout).buffer)
  return {
    left: samples.filter((_, index) => index % 2 === 0),
    right: samples.filter((_, index) => index % 2 === 1),
  }
}

/**
 * Measures by ITU-R BS.1770, by a meter that has nothing to do with FFmpeg.
 *
 * @returns LUFS and dBTP
 */
export const meter = async ({ left, right }: Sound): Promise<{ integrated: number; truePeak: number }> => {
  // An instance a call: what it was given is never freed.
  const module = await compile()
  const imports: Record<string, Record<string, () => never>> = {}
  for (const { module: from, name } of wasm.Module.imports(module))
    imports[from] = { ...imports[from], [name]: failed }
  const { exports } = await wasm.instantiate(module, imports)
  const meterExports = exports as Exports
  const call = (name: 'ebur128_integrated_stereo' | 'ebur128_true_peak_stereo'): number => {
    const pointers = [left, right].map((channel) => {
      const pointer = meterExports.__wbindgen_malloc(channel.byteLength)
      new Float32Array(meterExports.memory.buffer).set(channel, pointer / 4)
      return [pointer, channel.length] as const
    })
    const [[a, aLength], [b, bLength]] = pointers as [readonly [number, number], readonly [number, number]]
    return meterExports[name](48_000, a, aLength, b, bLength)
  }
  return { integrated: call('ebur128_integrated_stereo'), truePeak: call('ebur128_true_peak_stereo') }
}
