import { type Api, createRoute, jsonBody, jsonResponse, problemResponses, z } from '@veza/kit/http'
import { type Caller, type SignedInCaller } from '../commands/deps.ts'
import { type OwnAccount } from '../queries/account.ts'
import { answer } from './answer.ts'
import { callerOf, signedInCallerOf } from './caller.ts'
import { givenEmail, givenPassword, id, letterToken, newPassword, role } from './fields.ts'
import { type SignedInMiddleware } from './signed-in.ts'

/** What the routes call. */
export interface AccountHandlers {
  readAccount(userId: string): Promise<OwnAccount>
  verifyEmail(token: string, caller: Caller): Promise<void>
  requestVerification(caller: SignedInCaller): Promise<void>
  forgotPassword(email: string, caller: Caller): Promise<void>
  resetPassword(input: { token: string; password: string }, caller: Caller): Promise<void>
  changePassword(
    input: { currentPassword: string; newPassword: string },
    caller: SignedInCaller,
  ): Promise<void>
}

const account = z
  .object({
    id,
    email: z.string(),
    emailVerified: z.boolean(),
    displayName: z.string(),
    roles: z.array(role),
    hasPassword: z.boolean().openapi({ description: 'false: signs in with an outside provider only' }),
  })
  .openapi('Account')

const common = { tags: ['account'] }
const security = [{ bearer: [] }]

/** Mounts what a person does to their own account: the address, the password. */
export const mountAccount = (app: Api, middleware: SignedInMiddleware, handlers: AccountHandlers): void => {
  app.openapi(
    createRoute({
      ...common,
      ...{ security, middleware },
      method: 'get',
      path: '/v1/auth/account',
      summary: 'Your account',
      responses: { 200: jsonResponse('The account', account), ...problemResponses(401, 503) },
    }),
    async (c) => {
      const { roles, ...own } = await answer(handlers.readAccount(c.var.identity.userId))
      return c.json({ ...own, roles: [...roles] }, 200)
    },
  )
  app.openapi(
    createRoute({
      ...common,
      method: 'post',
      path: '/v1/auth/email/verify',
      summary: 'Prove that you read mail at the address of your account',
      request: { body: jsonBody(z.object({ token: letterToken }).openapi('EmailVerification')) },
      responses: { 204: { description: 'The address is verified' }, ...problemResponses(400, 429, 503) },
    }),
    async (c) => {
      await answer(handlers.verifyEmail(c.req.valid('json').token, callerOf(c)))
      return c.body(null, 204)
    },
  )
  app.openapi(
    createRoute({
      ...common,
      ...{ security, middleware },
      method: 'post',
      path: '/v1/auth/email/verify/request',
      summary: 'Have the letter that verifies your address sent once more',
      responses: { 202: { description: 'It is on its way' }, ...problemResponses(401, 429, 503) },
    }),
    async (c) => {
      await answer(handlers.requestVerification(signedInCallerOf(c)))
      return c.body(null, 202)
    },
  )
  app.openapi(
    createRoute({
      ...common,
      method: 'post',
      path: '/v1/auth/password/forgot',
      summary: 'Have a letter sent by which a new password is chosen',
      description: 'Answers the same whether anybody has an account with the address or not.',
      request: { body: jsonBody(z.object({ email: givenEmail }).openapi('ForgottenPassword')) },
      responses: {
        202: { description: 'If there is such an account, a letter is on its way' },
        ...problemResponses(400, 429, 503),
      },
    }),
    async (c) => {
      await answer(handlers.forgotPassword(c.req.valid('json').email, callerOf(c)))
      return c.body(null, 202)
    },
  )
  app.openapi(
    createRoute({
      ...common,
      method: 'post',
      path: '/v1/auth/password/reset',
      summary: 'Choose a new password by the token of a letter',
      description: 'Ends every session of the account. The address is verified by it as well.',
      request: {
        body: jsonBody(z.object({ token: letterToken, password: newPassword }).openapi('PasswordReset')),
      },
      responses: { 204: { description: 'The password is changed' }, ...problemResponses(400, 429, 503) },
    }),
    async (c) => {
      await answer(handlers.resetPassword(c.req.valid('json'), callerOf(c)))
      return c.body(null, 204)
    },
  )
  app.openapi(
    createRoute({
      ...common,
      ...{ security, middleware },
      method: 'post',
      path: '/v1/auth/password/change',
      summary: 'Change your password',
      description: 'Ends every session of the account but this one.',
      request: {
        body: jsonBody(z.object({ currentPassword: givenPassword, newPassword }).openapi('PasswordChange')),
      },
      responses: { 204: { description: 'The password is changed' }, ...problemResponses(400, 401, 429, 503) },
    }),
    async (c) => {
      await answer(handlers.changePassword(c.req.valid('json'), signedInCallerOf(c)))
      return c.body(null, 204)
    },
  )
}
