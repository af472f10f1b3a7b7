/** What went wrong with a request, by the API's stable code (RFC 9457), or `unreachable` when no answer came. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem'
  readonly code: string
  /** HTTP status; 0 when no answer came. */
  readonly status: number
  /** Milliseconds that the API asks to wait before the next try. */
  readonly retryAfterMs: number | undefined

  constructor(code: string, status: number, detail: string, retryAfterMs?: number, cause?: unknown) {
    super(detail, { cause })
    this.code = code
    this.status = status
    this.retryAfterMs = retryAfterMs
  }

  /** Whether the same request may go well in a moment. */
  get passing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null

/** The problem that an answer tells of, whatever its body turns out to be. */
export const problemOf = (response: Response, body: unknown): ApiProblem => {
  const { code, detail, title } = isRecord(body) ? body : {}
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  return new ApiProblem(
    typeof code === 'string' ? code : response.status >= 500 ? 'unavailable' : 'internal',
    response.status,
    typeof detail === 'string' ? detail : typeof title === 'string' ? title : '',
    Number.isFinite(seconds) ? seconds * 1000 : undefined,
  )
}

/** Any failure as a problem. */
export const asProblem = (error: unknown): ApiProblem =>
  error instanceof ApiProblem
    ? error
    : new ApiProblem('internal', 0, error instanceof Error ? error.message : '', undefined, error)

/** What fetch throws when no answer came. */
export const unreachable = (cause: unknown): ApiProblem =>
  new ApiProblem('unreachable', 0, 'no answer', undefined, cause)
