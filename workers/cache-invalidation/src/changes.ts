import { type topics } from '@veza/contracts'
import { type Change, tagOf } from '@veza/kit/cache'
import { placeOf } from '@veza/kit/projection'
import { type Message } from '@veza/kit/worker'

/** Where caches learn from that something has changed. */
export type SourceTopic = typeof topics.usersEvents | typeof topics.tracksEvents | typeof topics.roomEvents

/** What begins the name of a context's stream, and the cache that holds what is read from it: one mapper a context. */
const users = [
  ['user-', 'profile'],
  ['pair-', 'pair'],
] as const
const tracks = [
  ['track-', 'track'],
  ['playlist-', 'playlist'],
] as const
const mappers = [...users, ...tracks]
const room = 'room-'

/** What an event makes old: an entry has the version of the stream that it was folded from. undefined: nothing is cached of it. */
export const changeOf = (event: Pick<Message<SourceTopic>, 'record' | 'value'>): Change | undefined => {
  const place = placeOf(event)
  if (place === undefined) return undefined
  const { stream, version } = place
  // Of a room what each person is in it is kept apart: what is about nobody changes none of that.
  if (stream.startsWith(room))
    return 'userId' in event.value
      ? { tag: tagOf('membership', `${stream.slice(room.length)}/${event.value.userId}`), version }
      : undefined
  const mapper = mappers.find(([prefix]) => stream.startsWith(prefix))
  if (mapper === undefined) return undefined
  const [prefix, cache] = mapper
  return { tag: tagOf(cache, stream.slice(prefix.length)), version }
}
