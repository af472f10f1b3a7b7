import { type Context, Hono } from 'hono'
import { toProblem } from '../http/errors.ts'
import { notFound, renderProblem } from '../http/problem.ts'
import { type Server, serve } from '../http/serve.ts'
import { type Health, type HealthReport } from './health.ts'

/** What serveInternal needs. */
export interface InternalOptions {
  readonly host: string
  /** 0 = any free port. */
  readonly port: number
  readonly health: Health
  /** Prometheus text, usually telemetry.metrics. */
  readonly metrics: () => Promise<string>
  /** The process's internal API; it gets every request but the probes. */
  readonly app?: { fetch: (request: Request, env: unknown) => Response | Promise<Response> }
}

const report = (c: Context, failing: HealthReport): Response =>
  Object.keys(failing).length === 0
    ? c.json({ status: 'ok' }, 200)
    : c.json({ status: 'unavailable', failing }, 503)

/**
 * The listener that only probes, Prometheus and the platform's own processes reach: /livez, /readyz (200
 * `{status:"ok"}`, or 503 `{status:"unavailable", failing:{<check>:<reason>}}`), /metrics, and the internal app.
 */
export const serveInternal = ({ host, port, health, metrics, app }: InternalOptions): Promise<Server> => {
  const root = new Hono()
  root.use(async (c, next) => {
    await next()
    c.res.headers.set('cache-control', 'no-store')
  })
  root.get('/livez', async (c) => report(c, await health.liveness()))
  root.get('/readyz', async (c) => report(c, await health.readiness()))
  root.get('/metrics', async (c) =>
    c.body(await metrics(), 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }),
  )
  root.onError((error, c) => renderProblem(c, toProblem(error)))
  if (app === undefined) root.notFound(notFound)
  else root.all('*', (c) => app.fetch(c.req.raw, c.env))
  return serve(root, { host, port })
}
