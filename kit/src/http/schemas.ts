import { type ZodType, z } from 'zod'
import '@hono/zod-openapi'

const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string().openapi({ description: 'Stable: what a client switches on' }),
    detail: z.string().optional(),
    instance: z.string().optional(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .openapi('Problem')

/** A required JSON body. (zod-openapi hands an unchecked {} to the handler when an optional body is missing.) */
export const jsonBody = <S extends ZodType>(schema: S) => ({
  required: true,
  content: { 'application/json': { schema } },
})

/** A JSON answer. */
export const jsonResponse = <S extends ZodType>(description: string, schema: S) => ({
  description,
  content: { 'application/json': { schema } },
})

const problemResponse = {
  description: 'Problem (RFC 9457)',
  content: { 'application/problem+json': { schema: problemSchema } },
}

/** Documents that a route may answer with problems: `responses: { 200: …, ...problemResponses(400, 404) }`. */
export const problemResponses = <const S extends number>(...statuses: S[]) =>
  Object.fromEntries(statuses.map((status) => [status, problemResponse])) as Record<S, typeof problemResponse>
