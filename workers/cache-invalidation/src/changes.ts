import { type topics } from '@veza/contracts'
import { type Change, tagOf } from '@veza/kit/cache'
import { placeOf } from '@veza/kit/projection'
import { type Message } from '@veza/kit/worker'

/** Where caches learn from that something has changed. */
export type SourceTopic = typeof topics.usersEvents | typeof topics.tracksEvents

/** What begins the name of a context's stream, and the cache that holds what is read from it: one mapper a context. */
const users = [['user-', 'profile']] as const
const tracks = [
  ['track-', 'track'],
  ['playlist-', 'playlist'],
] as const
const mappers = [...users, ...tracks]

/** What an event makes old: an entry has the version of the stream that it was folded from. undefined: nothing is cached of it. */
export const changeOf = (event: Pick<Message<SourceTopic>, 'record'>): Change | undefined => {
  const place = placeOf(event)
  const mapper = mappers.find(([prefix]) => place?.stream.startsWith(prefix))
  if (place === undefined || mapper === undefined) return undefined
  const [prefix, cache] = mapper
  return { tag: tagOf(cache, place.stream.slice(prefix.length)), version: place.version }
}
