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
  type S3ServiceException,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { messageOf } from '../log/index.ts'
import { checkKey, type ObjectInfo, type Objects, ObjectsUnavailable } from './types.ts'

/** Where objects lie, and who we are there. */
export interface S3Settings {
  readonly endpoint: string
  readonly bucket: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Whether clients reach the endpoint too, so that they may be sent there. */
  readonly public: boolean
  /** How long an answer may take to begin, beside the time that it takes to send a file; 20 s unless given. */
  readonly answerMs?: number
}

/** undefined: there was no answer. */
const statusOf = (error: unknown): number | undefined =>
  (error as Partial<S3ServiceException>).$metadata?.httpStatusCode

const orAway = (error: unknown): never => {
  const status = statusOf(error)
  throw status === undefined || status === 429 || status >= 500 ? new ObjectsUnavailable(error) : error
}

const orMissing = (error: unknown): undefined => (statusOf(error) === 404 ? undefined : orAway(error))

/**
 * What the SDK's types allow to be left out, though S3 never does.
 *
 * @throws ObjectsUnavailable, since a store or a proxy that leaves it out is none that we could work with
 */
const said = <T>(value: T | undefined, what: string, of: string): T => {
  if (value === undefined) throw new ObjectsUnavailable(`it does not say the ${what} of ${of}`)
  return value
}

const infoOf = (key: string, bytes: number | undefined, modifiedAt: Date | undefined): ObjectInfo => ({
  key,
  bytes: said(bytes, 'size', key),
  modifiedAt: said(modifiedAt, 'time', key),
})

/** What is sent more slowly, bytes a millisecond, is not sent. */
const slowest = 250

/** S3 deletes so many at once. */
const deleteAtOnce = 1_000

/** Objects in a bucket of any store that speaks S3. The bucket must exist. */
export const s3Objects = (settings: S3Settings): Objects => {
  const { bucket: Bucket, answerMs = 20_000 } = settings
  const timeFor = (bytes: number): number => answerMs + Math.ceil(bytes / slowest)
  const client = new S3Client({
    endpoint: settings.endpoint,
    region: settings.region,
    forcePathStyle: true,
    credentials: { accessKeyId: settings.accessKeyId, secretAccessKey: settings.secretAccessKey },
    // Stores other than Amazon's often don't know the checksums that newer SDKs send by themselves.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 3,
    requestHandler: { connectionTimeout: 3_000, requestTimeout: answerMs, throwOnRequestTimeout: true },
  })

  async function* pages(prefix: string, Delimiter?: '/') {
    let token: string | undefined
    do {
      const page = await client
        .send(
          new ListObjectsV2Command({ Bucket, Prefix: checkKey(prefix), Delimiter, ContinuationToken: token }),
        )
        .catch(orAway)
      yield page
      token = page.NextContinuationToken
    } while (token !== undefined)
  }

  return {
    async put(key, content, contentType) {
      const about = { Bucket, Key: checkKey(key), ContentType: contentType }
      if (Buffer.isBuffer(content)) {
        const command = new PutObjectCommand({ ...about, Body: content, ContentLength: content.length })
        await client.send(command, { requestTimeout: timeFor(content.length) }).catch(orAway)
        return
      }
      const { size: ContentLength } = await stat(content.path)
      const Body = createReadStream(content.path)
      const unread = new AbortController()
      // The SDK listens for no error of what it reads, and leaves it open when it has not read all of it.
      const failed = new Promise<never>((_resolve, reject) => {
        Body.once('error', (error) => {
          reject(error)
          unread.abort()
        })
      })
      const command = new PutObjectCommand({ ...about, Body, ContentLength })
      try {
        const options = { abortSignal: unread.signal, requestTimeout: timeFor(ContentLength) }
        await Promise.race([failed, client.send(command, options).catch(orAway)])
      } finally {
        Body.destroy()
      }
    },
    async head(key) {
      const found = await client.send(new HeadObjectCommand({ Bucket, Key: checkKey(key) })).catch(orMissing)
      return found && infoOf(key, found.ContentLength, found.LastModified)
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
      for await (const { Contents = [] } of pages(prefix))
        for (const { Key, Size, LastModified } of Contents)
          yield infoOf(said(Key, 'key', prefix), Size, LastModified)
    },
    async *children(prefix) {
      for await (const { CommonPrefixes = [], Contents = [] } of pages(prefix, '/')) {
        for (const { Prefix } of CommonPrefixes) yield said(Prefix, 'prefix', prefix)
        for (const { Key } of Contents) yield said(Key, 'key', prefix)
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
    // One request puts an object, whole or not at all: no store keeps the parts of one that was broken off.
    sweepDrafts: () => Promise.resolve(),
    signedUrl: (key, seconds) =>
      settings.public
        ? getSignedUrl(client, new GetObjectCommand({ Bucket, Key: checkKey(key) }), { expiresIn: seconds })
        : Promise.resolve(undefined),
    async check() {
      try {
        await client.send(new HeadBucketCommand({ Bucket }))
        return undefined
      } catch (error) {
        return messageOf(error)
      }
    },
    close() {
      client.destroy()
    },
  }
}
