import {
  type Api,
  createRoute,
  jsonBody,
  jsonResponse,
  problemResponses,
  requireScope,
  z,
  idempotencyHeader,
} from '@veza/kit/http'
import { type VersionedRoles } from '../commands/change-roles.ts'
import { type SignedInCaller } from '../commands/deps.ts'
import { type Role } from '../domain/account.ts'
import { answer } from './answer.ts'
import { signedInCallerOf } from './caller.ts'
import { id, role, version } from './fields.ts'
import { type OnceMiddleware, type SignedInMiddleware } from './signed-in.ts'

/** What the routes call. */
export interface RoleHandlers {
  readRoles(userId: string): Promise<VersionedRoles>
  changeRoles(
    input: { userId: string; roles: readonly Role[]; version: number },
    caller: SignedInCaller,
  ): Promise<VersionedRoles>
}

const versionedRoles = z.object({ roles: z.array(role).max(10), version }).openapi('Roles')

/** Mounts the roles of accounts, for administrators. */
export const mountRoles = (app: Api, middleware: OnceMiddleware, handlers: RoleHandlers): void => {
  const [token, session, once] = middleware
  // Before the answers that were given: whoever has lost the scope gets none of them.
  const guarded: [...SignedInMiddleware, ReturnType<typeof requireScope>, typeof once] = [
    token,
    session,
    requireScope('roles:write'),
    once,
  ]
  const common = { tags: ['administration'], security: [{ bearer: [] }], middleware: guarded }
  const toJson = ({ roles, version: at }: VersionedRoles) => ({ roles: [...roles], version: at })

  app.openapi(
    createRoute({
      ...common,
      method: 'get',
      path: '/v1/auth/accounts/{id}/roles',
      summary: "An account's roles",
      request: { params: z.object({ id }) },
      responses: {
        200: jsonResponse('The roles', versionedRoles),
        ...problemResponses(400, 401, 403, 404, 503),
      },
    }),
    async (c) => c.json(toJson(await answer(handlers.readRoles(c.req.valid('param').id))), 200),
  )
  app.openapi(
    createRoute({
      ...common,
      method: 'put',
      path: '/v1/auth/accounts/{id}/roles',
      summary: 'Give an account these roles and no other',
      description:
        'version is the one that the roles were read at: when the account was changed meanwhile, the answer is 409 ' +
        'with currentVersion. Access tokens that were issued before carry the former roles for up to 10 minutes.',
      request: { headers: idempotencyHeader, params: z.object({ id }), body: jsonBody(versionedRoles) },
      responses: {
        200: jsonResponse('The roles from now on', versionedRoles),
        ...problemResponses(400, 401, 403, 404, 409, 503),
      },
    }),
    async (c) => {
      const input = { userId: c.req.valid('param').id, ...c.req.valid('json') }
      return c.json(toJson(await answer(handlers.changeRoles(input, signedInCallerOf(c)))), 200)
    },
  )
}
