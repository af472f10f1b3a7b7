import { type Api, bearer, createRoute, jsonResponse, problemResponses, z } from '@veza/kit/http'
import { type TokenVerifier } from '@veza/kit/tokens'
import {
  type NotificationCounts,
  type NotificationPage,
  type NotificationView,
} from '../queries/notifications.ts'
import { answer } from './answer.ts'
import { count, cursors, id, nextCursor } from './fields.ts'

/** What the routes call. */
export interface NotificationHandlers {
  countNotifications(userId: string): Promise<NotificationCounts>
  listNotifications(userId: string, page: NotificationPage): Promise<NotificationView[]>
}

const notification = z
  .object({
    type: z.enum(['mention', 'direct-messages', 'invitation']),
    roomId: id,
    roomName: z.string(),
    senderId: id.openapi({ description: 'Who mentioned you, wrote last or invited you' }),
    at: z.iso.datetime(),
    messageId: id.optional().openapi({ description: 'The message that mentions you' }),
    messages: z.int().optional().openapi({ description: 'Unread ones of the direct room' }),
  })
  .openapi('Notification')

const inbox = z
  .object({
    counts: z.object({ mentions: z.int(), directMessages: z.int(), invitations: z.int() }),
    notifications: z.array(notification),
    next: z.string().nullable(),
  })
  .openapi('Inbox')

const placeOf = (cursor: string | undefined): NotificationPage['after'] => {
  const [at, id] = cursor?.split(':') ?? []
  return at === undefined || id === undefined ? undefined : { at: Number(at), id }
}

/** Mounts the inbox. */
export const mountNotifications = (
  app: Api,
  verifier: TokenVerifier,
  handlers: NotificationHandlers,
): void => {
  app.openapi(
    createRoute({
      tags: ['notifications'],
      security: [{ bearer: [] }],
      middleware: bearer(verifier),
      method: 'get',
      path: '/v1/notifications',
      summary: 'What happened while you were away: mentions, direct messages, invitations; the newest first',
      description:
        'Something leaves the inbox when its room is marked as read up to it, or the invitation is answered.',
      request: {
        query: z.object({ cursor: cursors.notifications.field.optional(), limit: count(1, 100, 50) }),
      },
      responses: { 200: jsonResponse('The inbox', inbox), ...problemResponses(400, 401, 503) },
    }),
    async (c) => {
      const { cursor, limit } = c.req.valid('query')
      const { userId } = c.var.identity
      const [counts, page] = await answer(
        Promise.all([
          handlers.countNotifications(userId),
          handlers.listNotifications(userId, { after: placeOf(cursor), limit }),
        ]),
      )
      const next = nextCursor(page, limit, (last) =>
        cursors.notifications.write(`${last.at.getTime()}:${last.id}`),
      )
      const notifications = page.map(({ type, roomId, roomName, senderId, at, messageId, messages }) => ({
        ...{ type, roomId, roomName, senderId },
        at: at.toISOString(),
        messageId: messageId ?? undefined,
        messages: messages ?? undefined,
      }))
      return c.json({ counts, notifications, next }, 200)
    },
  )
}
