import { type Caller, type Kind } from './http-load.ts'
import { send, statusOf } from './requests.ts'

/** Their token. */
export const as = ({ person: { token } }: Caller) => ({ token })

/** Who calls: Person 0 to Person 99. */
export const people = 100

/** Profiles, searches and refreshes, as a client's day has them. */
export const peopleMix: readonly Kind[] = [
  {
    name: 'GET /v1/users/me',
    share: 40,
    run: (http, caller) => statusOf(send(http, 'GET', '/v1/users/me', as(caller))),
  },
  {
    name: 'GET /v1/users/:id',
    share: 30,
    run: (http, caller, other) => statusOf(send(http, 'GET', `/v1/users/${other.person.id}`, as(caller))),
  },
  {
    name: 'PATCH /v1/users/me',
    share: 10,
    run: (http, caller, _, n) =>
      statusOf(send(http, 'PATCH', '/v1/users/me', { ...as(caller), body: { bio: `bio ${n}` } })),
  },
  {
    name: 'GET /v1/users?q=',
    share: 10,
    run: (http, caller, _, n) => statusOf(send(http, 'GET', `/v1/users?q=person ${n % people}`, as(caller))),
  },
  {
    name: 'POST /v1/auth/refresh',
    share: 10,
    async run(http, caller) {
      caller.isRefreshing = true
      try {
        const body = { refreshToken: caller.person.refreshToken }
        const answer = await send(http, 'POST', '/v1/auth/refresh', { body })
        if (answer.status !== 200) return answer.status
        const { accessToken: token, refreshToken } = JSON.parse(answer.body) as Record<
          'accessToken' | 'refreshToken',
          string
        >
        caller.person = { ...caller.person, token, refreshToken }
        return 200
      } finally {
        caller.isRefreshing = false
      }
    },
  },
]
