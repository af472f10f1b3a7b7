import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { type Child } from '@veza/deploy/launcher'
import { type CollectedSpan, readTraces } from './otlp.ts'

/** What a test may do to a part of the stack. `stop` is orderly, `kill` is SIGKILL. */
export type Action = 'kill' | 'stop' | 'restart'

const bodyOf = async (request: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const body = Buffer.concat(chunks)
  return request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body
}

/** Stands beside the stack of the e2e tests, which run in processes of their own. */
export interface HelperServer {
  readonly url: string
  /** Parts that tests may act on, by name. */
  readonly children: Map<string, Child>
  close(): Promise<void>
}

/**
 * `POST /v1/traces` takes spans like an OpenTelemetry collector, `GET /spans` gives them to tests, and
 * `POST /children/<name>/<action>` acts on a part of the stack and answers when that is done.
 */
export const startHelperServer = async (): Promise<HelperServer> => {
  const spans: CollectedSpan[] = []
  const children = new Map<string, Child>()

  const act = async (name: string, action: string): Promise<void> => {
    const child = children.get(name)
    if (child === undefined) throw new Error(`there is no ${name}`)
    if (action === 'kill') await child.kill('SIGKILL')
    else if (action === 'stop') await child.stop()
    else await child.restart()
  }

  const answer = async (request: IncomingMessage): Promise<string> => {
    const path = request.url ?? ''
    const [, name, action] = /^\/children\/([^/]+)\/([^/]+)$/.exec(path) ?? []
    if (path === '/v1/traces') spans.push(...readTraces(await bodyOf(request)))
    else if (path === '/spans') return JSON.stringify(spans)
    else if (name !== undefined && action !== undefined) await act(name, action)
    else throw new Error(`nothing is at ${path}`)
    return ''
  }

  const server = createServer((request, response) => {
    void answer(request).then(
      (body) => response.writeHead(200).end(body),
      (error: unknown) => response.writeHead(500).end(error instanceof Error ? error.message : String(error)),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    children,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** The test's side of the helper server. */
export const helper = (url: string) => ({
  async act(name: string, action: Action): Promise<void> {
    const response = await fetch(`${url}/children/${name}/${action}`, { method: 'POST' })
    if (!response.ok) throw new Error(`${action} ${name}: ${await response.text()}`)
  },
  async spans(): Promise<CollectedSpan[]> {
    return (await (await fetch(`${url}/spans`)).json()) as CollectedSpan[]
  },
})
