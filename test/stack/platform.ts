import { type TestProject } from 'vitest/node'
import { startHelperServer } from './helper-server.ts'
import { startOwnVeza } from './veza.ts'

/** What e2e tests are told of the stack, by `inject('veza')`. */
export interface Platform {
  /** Base URL of the HTTP edge. */
  readonly http: string
  /** URL that Centrifuge SDKs connect to. */
  readonly ws: string
  /** The same of a second edge, `realtime-2` to the helper. */
  readonly otherWs: string
  /** host:port, comma separated. */
  readonly kafka: string
  /** Base of the Confluent-compatible API. */
  readonly registry: string
  /** Chat's database. */
  readonly chatDatabase: string
  /** Tracks' database. */
  readonly tracksDatabase: string
  /** The helper server: acts on parts of the stack, has the spans. */
  readonly helper: string
  /** Its data folder, by which `npm run ops` finds it. */
  readonly dataDir: string
  /** Internal listeners, by process. */
  readonly internal: Readonly<Record<string, string>>
}

declare module 'vitest' {
  export interface ProvidedContext {
    veza: Platform
  }
}

/** Global setup of the level `e2e`: the whole of Veza, every trace sampled. */
export const setup = async (project: TestProject): Promise<() => Promise<void>> => {
  const server = await startHelperServer()
  const veza = await startOwnVeza('e2e', {
    OTEL_EXPORTER_OTLP_ENDPOINT: server.url,
    TRACE_SAMPLE_RATIO: '1',
    // What tests would wait for otherwise: that what is taken away is silent, and that a dead worker's job is free.
    ...{ STREAMS_RECHECK: '500ms', TRACKS_RECHECK: '500ms', TRANSCODE_LEASE: '5s' },
    // And that spans are sent: of OpenTelemetry, every five seconds.
    OTEL_BSP_SCHEDULE_DELAY: '500',
  }).catch(async (error: unknown) => {
    await server.close()
    throw error
  })
  const other = await veza.another('realtime').catch(async (error: unknown) => {
    await veza.stop()
    await server.close()
    throw error
  })
  const children = { ...veza.infrastructure, ...veza.processes, 'realtime-2': other.child }
  for (const [name, child] of Object.entries(children)) server.children.set(name, child)
  project.provide('veza', {
    http: veza.endpoints.http,
    ws: veza.endpoints.ws,
    otherWs: veza.endpoints.ws.replace(/:\d+\//, `:${other.port}/`),
    kafka: veza.endpoints.kafka,
    registry: veza.endpoints.registry,
    chatDatabase: veza.stack.databaseUrls.chat,
    tracksDatabase: veza.stack.databaseUrls.tracks,
    helper: server.url,
    dataDir: veza.dataDir,
    internal: Object.fromEntries(
      Object.entries(veza.stack.ports).map(([name, { internal }]) => [name, `http://127.0.0.1:${internal}`]),
    ),
  })
  return async () => {
    await veza.stop()
    await server.close()
  }
}
