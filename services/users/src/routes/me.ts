import {
  type Api,
  createRoute,
  jsonBody,
  jsonResponse,
  problemResponses,
  z,
  type CallerMiddleware,
  idempotencyHeader,
} from '@veza/kit/http'
import { type Caller } from '../commands/deps.ts'
import { type ChangedUser } from '../commands/on-user.ts'
import { type ProfileChanges } from '../commands/update-profile.ts'
import { type Changes, type Settings } from '../domain/user.ts'
import { type Me } from '../queries/me.ts'
import { answer } from './answer.ts'
import { callerOf, etagOf, expectedVersionOf } from './caller.ts'
import { avatarOf, me, profileChanges, settings, settingsChanges } from './schemas.ts'

/** What the routes call. */
export interface MeHandlers {
  /** The caller, who gets a profile by that if they have none yet. */
  readMe(caller: Caller): Promise<Me>
  readCounts(userId: string): Promise<{ followers: number; following: number }>
  updateProfile(
    caller: Caller,
    changes: ProfileChanges,
    expectedVersion: number | undefined,
  ): Promise<ChangedUser>
  changeSettings(
    caller: Caller,
    settings: Changes<Settings>,
    expectedVersion: number | undefined,
  ): Promise<ChangedUser>
  requestErasure(caller: Caller): Promise<ChangedUser>
  cancelErasure(caller: Caller): Promise<ChangedUser>
}

const meJson = (found: Omit<Me, 'settings'>): z.input<typeof me> => ({
  id: found.userId,
  ...found.profile,
  links: [...found.profile.links],
  avatar: avatarOf(found.userId, found.avatarId),
  private: found.privateProfile,
  privacy: found.privacy,
  followers: found.followers,
  following: found.following,
  erasureDueAt: found.erasureDueAt?.toISOString() ?? null,
  createdAt: (found.createdAt ?? new Date(0)).toISOString(),
  version: found.version,
})

const erasure = z
  .object({
    state: z.enum(['pending', 'erased']),
    dueAt: z.iso
      .datetime()
      .nullable()
      .openapi({ description: 'Until then it can be taken back; null: it is done' }),
  })
  .openapi('Erasure')

const versioned =
  'Send the ETag of what you saw as If-Match, and a change of somebody else in between is not overwritten: 409 ' +
  '`version-conflict` with `currentVersion`.'

/** Mounts what people do with their own profile. */
export const mountMe = (app: Api, middleware: CallerMiddleware, handlers: MeHandlers): void => {
  const common = { tags: ['users'], security: [{ bearer: [] }], middleware }
  const ifMatch = idempotencyHeader.extend({ 'if-match': z.string().max(40).optional() })

  app.openapi(
    createRoute({
      ...common,
      method: 'get',
      path: '/v1/users/me',
      summary: 'Your own profile, all of it',
      description: 'At least as new as your last change. With If-None-Match: 304 while nothing changed.',
      responses: {
        200: jsonResponse('You', me),
        304: { description: 'As the ETag that you have' },
        ...problemResponses(401, 410, 503),
      },
    }),
    async (c) => {
      const found = await answer(handlers.readMe(callerOf(c)))
      // Counts change without the profile's version: they are part of the tag.
      const etag = `"${found.version}.${found.followers}.${found.following}"`
      if (c.req.header('if-none-match') === etag) return c.body(null, 304, { etag })
      return c.json(meJson(found), 200, { etag })
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'patch',
      path: '/v1/users/me',
      summary: 'Change your profile and who sees it',
      description: `What is left out stays. ${versioned}`,
      request: { headers: ifMatch, body: jsonBody(profileChanges) },
      responses: { 200: jsonResponse('You, from now on', me), ...problemResponses(400, 401, 409, 410, 503) },
    }),
    async (c) => {
      const caller = callerOf(c)
      const { private: privateProfile = {}, privacy = {}, ...profile } = c.req.valid('json')
      const changes = { profile, privateProfile, privacy }
      const [{ state, version }, counts] = await Promise.all([
        answer(handlers.updateProfile(caller, changes, expectedVersionOf(c))),
        handlers.readCounts(caller.userId),
      ])
      return c.json(meJson({ userId: caller.userId, ...state, ...counts, version }), 200, {
        etag: etagOf(version),
      })
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'delete',
      path: '/v1/users/me',
      summary: 'Be forgotten',
      description:
        'Deletes the key that your personal data is sealed with, so that no copy of it can be read again, and tells every ' +
        'part of the platform. Needs a session that you signed in to a short time ago (403 `sign-in-again`).',

      responses: {
        202: jsonResponse('It is done, or will be', erasure),
        ...problemResponses(401, 403, 410, 503),
      },
    }),
    async (c) => {
      const { state } = await answer(handlers.requestErasure(callerOf(c)))
      const dueAt = state.status === 'erased' ? null : (state.erasureDueAt?.toISOString() ?? null)
      return c.json({ state: dueAt === null ? 'erased' : 'pending', dueAt } as const, 202)
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'delete',
      path: '/v1/users/me/erasure',
      summary: 'Take back that you want to be forgotten, before it is due',
      request: { headers: idempotencyHeader },
      responses: { 204: { description: 'You stay' }, ...problemResponses(401, 409, 410, 503) },
    }),
    async (c) => {
      await answer(handlers.cancelErasure(callerOf(c)))
      return c.body(null, 204)
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'get',
      path: '/v1/users/me/settings',
      summary: 'Your settings',
      responses: { 200: jsonResponse('Your settings', settings), ...problemResponses(401, 410, 503) },
    }),
    async (c) => {
      const found = await answer(handlers.readMe(callerOf(c)))
      return c.json(found.settings, 200, { etag: etagOf(found.version) })
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'patch',
      path: '/v1/users/me/settings',
      summary: 'Change your settings',
      description: `What is left out stays. ${versioned}`,
      request: { headers: ifMatch, body: jsonBody(settingsChanges) },
      responses: {
        200: jsonResponse('Your settings, from now on', settings),
        ...problemResponses(400, 401, 409, 410, 503),
      },
    }),
    async (c) => {
      const changes = c.req.valid('json')
      const { state, version } = await answer(
        handlers.changeSettings(callerOf(c), changes, expectedVersionOf(c)),
      )
      return c.json(state.settings, 200, { etag: etagOf(version) })
    },
  )
}
