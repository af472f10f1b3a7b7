import { type AuthStore } from '@veza/auth/store'
import { type topics } from '@veza/contracts'
import { done, type Handle, skip } from '@veza/kit/worker'

/** Forgets in auth whom users has forgotten. */
export const erase =
  (store: Pick<AuthStore, 'erase'>, worker: string): Handle<typeof topics.usersEvents> =>
  async (message) => {
    if (message.type !== 'UserErased') return skip('not about erasure')
    await store.erase(message.value.userId, { actor: worker, causation: message.id })
    return done
  }
