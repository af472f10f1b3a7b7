import { parseChannel, readChatCommand } from '@veza/contracts'
import { type Post } from './adapters/posts.ts'
import { admit } from './admission.ts'
import { type Client, Refused } from './client.ts'
import { errors } from './protocol/codes.ts'
import { type PublishCommand } from './protocol/commands.ts'
import { type SessionContext } from './session-context.ts'
import { startTyping } from './start-typing.ts'

// The code is the protocol's, the message the problem's own stable name.
const invalid = (problem: string): Refused => new Refused({ code: errors.badRequest.code, message: problem })

const readPost = (command: PublishCommand, senderId: string): Post => {
  const target = parseChannel(command.channel)
  if (target === undefined) throw new Refused(errors.unknownChannel)
  if (target.kind !== 'room') throw new Refused(errors.permissionDenied)
  const checked = readChatCommand((command.data ?? {}) as Record<string, unknown>)
  if ('code' in checked) throw invalid(checked.code)
  return { roomId: target.id, senderId, command: checked }
}

/** Answers when the brokers have the post, or with what is wrong with it. */
export const publish = (context: SessionContext, client: Client, command: PublishCommand): void => {
  const { membership } = context
  const { id } = command
  if ((command.data as { type?: unknown } | null | undefined)?.type === 'typing') {
    void startTyping(context, client, command)
    return
  }
  try {
    const post = readPost(command, client.userId)
    const accepted = membership.mayPublish(post.roomId, post.senderId)
      ? context.post(post)
      : admit(membership, post.roomId, post.senderId).then(() => context.post(post))
    accepted.then(
      () => {
        if (!client.isClosed()) client.send({ type: 'publish', id })
      },
      (error: unknown) => {
        client.fail(id, error)
      },
    )
  } catch (error) {
    client.fail(id, error)
  }
}
