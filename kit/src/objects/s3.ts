import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { type Readable } from 'node:stream'
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { checkKey, type Objects, ObjectsUnavailable } from './types.ts'

/** Where objects lie, and who we are there. */
export interface S3Settings {
  readonly endpoint: string
  readonly bucket: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Whether clients reach the endpoint too, so that they may be sent there. */
  readonly public: boolean
}

const statusOf = (error: unknown): number | undefined => {
  if (!(error instanceof Error) || !('$metadata' in error)) return undefined
  const metadata: unknown = error.$metadata
  return typeof metadata === 'object' && metadata !== null && 'httpStatusCode' in metadata
    ? Number(metadata.httpStatusCode)
    : undefined
}

/** Without a status there was no answer. */
const isAway = (error: unknown): boolean => {
  const status = statusOf(error)
  return status === undefined || status === 429 || status >= 500
}

const orMissing = (error: unknown): undefined => {
  if (statusOf(error) === 404) return undefined
  throw isAway(error) ? new ObjectsUnavailable(error) : error
}

const orAway = (error: unknown): never => {
  throw isAway(error) ? new ObjectsUnavailable(error) : error
}

/** S3 deletes so many at once. */
const deleteAtOnce = 1_000

/** Objects in a bucket of any store that speaks S3. The bucket must exist. */
export const s3Objects = (settings: S3Settings): Objects => {
  const client = new S3Client({
    endpoint: settings.endpoint,
    region: settings.region,
    forcePathStyle: true,
    credentials: { accessKeyId: settings.accessKeyId, secretAccessKey: settings.secretAccessKey },
    // Stores other than Amazon's often don't know the checksums that newer SDKs send by themselves.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 3,
    requestHandler: { connectionTimeout: 3_000, requestTimeout: 60_000 },
  })
  const { bucket: Bucket } = settings

  return {
    async put(key, content, contentType) {
      const Body = Buffer.isBuffer(content) ? content : createReadStream(content.path)
      const ContentLength = Buffer.isBuffer(content) ? content.length : (await stat(content.path)).size
      await client
        .send(
          new PutObjectCommand({ Bucket, Key: checkKey(key), Body, ContentLength, ContentType: contentType }),
        )
        .catch(orAway)
    },
    async head(key) {
      const found = await client.send(new HeadObjectCommand({ Bucket, Key: checkKey(key) })).catch(orMissing)
      return found && { key, bytes: found.ContentLength ?? 0, modifiedAt: found.LastModified ?? new Date(0) }
    },
    async read(key, range) {
      const Range = range && `bytes=${range.start}-${range.end}`
      const found = await client
        .send(new GetObjectCommand({ Bucket, Key: checkKey(key), Range }))
        .catch(orMissing)
      // In Node the SDK's body is a stream of Node's, whatever its type allows elsewhere.
      return found?.Body as Readable | undefined
    },
    async *list(prefix) {
      for (let token: string | undefined; ;) {
        const page = await client
          .send(new ListObjectsV2Command({ Bucket, Prefix: checkKey(prefix), ContinuationToken: token }))
          .catch(orAway)
        for (const { Key: key, Size: bytes, LastModified: modifiedAt } of page.Contents ?? [])
          if (key !== undefined && bytes !== undefined && modifiedAt !== undefined)
            yield { key, bytes, modifiedAt }
        token = page.NextContinuationToken
        if (token === undefined) return
      }
    },
    async *children(prefix) {
      for (let token: string | undefined; ;) {
        const page = await client
          .send(
            new ListObjectsV2Command({
              ...{ Bucket, Prefix: checkKey(prefix), Delimiter: '/', ContinuationToken: token },
            }),
          )
          .catch(orAway)
        for (const { Prefix: below } of page.CommonPrefixes ?? []) if (below !== undefined) yield below
        for (const { Key: key } of page.Contents ?? []) if (key !== undefined) yield key
        token = page.NextContinuationToken
        if (token === undefined) return
      }
    },
    async delete(keys) {
      for (let from = 0; from < keys.length; from += deleteAtOnce) {
        const Objects = keys.slice(from, from + deleteAtOnce).map((key) => ({ Key: checkKey(key) }))
        await client
          .send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }))
          .catch(orAway)
      }
    },
    signedUrl: (key, seconds) =>
      settings.public
        ? getSignedUrl(client, new GetObjectCommand({ Bucket, Key: checkKey(key) }), { expiresIn: seconds })
        : Promise.resolve(undefined),
    async check() {
      try {
        await client.send(new HeadBucketCommand({ Bucket }))
        return undefined
      } catch (error) {
        return error instanceof Error ? error.message : String(error)
      }
    },
    close() {
      client.destroy()
    },
  }
}
