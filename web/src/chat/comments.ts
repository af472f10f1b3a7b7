import { signal } from '@preact/signals'
import { api, ask } from '../api/client.ts'
import { type RoomEvent } from '../live/publications.ts'
import { type Comment, commentOf, evolveComments } from './comment-log.ts'
import { type OpenRoom } from './room.ts'

const pageSize = 100
/** Pages of comments that are shown: a waveform with more is all marks. */
const mostPages = 3

const followed = signal<{ trackId: string; comments: readonly Comment[] } | undefined>(undefined)

/** What was said of places in a track, in the room beside it. */
export const commentsOf = (trackId: string): readonly Comment[] =>
  followed.value?.trackId === trackId ? followed.value.comments : []

const load = async (roomId: string, trackId: string): Promise<readonly Comment[]> => {
  const found: Comment[] = []
  let before: string | undefined
  for (let page = 0; page < mostPages; page++) {
    const query = { trackId, limit: pageSize, ...(before !== undefined && { before }) }
    const params = { path: { roomId }, query }
    const { messages, next } = await ask(api.GET('/v1/rooms/{roomId}/messages', { params }))
    found.push(...messages.flatMap((message) => commentOf(message, trackId) ?? []))
    if (next === null) break
    before = next
  }
  return found
}

/** Has `commentsOf` be what is said in a room that is open. @returns how to end that */
export const followComments = (room: OpenRoom, trackId: string): (() => void) => {
  let isEnded = false
  /** What came while they were loaded. */
  let held: RoomEvent[] | undefined
  const show = (comments: readonly Comment[]): void => {
    if (!isEnded) followed.value = { trackId, comments }
  }
  const begin = async (): Promise<void> => {
    held = []
    try {
      let comments = await load(room.id, trackId)
      for (const event of held) comments = evolveComments(comments, event, trackId)
      show(comments)
    } catch {
      // The conversation beside says that it could not be loaded; what is said from now on is shown.
      show([])
    } finally {
      held = undefined
    }
  }
  const ended = room.onEvent((event) => {
    if (event === 'missed') void begin()
    else if (held !== undefined) held.push(event)
    else show(evolveComments(commentsOf(trackId), event, trackId))
  })
  void begin()
  return () => {
    isEnded = true
    ended()
    followed.value = undefined
  }
}
