import { computed, signal } from '@preact/signals'
import { type components } from './generated/schema.ts'
import { type ApiProblem, problemOf, unreachable } from './problem.ts'

type SignedIn = components['schemas']['SignedIn']
type Registration = components['schemas']['Registration']
type Credentials = components['schemas']['Credentials']

/** Who is signed in, and by what. The access token is held in memory alone (ADR 81). */
export interface Session {
  readonly userId: string
  readonly displayName: string
  readonly email: string
  readonly roles: readonly string[]
  readonly accessToken: string
  /** By this machine's clock, epoch milliseconds. */
  readonly expiresAt: number
}

/** `restoring`: there is a stored session, and it has not been seen yet whether it is still good. */
type State = { readonly status: 'restoring' | 'out' } | { readonly status: 'in'; readonly session: Session }

const storageKey = 'veza.refresh-token'
const stored = (): string | null => localStorage.getItem(storageKey)

const state = signal<State>({ status: stored() === null ? 'out' : 'restoring' })

/** Why nobody is signed in any more, when that was not asked for. */
export const endedBy = signal<string | undefined>(undefined)

export const sessionStatus = computed(() => state.value.status)
export const session = computed(() => (state.value.status === 'in' ? state.value.session : undefined))
/** The id of whoever is signed in, and the empty string when nobody is. */
export const myId = computed(() => session.value?.userId ?? '')

/** What the token says; the page shows by it, the API decides by its own reading. */
const rolesIn = (token: string): string[] => {
  try {
    const payload = token.split('.')[1] ?? ''
    const claims: unknown = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')))
    const { roles } = claims as { roles?: unknown }
    return Array.isArray(roles) ? roles.filter((role) => typeof role === 'string') : []
  } catch {
    return []
  }
}

const post = async (path: string, body: unknown): Promise<Response> => {
  const response = await fetch(`/v1/auth/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  }).catch((error: unknown) => {
    throw unreachable(error)
  })
  if (!response.ok) throw problemOf(response, await response.json().catch(() => undefined))
  return response
}

const adopt = ({ user, accessToken, refreshToken, expiresIn }: SignedIn): Session => {
  localStorage.setItem(storageKey, refreshToken)
  const session = {
    userId: user.id,
    displayName: user.displayName,
    email: user.email,
    roles: rolesIn(accessToken),
    accessToken,
    expiresAt: Date.now() + expiresIn * 1000,
  }
  endedBy.value = undefined
  state.value = { status: 'in', session }
  return session
}

const forget = (reason?: string): void => {
  localStorage.removeItem(storageKey)
  endedBy.value = reason
  state.value = { status: 'out' }
}

/** One tab of this browser at a time: a refresh token is good for one exchange. */
const alone = async <T>(work: () => Promise<T>): Promise<T> =>
  // Locks are for secure contexts, which a page over plain HTTP elsewhere than on this machine is not.
  'locks' in navigator ? navigator.locks.request('veza-session', work) : work()

let exchange: Promise<Session | undefined> | undefined

/** Exchanges the stored refresh token. Undefined: there is none, or it is good no more. Throws ApiProblem otherwise. */
const renew = async (): Promise<Session | undefined> =>
  alone(async () => {
    // Another tab may have exchanged it, or signed out, while this one waited.
    const refreshToken = stored()
    if (refreshToken === null) {
      forget()
      return undefined
    }
    try {
      return adopt((await (await post('refresh', { refreshToken })).json()) as SignedIn)
    } catch (error) {
      const problem = error as ApiProblem
      if (problem.status !== 401 && problem.status !== 400) throw error
      forget('session-ended')
      return undefined
    }
  })

/** Refreshes now, once for all who ask meanwhile. */
export const refresh = (): Promise<Session | undefined> => {
  exchange ??= renew().finally(() => {
    exchange = undefined
  })
  return exchange
}

const early = 30_000

/** An access token that is good for a while yet. Undefined: nobody is signed in. */
export const accessToken = async (): Promise<string | undefined> => {
  const current = session.value
  if (current !== undefined && current.expiresAt - early > Date.now()) return current.accessToken
  if (stored() === null) return undefined
  return (await refresh())?.accessToken
}

export const signUp = async (registration: Registration): Promise<void> => {
  adopt((await (await post('register', registration)).json()) as SignedIn)
}

export const signIn = async (credentials: Credentials): Promise<void> => {
  adopt((await (await post('login', credentials)).json()) as SignedIn)
}

/** Ends the session here at once, and at Veza as soon as it can be told. */
export const signOut = async (): Promise<void> => {
  const refreshToken = stored()
  forget()
  if (refreshToken !== null) await post('logout', { refreshToken }).catch(() => undefined)
}

/** The session was ended elsewhere. */
export const endSession = (): void => {
  forget('session-ended')
}

/** Goes on with the session of an earlier visit, as soon as Veza answers. */
export const restoreSession = async (): Promise<void> => {
  for (let pauseMs = 500; state.value.status === 'restoring'; pauseMs = Math.min(pauseMs * 2, 10_000))
    try {
      await refresh()
    } catch {
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
}

addEventListener('storage', ({ key, newValue }) => {
  if (key !== storageKey) return
  // Signed out in another tab; or signed in there, perhaps as somebody else.
  if (newValue === null) forget()
  else if (state.value.status === 'out') location.reload()
})
