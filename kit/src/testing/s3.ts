import { createRequire } from 'node:module'

type S3rver = new (options: {
  directory: string
  port: number
  address: string
  silent: boolean
  configureBuckets: { name: string }[]
}) => { run(): Promise<{ port: number }>; close(): Promise<void> }

// It has no types of its own.
const Server = createRequire(import.meta.url)('s3rver') as S3rver

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
    ...{ accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' },
    close: () => server.close(),
  }
}
