import { createHash, timingSafeEqual } from 'node:crypto'
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
