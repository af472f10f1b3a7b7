import { OpenAPIHono } from '@hono/zod-openapi'
import { edge, methodProblem } from './edge.ts'
import { toProblem, validationHook } from './errors.ts'
import { renderProblem } from './problem.ts'
import { type ApiOptions, type EdgeEnv } from './types.ts'

/** A Hono app whose routes are described by zod-openapi. */
export type Api = OpenAPIHono<EdgeEnv>

/**
 * An app whose every failure is application/problem+json with a stable `code`: `malformed-json` and `invalid-request`
 * (400, with `errors: [{path, message}]`), `not-found`, `method-not-allowed` (with Allow), `body-too-large`,
 * `unsupported-media-type`, `unavailable` (503 with Retry-After, when the database or the keys cannot be reached),
 * `internal` (500, logged and not shown), and whatever Problem a handler throws. It sets security headers, measures
 * http.server.request.duration by route template, and spans every request.
 */
export const createApi = (options: ApiOptions): Api => {
  const app: Api = new OpenAPIHono<EdgeEnv>({ defaultHook: validationHook })
  app.use(edge(options))
  app.notFound((c) => renderProblem(c, methodProblem(app, c), c.var.traceId))
  app.onError((error, c) => {
    const problem = toProblem(error)
    if (problem.status >= 500)
      options.log[problem.status === 503 ? 'warn' : 'error'](
        // A refusal says by its code all there is to it, and a crowd is refused often: writing a stack takes a millisecond.
        { err: problem === error ? problem.cause : error, code: problem.code },
        'request failed',
      )
    return renderProblem(c, problem, c.var.traceId)
  })
  app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
  })
  return app
}

/**
 * Several APIs as one: one listener, one OpenAPI document. Each keeps its routes; middleware that an API adds with
 * `use('*')` would run for the others too, so attach it to routes.
 */
export const combine = (options: ApiOptions, apis: readonly Api[]): Api => {
  const root = createApi(options)
  for (const api of apis) root.route('/', api)
  return root
}
