import { type Context, type Hono, type MiddlewareHandler } from 'hono'
import { matchedRoutes } from 'hono/route'
import { SpanKind, SpanStatusCode, context, trace } from '@opentelemetry/api'
import { contextOf } from '../telemetry/index.ts'
import { bodyProblem } from './body-limit.ts'
import { clientAddress } from './client-address.ts'
import { Problem, renderProblem } from './problem.ts'
import { type ApiOptions, type EdgeEnv } from './types.ts'

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/** The template of the route that answers (`/v1/rooms/:id`), never the path itself: paths are without bound. */
const routeOf = (c: Context): string | undefined =>
  matchedRoutes(c).find((route) => route.method !== 'ALL' || !route.path.endsWith('*'))?.path

/** 405 with Allow when the path exists for other methods, 404 otherwise. */
export const methodProblem = (app: Pick<Hono<EdgeEnv>, 'router'>, c: Context): Problem => {
  const allowed = methods.filter((method) =>
    app.router
      .match(method === 'HEAD' ? 'GET' : method, c.req.path)[0]
      .some(([[, route]]) => route.method !== 'ALL'),
  )
  // A route that covers many files matched, and has not this one.
  const isMissing = allowed.length === 0 || allowed.includes(c.req.method)
  if (isMissing) return new Problem(404, 'not-found', 'There is nothing at this path')
  const allow = allowed.join(', ')
  return new Problem(405, 'method-not-allowed', `Allowed here: ${allow}`, { headers: { allow } })
}

/** What every answer has. */
export const securityHeaders = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
} as const

const setSecurityHeaders = (headers: Headers): void => {
  for (const [name, value] of Object.entries(securityHeaders))
    if (name !== 'content-security-policy' || !headers.has(name)) headers.set(name, value)
  if (!headers.has('cache-control')) headers.set('cache-control', 'no-store')
}

/** Begins to measure and span a request; the answer is told what to call it when it ends. */
export const measureRequests = ({ tracer, meter }: ApiOptions['telemetry']) => {
  const duration = meter.createHistogram('http.server.request.duration', {
    unit: 's',
    description: 'Duration of HTTP server requests',
  })
  return (method: string, traceparent: string | undefined) => {
    const started = performance.now()
    const parent = contextOf(traceparent)
    const span = tracer.startSpan(method, { kind: SpanKind.SERVER }, parent)
    return {
      ...{ span, parent },
      /** @param route its template */
      end: (status: number, route: string): void => {
        const attributes = {
          'http.request.method': method,
          'http.response.status_code': status,
          'http.route': route,
        }
        if (span.isRecording()) {
          span.updateName(`${method} ${route}`)
          span.setAttributes(attributes)
          if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
        }
        span.end()
        duration.record((performance.now() - started) / 1000, attributes)
      },
    }
  }
}

/** A path with its ids left out: `/v1/tracks/:id/cover`. */
const shapeOf = (path: string): string =>
  path.replaceAll(/(?<=\/)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?=\/|$)/g, ':id')

/** Spans and measures every request, limits its body and sets the headers that every response has. */
export const edge = ({
  telemetry,
  bodyLimit = 64 * 1024,
  bodyLimits = {},
  streamedBodies = [],
  trustedProxies = 0,
}: ApiOptions): MiddlewareHandler<EdgeEnv> => {
  const isStreamed = (path: string): boolean =>
    streamedBodies.some((streamed) => path === streamed || path.startsWith(`${streamed}/`))
  const measure = measureRequests(telemetry)
  return async (c, next) => {
    // An API that is part of another one: the request has been through that one's edge.
    if (c.var.traceId !== undefined) {
      await next()
      return
    }
    const method = methods.includes(c.req.method) ? c.req.method : '_OTHER'
    const { span, parent, end } = measure(method, c.req.header('traceparent'))
    c.set('traceId', span.spanContext().traceId)
    c.set('clientAddress', clientAddress(c, trustedProxies))
    await context.with(trace.setSpan(parent, span), async () => {
      const limit = bodyLimits[`${method} ${shapeOf(c.req.path)}`] ?? bodyLimit
      const problem = isStreamed(c.req.path) ? undefined : await bodyProblem(c, limit)
      if (problem === undefined) await next()
      else c.res = renderProblem(c, problem, c.var.traceId)
    })

    setSecurityHeaders(c.res.headers)
    end(c.res.status, routeOf(c) ?? 'unmatched')
  }
}
