import { type Signal, signal } from '@preact/signals'
import { api, ask, type Schemas } from '../api/client.ts'
import { words } from '../i18n/index.ts'
import { Avatar } from '../ui/pictures.tsx'
import { gathering } from './gather.ts'

/** `gone`: erased, or one of the two blocks the other. */
type Known = Pick<Schemas['UserSummary'], 'displayName' | 'handle' | 'avatar'> | 'gone' | undefined

const known = new Map<string, Signal<Known>>()

/** Most that one request may ask for. */
const mostIds = 100

const ofPerson = gathering(mostIds, async (ids) => {
  const query = { ids: ids.join(',') }
  const { users } = await ask(api.GET('/v1/users', { params: { query } }))
  return new Map(users.map((user) => [user.id, user]))
})

/** Somebody, asked for once a visit and shown as soon as the answer is there. */
export const person = (id: string): Signal<Known> => {
  const found = known.get(id)
  if (found !== undefined) return found
  const fresh = signal<Known>(undefined)
  known.set(id, fresh)
  const notThere = () => {
    // A profile is there a moment after its account; whoever is shown again is asked for again.
    known.delete(id)
    fresh.value = 'gone'
  }
  ofPerson(id).then((user) => {
    if (user === undefined) notThere()
    else fresh.value = user
  }, notThere)
  return fresh
}

/** What the page knows of somebody already, such as of oneself. */
export const learnPerson = (id: string, user: Exclude<Known, 'gone' | undefined>): void => {
  const found = known.get(id)
  if (found === undefined) known.set(id, signal<Known>(user))
  else found.value = user
}

export const nameOf = (id: string): string => {
  const user = person(id).value
  return user === undefined ? '…' : user === 'gone' ? words.value.chat.somebody : user.displayName
}

export const PersonName = ({ id }: { id: string }) => <>{nameOf(id)}</>

export const PersonAvatar = ({ id }: { id: string }) => {
  const user = person(id).value
  const url = user === undefined || user === 'gone' ? undefined : user.avatar?.['64']
  return <Avatar id={id} name={nameOf(id)} url={url} />
}
