import { type EventMetadata } from '@veza/kit/events'
import {
  type Api,
  type CallerMiddleware,
  countField,
  createRoute,
  idempotencyHeader,
  jsonBody,
  jsonResponse,
  nextCursor,
  problemResponses,
  requestMetadata,
  uuid,
  z,
} from '@veza/kit/http'
import { Rejection } from '../domain/rejection.ts'
import { type ReportReason } from '../domain/moderation.ts'
import { type TrackCommand } from '../domain/track.ts'
import { type Actor } from '../domain/visibility.ts'
import { type ReportPlace, type ReportView } from '../queries/reports.ts'
import { type TrackView } from '../queries/track-view.ts'
import { answer } from './answer.ts'
import { comment, cursors, reason } from './fields.ts'
import { actorOf } from './track-json.ts'

type Moderation = Extract<TrackCommand, { type: 'take-down' | 'restore' | 'dismiss-reports' }>

/** What the routes call. */
export interface ModerationHandlers {
  getTrack(trackId: string, actor: Actor): Promise<TrackView>
  reportTrack(
    trackId: string,
    report: { actor: Actor; reason: ReportReason; comment: string },
    metadata: EventMetadata,
  ): Promise<void>
  moderateTrack(trackId: string, command: Moderation, metadata: EventMetadata): Promise<void>
  listReports(page: { after: ReportPlace | undefined; limit: number }): Promise<ReportView[]>
  now(): Date
}

const params = z.object({ trackId: uuid })
const settled = { 204: { description: 'Done, or done before' }, ...problemResponses(400, 401, 403, 404, 503) }

/** Mounts reports of tracks, and what moderators do about them. */
export const mountModeration = (
  app: Api,
  middleware: CallerMiddleware,
  handlers: ModerationHandlers,
): void => {
  const common = { tags: ['moderation'], security: [{ bearer: [] }], middleware }

  app.openapi(
    createRoute({
      ...common,
      method: 'post',
      path: '/v1/tracks/{trackId}/reports',
      summary: 'Report a track to the moderators',
      request: {
        headers: idempotencyHeader,
        params,
        body: jsonBody(
          z
            .object({ reason, comment: comment.default('') })
            .strict()
            .openapi('TrackReport'),
        ),
      },
      responses: { 204: { description: 'Moderators see it' }, ...problemResponses(400, 401, 404, 503) },
    }),
    async (c) => {
      const { trackId } = c.req.valid('param')
      const actor = actorOf(c.var.identity)
      await answer(handlers.getTrack(trackId, actor))
      await answer(handlers.reportTrack(trackId, { ...c.req.valid('json'), actor }, requestMetadata(c)))
      return c.body(null, 204)
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'get',
      path: '/v1/moderation/track-reports',
      summary: 'Reports that nobody has looked into, for moderators',
      request: {
        query: z.object({ cursor: cursors.reports.field.optional(), limit: countField(1, 100, 50) }),
      },
      responses: {
        200: jsonResponse(
          'A page of reports, track by track',
          z
            .object({
              reports: z.array(
                z.object({
                  trackId: uuid,
                  reporterId: uuid,
                  reason,
                  comment: z.string(),
                  reportedAt: z.iso.datetime(),
                }),
              ),
              next: z.string().nullable(),
            })
            .openapi('TrackReportPage'),
        ),
        ...problemResponses(400, 401, 403, 503),
      },
    }),
    async (c) => {
      if (!actorOf(c.var.identity).moderator) return answer(Promise.reject(new Rejection('not-moderator')))
      const { cursor: after, limit } = c.req.valid('query')
      const found = await answer(handlers.listReports({ after, limit }))
      const reports = found.map(({ reportedAt, ...rest }) => ({
        ...rest,
        reportedAt: reportedAt.toISOString(),
      }))
      return c.json({ reports, next: nextCursor(found, limit, cursors.reports.write) }, 200)
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'put',
      path: '/v1/tracks/{trackId}/takedown',
      summary: 'Take a track down, for moderators',
      description:
        'Nobody but its owner and moderators finds or hears it any more, within seconds. Its reports are settled.',
      request: {
        headers: idempotencyHeader,
        params,
        body: jsonBody(z.object({ reason }).strict().openapi('Takedown')),
      },
      responses: settled,
    }),
    async (c) => {
      const { trackId } = c.req.valid('param')
      const at = handlers.now()
      const command = {
        type: 'take-down',
        actor: actorOf(c.var.identity),
        ...c.req.valid('json'),
        at,
      } as const
      await answer(handlers.moderateTrack(trackId, command, requestMetadata(c)))
      return c.body(null, 204)
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'delete',
      path: '/v1/tracks/{trackId}/takedown',
      summary: 'Put a track back that was taken down, for moderators',
      request: { headers: idempotencyHeader, params },
      responses: settled,
    }),
    async (c) => {
      const command = { type: 'restore', actor: actorOf(c.var.identity), at: handlers.now() } as const
      await answer(handlers.moderateTrack(c.req.valid('param').trackId, command, requestMetadata(c)))
      return c.body(null, 204)
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'put',
      path: '/v1/tracks/{trackId}/reports/dismissal',
      summary: 'Find the open reports of a track unfounded, for moderators',
      description: 'The note stands in the audit, for good. Who reported the track may report it again.',
      request: {
        headers: idempotencyHeader,
        params,
        body: jsonBody(
          z
            .object({ note: comment.default('') })
            .strict()
            .openapi('TrackReportsDismissal'),
        ),
      },
      responses: settled,
    }),
    async (c) => {
      const command = {
        type: 'dismiss-reports',
        actor: actorOf(c.var.identity),
        ...c.req.valid('json'),
        at: handlers.now(),
      } as const
      await answer(handlers.moderateTrack(c.req.valid('param').trackId, command, requestMetadata(c)))
      return c.body(null, 204)
    },
  )
}
