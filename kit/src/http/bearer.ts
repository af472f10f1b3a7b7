import { type MiddlewareHandler } from 'hono'
import { createMiddleware } from 'hono/factory'
import { type Identity, type TokenVerifier, InvalidToken } from '../tokens/index.ts'
import { Problem } from './problem.ts'

/** What bearer gives to the handlers behind it: `c.var.identity`. */
export interface BearerEnv {
  Variables: { identity: Identity }
}

const unauthorized = (code: string, detail: string, challenge: string): Problem =>
  new Problem(401, code, detail, { headers: { 'www-authenticate': challenge } })

/**
 * Lets a request pass that carries a valid access token (`Authorization: Bearer …`, RFC 6750). Otherwise 401 with
 * code `token-missing`, `token-expired` or `token-invalid`.
 */
export const bearer = (verifier: TokenVerifier): MiddlewareHandler<BearerEnv> =>
  createMiddleware<BearerEnv>(async (c, next) => {
    const [, token] = /^Bearer +([\w.~+/-]+=*)$/i.exec(c.req.header('authorization') ?? '') ?? []
    if (token === undefined) throw unauthorized('token-missing', 'An access token is needed', 'Bearer')
    try {
      c.set('identity', await verifier.verify(token))
    } catch (error) {
      if (!(error instanceof InvalidToken)) throw error
      throw unauthorized(
        error.code === 'expired' ? 'token-expired' : 'token-invalid',
        error.message,
        'Bearer error="invalid_token"',
      )
    }
    await next()
  })

/** Lets pass whoever's access token has the scope; behind bearer. Otherwise 403 with code `scope-missing` (RFC 6750). */
export const requireScope = (scope: string): MiddlewareHandler<BearerEnv> =>
  createMiddleware<BearerEnv>(async (c, next) => {
    if (!c.var.identity.scopes.includes(scope))
      throw new Problem(403, 'scope-missing', `The access token lacks the scope ${scope}`, {
        headers: { 'www-authenticate': `Bearer error="insufficient_scope", scope="${scope}"` },
      })
    await next()
  })
