export { createRoute, z } from '@hono/zod-openapi'
export { type Api, combine, createApi } from './api.ts'
export { type BearerEnv, bearer, requireScope } from './bearer.ts'
export { mountDocs } from './docs.ts'
export { measureRequests, securityHeaders } from './edge.ts'
export { type Cursor, countField, cursor, nextCursor, parsedField, uuid } from './fields.ts'
export {
  type AnswerSeal,
  type CallerMiddleware,
  type IdempotencyEnv,
  createHttpAnswers,
  idempotencyEnvironment,
  idempotencyHeader,
  idempotent,
  openAnswers,
  pruneHttpAnswers,
} from './idempotency.ts'
export { limitedBearer } from './rate-limit.ts'
export { requestMetadata } from './request-metadata.ts'
export { toProblem as problemOf } from './errors.ts'
export { type PageOptions, mountPage } from './page.ts'
export { type ProblemOptions, Problem, problemDocument } from './problem.ts'
export { jsonBody, jsonResponse, problemResponses } from './schemas.ts'
export { type First, type Server, serve } from './serve.ts'
export { serviceOnly, serviceToken } from './service-token.ts'
export { streamedBody } from './streamed-body.ts'
export { type ApiOptions } from './types.ts'
