import { type Context } from 'hono'
import { type ContentfulStatusCode } from 'hono/utils/http-status'
import { STATUS_CODES } from 'node:http'

/** What a problem may carry besides its code. */
export interface ProblemOptions extends ErrorOptions {
  /** Further members of the document, such as `errors`. */
  readonly extra?: Readonly<Record<string, unknown>>
  /** Headers of the response, such as Retry-After. */
  readonly headers?: Readonly<Record<string, string>>
}

/** An answer that refuses a request, as RFC 9457 has it. Thrown by handlers, rendered at the edge. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly status: ContentfulStatusCode
  readonly code: string
  readonly detail: string | undefined
  readonly extra: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, string>>

  /**
   * @param code stable, kebab-case: what clients switch on
   * @param detail one sentence for people; may change
   */
  constructor(
    status: ContentfulStatusCode,
    code: string,
    detail?: string,
    { extra = {}, headers = {}, ...options }: ProblemOptions = {},
  ) {
    super(detail ?? code, options)
    this.status = status
    this.code = code
    this.detail = detail
    this.extra = extra
    this.headers = headers
  }
}

/** The document of a problem. `instance` names the request's trace, for people who report it. */
export const problemDocument = (problem: Problem, traceId?: string): Readonly<Record<string, unknown>> => ({
  ...problem.extra,
  type: `urn:veza:problem:${problem.code}`,
  title: STATUS_CODES[problem.status],
  status: problem.status,
  code: problem.code,
  ...(problem.detail === undefined ? {} : { detail: problem.detail }),
  ...(traceId === undefined ? {} : { instance: `urn:veza:trace:${traceId}` }),
})

/** Renders a problem as application/problem+json. */
export const renderProblem = (c: Context, problem: Problem, traceId?: string): Response =>
  c.body(JSON.stringify(problemDocument(problem, traceId)), problem.status, {
    ...problem.headers,
    'content-type': 'application/problem+json',
  })

/** Hono's notFound as a problem. */
export const notFound = (c: Context): Response =>
  renderProblem(c, new Problem(404, 'not-found', 'There is nothing at this path'))
