import { dueComment } from '../chat/comment-log.ts'
import { commentsOf } from '../chat/comments.ts'
import { words } from '../i18n/index.ts'
import { clock } from '../i18n/time.ts'
import { nameOf, PersonAvatar } from '../people/people.tsx'
import { current, position } from '../player/player.ts'

/** What was said of the place that is heard now. Its room is kept, so that nothing moves when it comes and goes. */
export const DueComment = ({ trackId }: { trackId: string }) => {
  const comments = commentsOf(trackId)
  if (comments.length === 0) return null
  const due = current.value?.id === trackId ? dueComment(comments, position.value * 1000) : undefined
  return (
    <div class="due-comment">
      {due !== undefined && (
        <>
          <PersonAvatar id={due.senderId} />
          <p class="clip" dir="auto">
            <span class="quiet">{words.value.chat.said(nameOf(due.senderId), clock(due.atMs / 1000))}</span>{' '}
            {due.body}
          </p>
        </>
      )}
    </div>
  )
}
