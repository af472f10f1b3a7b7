import { type IncomingMessage, type ServerResponse } from 'node:http'
import { Server, type ServerOptions } from '@tus/server'
import { type EventMetadata } from '@veza/kit/events'
import { type Api, bearer, Problem, problemOf, problemDocument, requestMetadata } from '@veza/kit/http'
import { uuidv7 } from '@veza/kit/ids'
import { type Logger } from '@veza/kit/log'
import { type Identity, type TokenVerifier } from '@veza/kit/tokens'
import { type SharedLocks } from '../adapters/shared-locks.ts'
import { type UploadFiles } from '../adapters/upload-files.ts'
import { type Upload } from '../adapters/uploads.ts'
import { type NewUpload } from '../commands/begin-upload.ts'
import { type BegunUpload } from '../commands/finish-upload.ts'
import { Rejection } from '../domain/rejection.ts'
import { asProblem } from './answer.ts'

/** What the routes call. */
export interface UploadHandlers {
  beginUpload(upload: NewUpload): Promise<void>
  findUpload(id: string, ownerId: string): Promise<Upload | undefined>
  finishUpload(upload: BegunUpload, metadata: EventMetadata): Promise<void>
  endUpload(id: string): Promise<void>
  /** Size of the file that a track was made of, when the track is that owner's. */
  findFinished(id: string, ownerId: string): Promise<{ bytes: number } | undefined>
  now(): Date
}

const path = '/v1/uploads'
const version = '1.0.0'
const methods: readonly (string | undefined)[] = ['POST', 'HEAD', 'PATCH', 'DELETE']
const pieceType = 'application/offset+octet-stream'
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** What the protocol's own errors mean, by status. */
const protocolCodes: Readonly<Record<number, string>> = {
  400: 'invalid-upload',
  403: 'invalid-upload-offset',
  404: 'upload-not-found',
  409: 'upload-offset-conflict',
  410: 'upload-expired',
  412: 'tus-version-required',
  413: 'upload-too-large',
  415: 'unsupported-media-type',
  423: 'upload-locked',
  501: 'extension-not-supported',
}

interface Caller {
  readonly identity: Identity
  readonly metadata: EventMetadata
  /** The upload that the request began. */
  begun?: string
}

type NodeRequest = Parameters<NonNullable<ServerOptions['onIncomingRequest']>>[0]

interface Bindings {
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
}

/** What tus finds wrong before it asks anybody, it says in plain words. */
class ProblemServer extends Server {
  override write(...[context, headers, status, body = '']: Parameters<Server['write']>) {
    if (status < 400 || headers.get('content-type') !== null || body.startsWith('{'))
      return super.write(context, headers, status, body)
    headers.set('content-type', 'application/problem+json')
    const problem = new Problem(status as 400, protocolCodes[status] ?? 'invalid-upload', body.trim())
    return super.write(context, headers, status, JSON.stringify(problemDocument(problem)))
  }
}

/** What the protocol asks of every request. @throws Problem */
const assertProtocol = (method: string | undefined, header: (name: string) => string | undefined): void => {
  if (!methods.includes(method)) {
    const allow = methods.join(', ')
    throw new Problem(405, 'method-not-allowed', `Allowed here: ${allow}`, { headers: { allow } })
  }
  if (header('tus-resumable') !== version)
    throw new Problem(412, 'tus-version-required', `The header Tus-Resumable must say ${version}`, {
      headers: { 'tus-version': version },
    })
  if (method === 'PATCH' && header('content-type') !== pieceType)
    throw new Problem(415, 'unsupported-media-type', `The body must be ${pieceType}`)
  if (method === 'POST' && header('upload-length') === undefined)
    throw asProblem(new Rejection('length-required'))
}

/**
 * Mounts tus 1.0 (creation, creation-with-upload, expiration, termination) on the Node request and response: only they
 * tell of a client that is gone, whose lock must be given back.
 */
