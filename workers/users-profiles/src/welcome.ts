import { type topics } from '@veza/contracts'
import { done, type Handle, skip } from '@veza/kit/worker'
import { type createProfile } from '@veza/users/store'
import { type AskName } from './auth-api.ts'

/** A profile for whoever signed up. Where they were faster themselves, there is one already. */
export const welcome =
  (deps: {
    createProfile: ReturnType<typeof createProfile>
    askName: AskName
  }): Handle<typeof topics.authEvents> =>
  async (message) => {
    if (message.type !== 'UserRegistered') return skip('no registration')
    const { userId, sealedName } = message.value
    const displayName = sealedName === null ? message.value.displayName : await deps.askName(userId)
    if (displayName === undefined) return skip('they are erased')
    const { id, traceparent } = message
    const isNew = await deps.createProfile(
      { userId, displayName },
      { actor: 'users-profiles', causation: id, traceparent },
    )
    return isNew ? done : skip('there is a profile, or they are erased')
  }
