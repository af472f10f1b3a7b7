import { type AddressInfo, createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { WebSocket } from 'ws'

/** What a process holds after a garbage collection, bytes. */
export interface Memory {
  readonly rss: number
  readonly heapTotal: number
  readonly heapUsed: number
}

/** A look into a running Node process, by its own debugger: it need not know of it. */
export interface Inspector {
  /** Collects garbage, then counts what is left. */
  memory(): Promise<Memory>
  close(): void
}

/** A port for a process's debugger: give it `NODE_OPTIONS: debuggerOption(port)`, then `inspect` it. */
export const freeDebuggerPort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => {
        resolve(port)
      })
    })
  })

/** Only says where the debugger would listen: it does so on SIGUSR1. */
export const debuggerOption = (port: number): string => `--inspect-port=127.0.0.1:${port}`

const addressOf = async (port: number): Promise<string> => {
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      const targets = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as {
        webSocketDebuggerUrl: string
      }[]
      const [target] = targets
      if (target !== undefined) return target.webSocketDebuggerUrl
    } catch {
      // Not yet.
    }
    await delay(50)
  }
  throw new Error('the debugger of the process does not answer')
}

/** Opens the debugger of a process that was started with `debuggerOption(port)`. */
export const inspect = async (pid: number, port: number): Promise<Inspector> => {
  process.kill(pid, 'SIGUSR1')
  const socket = new WebSocket(await addressOf(port))
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  let id = 0
  const waiting = new Map<number, (result: unknown) => void>()
  socket.on('message', (data: Buffer) => {
    const { id: of, result } = JSON.parse(data.toString()) as { id?: number; result?: unknown }
    if (of === undefined) return
    waiting.get(of)?.(result)
    waiting.delete(of)
  })
  const call = (method: string, params: object = {}): Promise<unknown> =>
    new Promise((resolve) => {
      waiting.set(++id, resolve)
      socket.send(JSON.stringify({ id, method, params }))
    })
  return {
    async memory() {
      // What one collection frees can hold on to more, which the next one frees.
      for (let round = 0; round < 3; round++) await call('HeapProfiler.collectGarbage')
      const expression = 'process.memoryUsage()'
      const { result } = (await call('Runtime.evaluate', { expression, returnByValue: true })) as {
        result: { value: Memory }
      }
      return result.value
    },
    close() {
      socket.terminate()
    },
  }
}
