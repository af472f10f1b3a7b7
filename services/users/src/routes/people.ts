import {
  type Api,
  countField,
  createRoute,
  cursor,
  jsonResponse,
  nextCursor,
  parsedField,
  problemResponses,
  uuid,
  z,
  type CallerMiddleware,
  idempotencyHeader,
} from '@veza/kit/http'
import { type Caller } from '../commands/deps.ts'
import { type Relation } from '../commands/relate.ts'
import { type Pair, sideOf } from '../domain/pair.ts'
import { searchForm } from '../domain/fields.ts'
import { type Listed, type Page, type Place } from '../queries/lists.ts'
import { type Found, type SearchPlace } from '../queries/search.ts'
import { type Summary } from '../queries/summaries.ts'
import { type Relationship, type UserView } from '../queries/user.ts'
import { answer } from './answer.ts'
import { callerOf } from './caller.ts'
import { foundPage, listedPage, relationshipChanged, summaryOf, user } from './schemas.ts'

/** What the routes call. */
export interface PeopleHandlers {
  readUser(
    userId: string,
    viewerId: string,
  ): Promise<{ user: UserView; relationship: Relationship | undefined }>
  readUsers(userIds: readonly string[], viewerId: string): Promise<Summary[]>
  searchUsers(
    text: string,
    viewerId: string,
    page: { after: SearchPlace | undefined; limit: number },
  ): Promise<Found[]>
  relate(caller: Caller, otherId: string, relation: Relation): Promise<{ state: Pair }>
  listFollowers(userId: string, viewerId: string, page: Page): Promise<Listed[]>
  listFollowing(userId: string, viewerId: string, page: Page): Promise<Listed[]>
  listRequests(userId: string, page: Page): Promise<Listed[]>
  listBlocked(userId: string, page: Page): Promise<Listed[]>
}

const idPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** A place in a list of people: milliseconds since the epoch, and an id. */
const placeCursor = (kind: string) =>
  cursor<Place>(
    kind,
    ({ since, userId }) => `${since.getTime()}.${userId}`,
    (text) => {
      const [, time = '', userId = ''] = /^(\d{1,15})\.(.*)$/.exec(text) ?? []
      const since = new Date(Number(time))
      return time !== '' && !Number.isNaN(since.getTime()) && idPattern.test(userId)
        ? { since, userId }
        : undefined
    },
  )

const cursors = {
  followers: placeCursor('fr'),
  following: placeCursor('fg'),
  requests: placeCursor('rq'),
  blocked: placeCursor('bl'),
  search: cursor<SearchPlace>(
    'se',
    ({ score, userId }) => `${score}.${userId}`,
    (text) => {
      const [, score = '', userId = ''] = /^(\d{1,6})\.(.*)$/.exec(text) ?? []
      return score !== '' && idPattern.test(userId) ? { score: Number(score), userId } : undefined
    },
  ),
}

const limit = countField(1, 100, 50)
const mostIds = 100
const userIds = parsedField(
  mostIds * 37,
  (text) => {
    const ids = new Set(text.split(','))
    return ids.size <= mostIds && [...ids].every((id) => idPattern.test(id)) ? [...ids] : undefined
  },
  `1 to ${mostIds} ids with commas between`,
)
const byId = z.object({ userId: uuid })

const listedJson = (people: readonly Listed[]) =>
  people.map((person) => ({ ...summaryOf(person), since: person.since.toISOString() }))