export const mountUploads = (
  app: Api,
  verifier: TokenVerifier,
  deps: {
    files: UploadFiles
    locks: SharedLocks
    maxBytes: number
    handlers: UploadHandlers
    log: Logger
  },
): void => {
  const { files, handlers, log } = deps
  const callers = new WeakMap<IncomingMessage, Caller>()

  const nodeOf = (request: NodeRequest): Bindings => {
    const node = request.runtime?.node
    if (node?.res === undefined) throw new Error('tus runs on the Node request and response')
    return { incoming: node.req as IncomingMessage, outgoing: node.res as ServerResponse }
  }
  const callerOf = (request: NodeRequest): Caller => {
    const caller = callers.get(nodeOf(request).incoming)
    if (caller === undefined) throw new Error('nobody was verified')
    return caller
  }
  const uploadOf = async (id: string, { identity }: Caller): Promise<Upload> => {
    const upload = uuid.test(id) ? await handlers.findUpload(id, identity.userId) : undefined
    if (upload === undefined) throw new Rejection('upload-not-found')
    return upload
  }

  const toProblem = (error: unknown): Problem => {
    if (error instanceof Error || error instanceof Problem) return problemOf(asProblem(error))
    const { status_code: status = 500, body = '' } = error as { status_code?: number; body?: string }
    const code = protocolCodes[status]
    return code === undefined
      ? problemOf(error)
      : // One of the statuses of the table, which are all of them HTTP's.
        new Problem(status as 400, code, body.trim())
  }

  /** Ends an upload whose client was not told where it is: nobody can go on with it, and it takes room. */
  const drop = (id: string): Promise<void> =>
    files
      .remove(id)
      .then(() => handlers.endUpload(id))
      .catch((error: unknown) => {
        log.warn({ err: error, uploadId: id }, 'an upload that did not begin is still listed')
      })

  const tus = new ProblemServer({
    path,
    datastore: files.store,
    locker: deps.locks,
    maxSize: deps.maxBytes,
    relativeLocation: true,
    // How long a request goes on reading that another one of the same client wants the place of.
    lockDrainTimeout: 500,
    exposedHeaders: ['Veza-Track-Id'],
    allowedHeaders: ['Authorization'],
    namingFunction: () => uuidv7(handlers.now()),
    async onIncomingRequest(request, id) {
      if (request.method !== 'POST') await uploadOf(id, callerOf(request))
    },
    async onUploadCreate(request, upload) {
      const caller = callerOf(request)
      const { id, size: bytes = 0, metadata = {} } = upload
      await handlers.beginUpload({ id, ownerId: caller.identity.userId, bytes, metadata })
      caller.begun = id
      return {}
    },
    async onUploadFinish(request, upload) {
      const { id } = upload
      const { identity, metadata } = callerOf(request)
      await handlers.finishUpload({ id, ownerId: identity.userId }, metadata)
      // Where it came with the request that began it, tus would look up when it expires, and not find it any more.
      upload.creation_date = undefined
      return { headers: { 'Veza-Track-Id': id } }
    },
    async onResponseError(request, error) {
      const problem = toProblem(error)
      const begun = callers.get(nodeOf(request).incoming)?.begun
      if (begun !== undefined) await drop(begun)
      if (problem.status >= 500 && problem.status !== 501)
        log.error({ err: error, code: problem.code }, 'an upload failed')
      const { outgoing } = nodeOf(request)
      outgoing.setHeader('content-type', 'application/problem+json')
      for (const [name, value] of Object.entries(problem.headers)) outgoing.setHeader(name, value)
      return { status_code: problem.status, body: JSON.stringify(problemDocument(problem)) }
    },
  })
  tus.on('POST_TERMINATE', (_request, _response, id) => {
    handlers.endUpload(id).catch((error: unknown) => {
      log.warn({ err: error, uploadId: id }, 'an ended upload is still listed')
    })
  })

  /** An upload that became a track has no bytes here any more. Its client may not have heard of it. */
  const answerFinished = async ({ outgoing }: Bindings, id: string, caller: Caller): Promise<boolean> => {
    if (!uuid.test(id)) return false
    const upload = await handlers.findUpload(id, caller.identity.userId)
    // Whole, and no track: a process died between the two.
    if (upload !== undefined && (await files.arrived(id))?.bytes === upload.bytes)
      await handlers.finishUpload(upload, caller.metadata)
    const finished = await handlers.findFinished(id, caller.identity.userId)
    if (finished === undefined) return false
    outgoing.writeHead(200, {
      'tus-resumable': version,
      'upload-offset': String(finished.bytes),
      'upload-length': String(finished.bytes),
      'cache-control': 'no-store',
      'access-control-allow-origin': '*',
      'access-control-expose-headers': 'Upload-Offset, Upload-Length, Tus-Resumable, Veza-Track-Id',
      'veza-track-id': id,
    })
    outgoing.end()
    return true
  }

  // Browsers ask before they send, and without a token.
  for (const route of [path, `${path}/:uploadId`]) {
    app.on('OPTIONS', route, async (c) => {
      const { incoming, outgoing } = c.env as Bindings
      await tus.handle(incoming, outgoing)
      return c.body(null)
    })
    // A browser shows a page of another origin no answer without this, not even that the token has expired.
    app.use(route, async (c, next) => {
      c.header('access-control-allow-origin', '*')
      c.header('tus-resumable', version)
      await next()
    })
    app.on(['POST', 'HEAD', 'GET', 'PATCH', 'DELETE'], route, bearer(verifier), async (c) => {
      const node = c.env as Bindings
      const caller = { identity: c.var.identity, metadata: requestMetadata(c) }
      callers.set(node.incoming, caller)
      const id = c.req.param('uploadId')
      // Who sits behind what lets no PATCH pass says by POST what they mean. Hono answers HEAD as GET.
      const method = c.req.header('x-http-method-override') ?? node.incoming.method
      assertProtocol(method, (name) => c.req.header(name))
      node.incoming.method = method
      try {
        if (method === 'HEAD' && id !== undefined && (await answerFinished(node, id, caller)))
          return c.body(null)
      } catch (error) {
        throw asProblem(error)
      }
      await tus.handle(node.incoming, node.outgoing)
      return c.body(null)
    })
  }
  describe(app)
}

