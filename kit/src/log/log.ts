import { isSpanContextValid, trace } from '@opentelemetry/api'
import { type DestinationStream, type Logger, pino } from 'pino'

export { type Logger } from 'pino'

/** The levels that LOG_LEVEL may name, the most silent last. */
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

const censored = '[redacted]'

// Compared in lower case, without dashes and underscores: set-cookie, setCookie and SET_COOKIE are one name.
const secretNames = new Set([
  'authorization',
  'proxyauthorization',
  'token',
  'accesstoken',
  'refreshtoken',
  'servicetoken',
  'password',
  'passwordhash',
  'cookie',
  'setcookie',
  'secret',
  'body',
  'email',
])

const isSecret = (name: string): boolean => secretNames.has(name.toLowerCase().replaceAll(/[-_]/g, ''))

const depthLimit = 8

const redact = (value: unknown, depth: number): unknown => {
  if (Array.isArray(value))
    return depth > depthLimit ? '[deep]' : value.map((item) => redact(item, depth + 1))
  if (typeof value !== 'object' || value === null) return value
  // Errors, dates and other instances are left to their serializers.
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return value
  return depth > depthLimit ? '[deep]' : redactProperties(value, depth)
}

const redactProperties = (properties: object, depth: number): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [
      name,
      isSecret(name) ? censored : redact(value, depth + 1),
    ]),
  )

interface LoggedError {
  type: string
  message: string
  code?: string
  stack?: string
  cause?: LoggedError
}

// Named properties only: errors of the database carry rows ("Key (email)=(…) already exists") in others.
const serializeError = (error: unknown, depth = 0): LoggedError => {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error) }
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {}
  const cause =
    error.cause === undefined || depth >= depthLimit ? {} : { cause: serializeError(error.cause, depth + 1) }
  return {
    type: error.name,
    message: error.message,
    ...code,
    ...(error.stack === undefined ? {} : { stack: error.stack }),
    ...cause,
  }
}

const activeTrace = (): object => {
  const span = trace.getActiveSpan()?.spanContext()
  return span !== undefined && isSpanContextValid(span)
    ? { trace_id: span.traceId, span_id: span.spanId }
    : {}
}

/**
 * A logger that writes one JSON object a line to stdout: level, time (ISO 8601), name, msg, and trace_id and span_id
 * when a span is active. Properties named like a secret (authorization, token, password, cookie, body, email, …) are
 * replaced by "[redacted]" at any depth. Errors belong under `err`.
 *
 * @param name the process's name
 * @param level one of logLevels
 * @param destination stdout unless given
 */
export const createLog = (name: string, level = 'info', destination?: DestinationStream): Logger =>
  pino(
    {
      name,
      level,
      timestamp: pino.stdTimeFunctions.isoTime,
      base: { pid: process.pid },
      mixin: activeTrace,
      serializers: { err: serializeError },
      formatters: {
        level: (label) => ({ level: label }),
        log: (properties) => redactProperties(properties, 0),
      },
    },
    destination ?? pino.destination({ fd: 1, sync: true }),
  )
