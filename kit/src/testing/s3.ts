import { createRequire } from 'node:module'

type S3rver = new (options: {
  directory: string
  port: number
  address: string
  silent: boolean
  configureBuckets: { name: string }[]
}) => { run(): Promise<{ port: number }>; close(): Promise<void> }

interface Account {
  createKeyPair(accessKeyId: string, secretAccessKey: string): void
}

// It has no types of its own.
const require = createRequire(import.meta.url)
const Server = require('s3rver') as S3rver
const AWSAccount = require('s3rver/lib/models/account') as new (id: string, displayName: string) => Account

/** Of its own account the secret is shorter than what Veza's settings take. */
const [accessKeyId, secretAccessKey] = ['VEZATEST', 'the secret of a store of tests'] as const
new AWSAccount('000000000001', accessKeyId).createKeyPair(accessKeyId, secretAccessKey)

/** An S3 server of one test's own, with a bucket. */
export interface S3Server {
  readonly endpoint: string
  readonly bucket: string
  /** The only pair that it takes. */
  readonly accessKeyId: string
  readonly secretAccessKey: string
  close(): Promise<void>
}

/** @param directory where it keeps its objects */
export const startS3 = async (directory: string, port = 0): Promise<S3Server> => {
  const bucket = 'veza'
  const server = new Server({
    ...{ directory, port, address: '127.0.0.1', silent: true, configureBuckets: [{ name: bucket }] },
  })
  const { port: listening } = await server.run()
  return {
    ...{ endpoint: `http://127.0.0.1:${listening}`, bucket },
    ...{ accessKeyId, secretAccessKey },
    close: () => server.close(),
  }
}