/** Mounts what people see of and have with each other. */
export const mountPeople = (app: Api, middleware: CallerMiddleware, handlers: PeopleHandlers): void => {
  const common = { tags: ['users'], security: [{ bearer: [] }], middleware }

  /** A list of people with `next`. */
  const list = (
    o: { path: string; summary: string; cursor: typeof cursors.followers; own: boolean },
    read: (userId: string, viewerId: string, page: Page) => Promise<Listed[]>,
  ): void => {
    app.openapi(
      createRoute({
        ...common,
        method: 'get',
        path: o.path,
        summary: o.summary,
        request: {
          ...(o.own ? {} : { params: byId }),
          query: z.object({ cursor: o.cursor.field.optional(), limit }),
        },
        responses: {
          200: jsonResponse('A page, the youngest first', listedPage),
          ...problemResponses(400, 401, 403, 404, 503),
        },
      }),
      async (c) => {
        const { cursor: after, limit } = c.req.valid('query')
        const viewerId = c.var.identity.userId
        const userId = o.own ? viewerId : c.req.param('userId')
        const people = await answer(read(userId ?? viewerId, viewerId, { after, limit }))
        return c.json({ users: listedJson(people), next: nextCursor(people, limit, o.cursor.write) }, 200)
      },
    )
  }

  list(
    {
      path: '/v1/users/me/follow-requests',
      summary: 'Who would like to follow you',
      cursor: cursors.requests,
      own: true,
    },
    (userId, _, page) => handlers.listRequests(userId, page),
  )
  list(
    { path: '/v1/users/me/blocks', summary: 'Whom you block', cursor: cursors.blocked, own: true },
    (userId, _, page) => handlers.listBlocked(userId, page),
  )
  list(
    {
      path: '/v1/users/{userId}/followers',
      summary: 'Who follows a person',
      cursor: cursors.followers,
      own: false,
    },
    (userId, viewerId, page) => handlers.listFollowers(userId, viewerId, page),
  )
  list(
    {
      path: '/v1/users/{userId}/following',
      summary: 'Whom a person follows',
      cursor: cursors.following,
      own: false,
    },
    (userId, viewerId, page) => handlers.listFollowing(userId, viewerId, page),
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'get',
      path: '/v1/users',
      summary: 'Search people by name or handle, or see many by their ids',
      description:
        'By q: those that fit best first; small slips of spelling are forgiven. Whoever does not want to be found is not ' +
        'in it. By ids: in their order, all on one page; whoever is not there (any more) is not in it. Nor is, in either, ' +
        'whom you block or who blocks you.',
      request: {
        query: z
          .object({
            q: parsedField(
              200,
              (text) => (searchForm(text).length >= 2 && !text.includes('\0') ? text : undefined),
              'At least 2 characters of a name',
            ).optional(),
            ids: userIds.optional(),
            cursor: cursors.search.field.optional(),
            limit,
          })
          .refine(({ q, ids }) => (q === undefined) !== (ids === undefined), {
            message: 'Either q or ids',
            path: ['q'],
          }),
      },
      responses: { 200: jsonResponse('A page of people', foundPage), ...problemResponses(400, 401, 503) },
    }),
    async (c) => {
      const { q = '', ids, cursor: after, limit } = c.req.valid('query')
      const viewerId = c.var.identity.userId
      if (ids !== undefined) {
        const people = await answer(handlers.readUsers(ids, viewerId))
        return c.json({ users: people.map(summaryOf), next: null }, 200)
      }
      const people = await answer(handlers.searchUsers(q, viewerId, { after, limit }))
      const users = people.map(summaryOf)
      return c.json({ users, next: nextCursor(people, limit, cursors.search.write) }, 200)
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'get',
      path: '/v1/users/{userId}',
      summary: 'A person',
      description: 'Whoever blocks you, or is blocked by you, is not to be found.',
      request: { params: byId },
      responses: { 200: jsonResponse('The person', user), ...problemResponses(400, 401, 404, 503) },
    }),
    async (c) => {
      const found = await answer(handlers.readUser(c.req.valid('param').userId, c.var.identity.userId))
      const { bio, location, links, approveFollowers, followers, following, createdAt } = found.user
      return c.json(
        {
          ...summaryOf(found.user),
          ...{ bio, location, links: [...links], approveFollowers, followers, following },
          createdAt: (createdAt ?? new Date(0)).toISOString(),
          relationship: found.relationship ?? null,
        },
        200,
      )
    },
  )

  /** A change of what is between the caller and a person: done again it changes nothing. */
  const change = (o: {
    method: 'put' | 'delete'
    path: string
    summary: string
    description?: string
    relation: Relation
  }): void => {
    const { relation, ...route } = o
    app.openapi(
      createRoute({
        ...common,
        ...route,
        request: { headers: idempotencyHeader, params: byId },
        responses: {
          200: jsonResponse('What is between you two from now on', relationshipChanged),
          ...problemResponses(400, 401, 404, 409, 410, 503),
        },
      }),
      async (c) => {
        const { userId } = c.req.valid('param')
        const caller = callerOf(c)
        const { state } = await answer(handlers.relate(caller, userId, relation))
        const mine = sideOf(state, caller.userId)
        const followedBy = sideOf(state, userId).follow
        return c.json({ userId, following: mine.follow, followedBy, blocking: mine.blocks }, 200)
      },
    )
  }

  change({
    method: 'put',
    path: '/v1/users/{userId}/follow',
    summary: 'Follow a person, or ask to',
    description:
      'Whoever accepts followers one by one is asked: `following` is `requested` until they answer.',
    relation: 'follow',
  })
  change({
    method: 'delete',
    path: '/v1/users/{userId}/follow',
    summary: 'Follow a person no more, or take the request back',
    relation: 'unfollow',
  })
  change({
    method: 'put',
    path: '/v1/users/me/followers/{userId}',
    summary: 'Accept that a person follows you',
    relation: 'accept',
  })
  change({
    method: 'delete',
    path: '/v1/users/me/followers/{userId}',
    summary: 'Decline a request to follow you, or end that a person does',
    relation: 'remove-follower',
  })
  change({
    method: 'put',
    path: '/v1/users/{userId}/block',
    summary: 'Block a person',
    description: 'Neither of you follows, finds or sees the other from now on. They are not told.',
    relation: 'block',
  })
  change({
    method: 'delete',
    path: '/v1/users/{userId}/block',
    summary: 'Take a block back',
    description: 'What it ended does not come back by itself.',
    relation: 'unblock',
  })
}
