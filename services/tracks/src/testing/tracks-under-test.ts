import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Codec, connectCodec } from '@veza/contracts'
import { type Caches } from '@veza/kit/cache'
import { serve } from '@veza/kit/http'
import { createLog } from '@veza/kit/log'
import {
  createTokenSigner,
  freshDatabase,
  infrastructure,
  testKeyEncryption,
  testTelemetry,
} from '@veza/kit/testing'
import { createTokenVerifier } from '@veza/kit/tokens'
import { openTracks, type TracksSettings } from '../index.ts'
import { migrateTracks } from '../migrate.ts'

export const serviceToken = 'a-service-token-for-tests'

/** An answer, read. */
export interface Answer<B> {
  readonly status: number
  readonly headers: Headers
  readonly body: B
}
export interface ProblemBody {
  readonly code: string
  readonly detail: string
}

/** Tracks on a database and folders of its own, served by as many listeners as a test asks for. */
export const tracksUnderTest = async (
  change: Partial<TracksSettings> = {},
  { caches }: { readonly caches?: Pick<Caches, 'open'> } = {},
) => {
  const { schemaRegistryUrl } = infrastructure()
  const codec: Codec = await connectCodec(schemaRegistryUrl)
  const database = await freshDatabase()
  await migrateTracks(database.url)
  const dir = await mkdtemp(join(tmpdir(), 'veza-tracks-'))
  const signer = await createTokenSigner()
  const telemetry = testTelemetry()
  const log = createLog('test', 'silent')
  const closers: (() => Promise<unknown>)[] = []
  const settings: TracksSettings = {
    ...{
      OBJECTS_DIR: join(dir, 'objects'),
      S3_ENDPOINT: undefined,
      S3_BUCKET: 'veza',
      S3_REGION: 'us-east-1',
    },
    ...{ S3_ACCESS_KEY_ID: 'veza', S3_SECRET_ACCESS_KEY: undefined, S3_PUBLIC: false },
    ...{ TRACKS_DATABASE_URL: database.url, SERVICE_TOKEN: serviceToken, TRACKS_DATABASE_CONNECTIONS: 5 },
    ...{ UPLOADS_DIR: join(dir, 'uploads'), UPLOAD_MAX_BYTES: 5_000_000, UPLOAD_QUOTA_BYTES: 10_000_000 },
    ...{ UPLOAD_MAX_OPEN: 3, UPLOAD_EXPIRY: 3_600_000, TRACK_MAX_DURATION: 60_000 },
    ...testKeyEncryption(),
    ...{ IDEMPOTENCY_RETENTION: 86_400_000 },
    ...change,
  }
  let now: Date | undefined

  /** One more process that serves tracks. */
  const open = async () => {
    const tracks = await openTracks(settings, {
      ...{ log, telemetry, verifier: createTokenVerifier(signer), codec, ...(caches && { caches }) },
      now: () => now ?? new Date(),
    })
    const server = await serve(tracks.app, { host: '127.0.0.1', port: 0 })
    const close = async () => {
      await server.close(100)
      await tracks.close()
    }
    closers.push(close)
    return { ...tracks, url: `http://127.0.0.1:${server.port}`, close }
  }
  const first = await open()

  const read = async <B>(response: Response): Promise<Answer<B>> => {
    const text = await response.text()
    const body = (text.startsWith('{') ? JSON.parse(text) : text) as B
    return { status: response.status, headers: response.headers, body }
  }

  /** Somebody who is signed in. */
  const person = async (roles: string[] = []) => {
    const userId = randomUUID()
    const expiresAt = Math.floor(Date.now() / 1000) + 600
    const token = await signer.sign({ userId, name: 'Ana', roles, sessionId: randomUUID(), expiresAt })
    const authorization = `Bearer ${token}`
    const call = async <B = ProblemBody>(method: string, path: string, body?: unknown, headers = {}) =>
      read<B>(
        await fetch(new URL(path, first.url), {
          method,
          headers: { authorization, 'content-type': 'application/json', ...headers },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        }),
      )
    /** tus by hand. */
    const tus = async (
      method: string,
      path: string,
      headers: Record<string, string> = {},
      body?: Buffer,
      url = first.url,
    ) =>
      read<ProblemBody>(
        await fetch(new URL(path, url), {
          method,
          headers: {
            authorization,
            'tus-resumable': '1.0.0',
            ...(method === 'PATCH' && { 'content-type': 'application/offset+octet-stream' }),
            ...headers,
          },
          ...(body && { body: new Uint8Array(body) }),
        }),
      )
    const begin = async (bytes: number, metadata: Record<string, string> = {}) => {
      const pairs = Object.entries(metadata).map(
        ([name, value]) => `${name} ${Buffer.from(value).toString('base64')}`,
      )
      return tus('POST', '/v1/uploads', {
        'upload-length': String(bytes),
        ...(pairs.length > 0 && { 'upload-metadata': pairs.join(',') }),
      })
    }
    /** A whole upload. @returns the answer to the last byte */
    const upload = async (file: Buffer, metadata: Record<string, string> = {}) => {
      const begun = await begin(file.length, metadata)
      const location = begun.headers.get('location')
      if (location === null) return begun
      return tus('PATCH', location, { 'upload-offset': '0' }, file)
    }
    return { userId, token, authorization, call, tus, begin, upload }
  }

  return {
    ...{ settings, database, codec, dir, log, telemetry, open, person, url: first.url, first },
    setNow: (at: Date | undefined) => {
      now = at
    },
    async close() {
      for (const close of closers.reverse()) await close()
      await database.drop()
      await telemetry.close()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

export type TracksUnderTest = Awaited<ReturnType<typeof tracksUnderTest>>
