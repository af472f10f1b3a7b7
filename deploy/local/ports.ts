import { createServer } from 'node:net'

/** Below Linux's range for outgoing connections (32768 and up), so that nothing takes a port while its owner restarts. */
const firstPort = 20_000
const lastPort = 32_000

/** True when a listener could be opened on the port of 127.0.0.1 now. */
export const portIsFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => {
      resolve(false)
    })
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      server.close(() => {
        resolve(true)
      })
    })
  })

const taken = new Set<number>()

/** A free port of 127.0.0.1 that this process has not given out before. */
export const freePort = async (): Promise<number> => {
  for (;;) {
    const port = firstPort + Math.floor(Math.random() * (lastPort - firstPort))
    if (taken.has(port)) continue
    taken.add(port)
    if (await portIsFree(port)) return port
  }
}
