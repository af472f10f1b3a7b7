import { type OutgoingHttpHeaders } from 'node:http'
import { Readable } from 'node:stream'
import {
  type Api,
  type ApiOptions,
  type First,
  measureRequests,
  Problem,
  securityHeaders,
} from '@veza/kit/http'
import { cors } from 'hono/cors'
import { LRUCache } from 'lru-cache'
import { isPlaylist, type Range, readRange } from '../domain/files.ts'
import { type KeptFile, type OpenFile } from '../queries/open-file.ts'
import { answer } from './answer.ts'

/** What the routes call. */
export interface FileHandlers {
  openFile(pass: string, path: string): Promise<OpenFile | undefined>
  readFile(file: OpenFile, range: Range | undefined): Promise<Buffer | Readable | undefined>
  /** Where a client fetches it by itself; undefined: here. */
  elsewhere(key: string): Promise<string | undefined>
}

const route = '/v1/streams/:pass/:path{.+}'

/** A validator of what never changes: its address. */
const etagOf = ({ key }: Pick<OpenFile, 'key'>): string => `"${key.replace(/^media\/(.{16}).*?\//, '$1/')}"`

const matches = (header: string | undefined, etag: string): boolean =>
  header !== undefined &&
  header.split(',').some((each) => {
    const tag = each.trim()
    return tag === etag || tag === '*'
  })

const exposed = ['Content-Length', 'Content-Range', 'ETag', 'Retry-After']

const headersOf = (file: Pick<OpenFile, 'key' | 'contentType'>) => ({
  etag: etagOf(file),
  'content-type': file.contentType,
  // The address of another content is another one. Private, since the pass in it is a person's own.
  'cache-control': 'private, max-age=86400, immutable',
  'accept-ranges': 'bytes',
  'access-control-allow-origin': '*',
  'access-control-expose-headers': exposed.join(','),
  'cross-origin-resource-policy': 'cross-origin',
})

/** Files whose answers are put together already, some 800 bytes each. */
const mostPrepared = 20_000

const address = /^\/v1\/streams\/([\w-]+)\/([\w/.-]+)$/
/** What asks for something else than a whole file as it is. */
const conditions = ['range', 'if-none-match', 'if-match', 'if-modified-since', 'if-unmodified-since'] as const

/**
 * Answers GET of whole files that are in memory, or known to be with the front server, as players ask for the segments of
 * what many hear: on Node's own objects, without the app's router and its web objects. Everything else, and every refusal,
 * is the app's.
 *
 * @param accelPrefix as of mountFiles
 */
export const keptFiles = (
  telemetry: ApiOptions['telemetry'],
  openKept: (pass: string, path: string) => KeptFile | undefined,
  accelPrefix: string | undefined,
): First => {
  const measure = measureRequests(telemetry)
  const prepared = new LRUCache<string, OutgoingHttpHeaders>({ max: mostPrepared })
  /** Put together for each answer, they take as long as all else that is done for it here. */
  const wholeOf = (file: KeptFile): OutgoingHttpHeaders => {
    const { key, content } = file
    const before = prepared.get(key)
    if (before !== undefined) return before
    const headers = {
      ...securityHeaders,
      ...headersOf(file),
      ...(accelPrefix === undefined
        ? { 'content-length': content?.length ?? 0 }
        : { 'content-length': 0, 'x-accel-redirect': `${accelPrefix}${key}` }),
    }
    prepared.set(key, headers)
    return headers
  }
  return (request, response, next) => {
    const [, pass, path] = (request.method === 'GET' && address.exec(request.url ?? '')) || []
    const file =
      pass === undefined || path === undefined || conditions.some((name) => name in request.headers)
        ? undefined
        : openKept(pass, path)
    if (file === undefined) {
      next()
      return
    }
    const { traceparent } = request.headers
    const { end } = measure('GET', typeof traceparent === 'string' ? traceparent : undefined)
    file.allowed.then(
      () => {
        response.writeHead(200, wholeOf(file))
        response.end(file.content)
        end(200, route)
      },
      // The app asks once more, gets the same answer, and says it in its words.
      next,
    )
  }
}

/**
 * Mounts the files of streams under their signed prefixes: GET and HEAD, byte ranges, conditional requests.
 *
 * @param accelPrefix where a front server (nginx) has the objects: it is told to send them, by X-Accel-Redirect
 */
export const mountFiles = (app: Api, handlers: FileHandlers, accelPrefix: string | undefined): void => {
  // Players of other origins: what has been refused too, or they could not tell a playback that is over from a network that is.
  app.use(route, cors({ origin: '*', allowMethods: ['GET', 'HEAD'], exposeHeaders: exposed, maxAge: 86_400 }))
  app.get(route, async (c) => {
    const { pass, path } = c.req.param()
    const file = await answer(handlers.openFile(pass, path))
    if (file === undefined) throw new Problem(404, 'not-found', 'A stream has no such file')
    const headers: Record<string, string> = headersOf(file)
    const etag = etagOf(file)
    const ifMatch = c.req.header('if-match')
    if (ifMatch !== undefined && !matches(ifMatch, etag))
      throw new Problem(412, 'precondition-failed', 'The file is another one')
    // A front server on the way may have made the tag a weak one, which is as good for this.
    if (matches(c.req.header('if-none-match')?.replaceAll('W/', ''), etag)) return c.body(null, 304, headers)
    if (accelPrefix !== undefined)
      return c.body(null, 200, { ...headers, 'x-accel-redirect': `${accelPrefix}${file.key}` })
    if (!isPlaylist(path)) {
      const location = await handlers.elsewhere(file.key)
      // The URL there is good for a while only, so the answer must not outlive it.
      if (location !== undefined)
        return c.body(null, 302, { ...headers, location, 'cache-control': 'private, max-age=60' })
    }

    // A range of another version would be pieced together with this one.
    const ifRange = c.req.header('if-range')
    const isWhole = c.req.method === 'HEAD' || (ifRange !== undefined && ifRange !== etag)
    const range = isWhole ? undefined : readRange(c.req.header('range'), file.size)
    if (range === 'unsatisfiable')
      throw new Problem(416, 'range-not-satisfiable', 'The file is shorter', {
        headers: { 'content-range': `bytes */${file.size}` },
      })
    headers['content-length'] = String(range === undefined ? file.size : range.end - range.start + 1)
    if (range !== undefined) headers['content-range'] = `bytes ${range.start}-${range.end}/${file.size}`
    const status = range === undefined ? 200 : 206
    if (c.req.method === 'HEAD') return c.body(null, status, headers)
    const content = await handlers.readFile(file, range)
    if (content === undefined) throw new Problem(404, 'not-found', 'A stream has no such file')
    return content instanceof Readable
      ? c.body(Readable.toWeb(content) as ReadableStream, status, headers)
      : c.body(content as Uint8Array<ArrayBuffer>, status, headers)
  })
}
