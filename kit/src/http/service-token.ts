import { createHash, timingSafeEqual } from 'node:crypto'
import { type MiddlewareHandler } from 'hono'
import { Problem } from './problem.ts'

const digest = (text: string) => createHash('sha256').update(text).digest()

/**
 * Checks the Authorization header of a call between Veza's own processes. Digests are compared, so neither the time nor
 * the length tells anything of the token.
 *
 * @throws Problem 401 `token-invalid`
 */
export const serviceToken = (token: string): ((authorization: string | undefined) => void) => {
  const expected = digest(`Bearer ${token}`)
  return (authorization) => {
    if (authorization === undefined || !timingSafeEqual(digest(authorization), expected))
      throw new Problem(401, 'token-invalid', 'The service token is needed', {
        headers: { 'www-authenticate': 'Bearer' },
      })
  }
}

/** Lets pass what shows the service token: for the routes of an internal API. Otherwise 401 with code `token-invalid`. */
export const serviceOnly = (token: string): MiddlewareHandler => {
  const check = serviceToken(token)
  return async (c, next) => {
    check(c.req.header('authorization'))
    await next()
  }
}