const header = (name: string, description: string, required = true) => ({
  ...{ in: 'header' as const, name, description, required, schema: { type: 'string' as const } },
})

/** The protocol in the API's document. It is not checked by it: tus has rules of its own. */
const describe = (app: Api): void => {
  const common = { tags: ['uploads'], security: [{ bearer: [] }] }
  const version = header('Tus-Resumable', '1.0.0')
  app.openAPIRegistry.registerPath({
    ...common,
    method: 'post',
    path,
    summary: 'Begin an upload (tus 1.0)',
    description:
      'Any tus client does. Metadata: `filename`, `title`, `visibility` (public unless given). The body, with the content ' +
      'type `application/offset+octet-stream`, is the first piece, or the whole file: then the answer is that to the last ' +
      'piece. Send in pieces below 100 MB: proxies on the way may refuse larger ones.',
    parameters: [
      version,
      header('Upload-Length', 'Bytes of the file'),
      header('Upload-Metadata', 'Names with values in base64, as tus has them', false),
    ],
    responses: {
      201: { description: 'Where to send it: Location' },
      413: { description: 'Too large, or no room' },
      507: { description: 'The disk is full: try again later' },
    },
  })
  app.openAPIRegistry.registerPath({
    ...common,
    method: 'patch',
    path: `${path}/{uploadId}`,
    summary: 'Send a piece',
    description:
      'The answer to the last piece names the track in `Veza-Track-Id`, or says with 422 why the file is not taken.',
    parameters: [
      { in: 'path', name: 'uploadId', required: true, schema: { type: 'string' } },
      version,
      header('Upload-Offset', 'Where the piece begins'),
    ],
    responses: {
      204: { description: 'It has arrived' },
      409: { description: 'Another offset is expected: ask with HEAD' },
      422: { description: 'The file is not taken, with the reason as `code`' },
      507: { description: 'The disk is full: go on later, from where HEAD says' },
    },
  })
}
