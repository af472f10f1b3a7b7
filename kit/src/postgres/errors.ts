const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
])

// PostgreSQL's appendix A: class 08 connection exceptions, 53300 too many connections, 57P01 to 57P03 shutting down,
// crashed, starting up; 25P03 is the server's end of a connection that idled in a transaction.
const isServerCode = (code: string): boolean =>
  /^08\w{3}$/.test(code) || ['53300', '57P01', '57P02', '57P03', '25P03'].includes(code)

// pg has no codes for these.
const messages = [
  'timeout exceeded when trying to connect',
  'Connection terminated',
  'Client has encountered a connection error and is not queryable',
  'Query read timeout',
]

const codeOf = (error: Error): string | undefined =>
  'code' in error && typeof error.code === 'string' ? error.code : undefined

/**
 * Is the database away (refused, reset, restarting, out of connections, pool exhausted), so that trying again later may
 * help? Looks into causes too.
 */
export const isUnavailable = (error: unknown): boolean => {
  if (!(error instanceof Error)) return false
  const code = codeOf(error)
  return (
    (code !== undefined && (networkCodes.has(code) || isServerCode(code))) ||
    messages.some((message) => error.message.startsWith(message)) ||
    isUnavailable(error.cause)
  )
}

/** Does the error say that a row with this key exists (23505)? Of any constraint, unless one is named. */
export const isUniqueViolation = (error: unknown, constraint?: string): boolean =>
  error instanceof Error &&
  codeOf(error) === '23505' &&
  (constraint === undefined || ('constraint' in error && error.constraint === constraint))

/**
 * Did two transactions get into each other's way (40001 serialization failure, 40P01 deadlock)? Nothing is wrong with
 * either: the one that got the error is begun again.
 */
export const isCollision = (error: unknown): boolean =>
  error instanceof Error && ['40001', '40P01'].includes(codeOf(error) ?? '')
