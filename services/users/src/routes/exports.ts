import {
  type Api,
  type CallerMiddleware,
  createRoute,
  idempotencyHeader,
  jsonResponse,
  problemResponses,
  streamedBody,
  uuid,
  z,
} from '@veza/kit/http'
import { type Readable } from 'node:stream'
import { type ExportJob } from '../adapters/exports.ts'
import { type Caller } from '../commands/deps.ts'
import { answer } from './answer.ts'
import { callerOf } from './caller.ts'

/** What the routes call. */
export interface ExportHandlers {
  requestExport(caller: Caller): Promise<string>
  newestExport(userId: string): Promise<ExportJob | undefined>
  readExportJob(userId: string, exportId: string): Promise<ExportJob>
  downloadExport(userId: string, exportId: string): Promise<Readable>
}

const time = z.iso.datetime().nullable()

const job = z
  .object({
    id: uuid,
    state: z.enum(['queued', 'running', 'ready', 'failed']),
    progress: z.number().openapi({ description: 'From 0 to 1' }),
    requestedAt: z.iso.datetime(),
    finishedAt: time,
    expiresAt: time.openapi({ description: 'When it is deleted' }),
    download: z.string().nullable().openapi({ description: 'Where it is, once it is ready' }),
  })
  .openapi('DataExport')

const jobJson = (found: ExportJob): z.input<typeof job> => ({
  id: found.exportId,
  state: found.state,
  progress: found.state === 'ready' ? 1 : found.parts === 0 ? 0 : found.partsDone / found.parts,
  requestedAt: found.requestedAt.toISOString(),
  finishedAt: found.finishedAt?.toISOString() ?? null,
  expiresAt: found.expiresAt?.toISOString() ?? null,
  download: found.state === 'ready' ? `/v1/users/me/exports/${found.exportId}/content` : null,
})

/** Mounts the export of all data about the caller. */
export const mountExports = (app: Api, middleware: CallerMiddleware, handlers: ExportHandlers): void => {
  const common = { tags: ['users'], security: [{ bearer: [] }], middleware }
  const byId = z.object({ exportId: uuid })
  const what =
    'A copy of all that Veza has about you, gathered in the background from every part of the platform.'

  app.openapi(
    createRoute({
      ...common,
      method: 'get',
      path: '/v1/users/me/export',
      summary: 'Your newest export',
      description: `${what} Where there is none, or it has expired, this asks for one: 202 until it is ready.`,
      responses: {
        200: jsonResponse('It is ready, or has failed', job),
        202: jsonResponse('It is being gathered', job),
        ...problemResponses(401, 410, 503),
      },
    }),
    async (c) => {
      const caller = callerOf(c)
      const found = (await answer(handlers.newestExport(caller.userId))) ?? (await request(caller))
      return c.json(jobJson(found), found.state === 'ready' || found.state === 'failed' ? 200 : 202)
    },
  )

  const request = async (caller: Caller): Promise<ExportJob> => {
    const exportId = await answer(handlers.requestExport(caller))
    return answer(handlers.readExportJob(caller.userId, exportId))
  }

  app.openapi(
    createRoute({
      ...common,
      method: 'post',
      path: '/v1/users/me/export',
      summary: 'Ask for a new export',
      description: `${what} 429 \`too-many-exports\` when the last one is not old enough.`,
      request: { headers: idempotencyHeader },
      responses: {
        202: jsonResponse('It is being gathered', job),
        ...problemResponses(401, 410, 429, 503),
      },
    }),
    async (c) => c.json(jobJson(await request(callerOf(c))), 202),
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'get',
      path: '/v1/users/me/exports/{exportId}',
      summary: 'How far an export is',
      request: { params: byId },
      responses: { 200: jsonResponse('The export', job), ...problemResponses(400, 401, 404, 503) },
    }),
    async (c) => {
      const { exportId } = c.req.valid('param')
      return c.json(jobJson(await answer(handlers.readExportJob(c.var.identity.userId, exportId))), 200)
    },
  )

  app.openapi(
    createRoute({
      ...common,
      method: 'get',
      path: '/v1/users/me/exports/{exportId}/content',
      summary: 'What was gathered',
      request: { params: byId },
      responses: {
        200: {
          description: 'By part of the platform, all that it has',
          content: { 'application/json': { schema: z.record(z.string(), z.unknown()) } },
        },
        ...problemResponses(400, 401, 404, 409, 503),
      },
    }),
    async (c) => {
      const { exportId } = c.req.valid('param')
      const content = await answer(handlers.downloadExport(c.var.identity.userId, exportId))
      return new Response(streamedBody(c, content), {
        status: 200,
        headers: {
          'content-type': 'application/json',
          'content-disposition': `attachment; filename="veza-${exportId}.json"`,
        },
      }) as never
    },
  )
}
