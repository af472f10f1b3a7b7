import { mkdtemp, readdir, readFile, readlink, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { EnvironmentError } from '../env/index.ts'
import { startS3 } from '../testing/s3.ts'
import {
  filesystemObjects,
  type Objects,
  type ObjectsSettings,
  ObjectsUnavailable,
  openObjects,
  s3Objects,
} from './index.ts'

let dir: string
const closers: (() => unknown)[] = []

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'veza-objects-'))
})
afterAll(async () => {
  for (const close of closers) await close()
  await rm(dir, { recursive: true })
})

const openS3 = async (): Promise<Objects> => {
  const server = await startS3(join(dir, 's3'))
  const objects = s3Objects({ ...server, region: 'us-east-1', public: true })
  closers.push(
    () => {
      objects.close()
    },
    () => server.close(),
  )
  return objects
}

/** A server that answers everything like this, as none that we start does. */
const openStub = async (
  answer: (response: ServerResponse) => unknown,
  settings: { answerMs?: number } = {},
): Promise<Objects> => {
  const server = createServer((_request, response) => {
    answer(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const objects = s3Objects({
    ...{ endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, bucket: 'veza' },
    ...{ region: 'us-east-1', accessKeyId: 'veza', secretAccessKey: 'secret', public: false },
    ...settings,
  })
  closers.push(() => {
    objects.close()
    server.closeAllConnections()
    server.close()
  })
  return objects
}

describe.each([
  ['a folder', () => Promise.resolve(filesystemObjects(join(dir, 'folder')))],
  ['an S3 server', openS3],
])('objects in %s', (_where, open) => {
  let objects: Objects
  beforeAll(async () => {
    objects = await open()
  })
  const read = async (key: string, range?: { start: number; end: number }) => {
    const stream = await objects.read(key, range)
    return stream && text(stream)
  }
  const keys = async (prefix: string) => {
    const found = []
    for await (const { key } of objects.list(prefix)) found.push(key)
    return found.sort()
  }

  it('come back as they were stored, from bytes and from a file', async () => {
    await writeFile(join(dir, 'file'), 'from a file')
    await objects.put('a/bytes.txt', Buffer.from('from bytes'), 'text/plain')
    await objects.put('a/file.txt', { path: join(dir, 'file') }, 'text/plain')
    expect(await read('a/bytes.txt')).toBe('from bytes')
    expect(await read('a/file.txt')).toBe('from a file')
    expect(await objects.head('a/file.txt')).toMatchObject({ key: 'a/file.txt', bytes: 11 })
  })

  it('come in part', async () => {
    await objects.put('a/part.txt', Buffer.from('0123456789'), 'text/plain')
    expect(await read('a/part.txt', { start: 2, end: 4 })).toBe('234')
    expect(await read('a/part.txt', { start: 9, end: 9 })).toBe('9')
  })

  it('are replaced by what is stored later', async () => {
    await objects.put('a/twice.txt', Buffer.from('old'), 'text/plain')
    await objects.put('a/twice.txt', Buffer.from('new'), 'text/plain')
    expect(await read('a/twice.txt')).toBe('new')
  })

  it('are missing without an error', async () => {
    expect(await objects.head('a/none')).toBeUndefined()
    expect(await read('a/none')).toBeUndefined()
    await objects.delete(['a/none'])
    expect(await keys('none/')).toEqual([])
  })

  it('are listed by prefix and deleted', async () => {
    for (const key of ['l/1/a.txt', 'l/1/b.txt', 'l/2/a.txt'])
      await objects.put(key, Buffer.from(key), 'text/plain')
    expect(await keys('l/1/')).toEqual(['l/1/a.txt', 'l/1/b.txt'])
    expect(await keys('l/')).toEqual(['l/1/a.txt', 'l/1/b.txt', 'l/2/a.txt'])
    expect(await keys('l/1/b')).toEqual(['l/1/b.txt'])
    expect(await keys('l')).toEqual(['l/1/a.txt', 'l/1/b.txt', 'l/2/a.txt'])
    await objects.delete(['l/1/a.txt', 'l/2/a.txt'])
    expect(await keys('l/')).toEqual(['l/1/b.txt'])
  })

  it('are told apart by what lies directly below a prefix', async () => {
    for (const key of ['c/1/a.txt', 'c/1/b/c.txt', 'c/2/a.txt', 'c/file'])
      await objects.put(key, Buffer.from(key), 'text/plain')
    const children = async (prefix = 'c/') => {
      const found = []
      for await (const child of objects.children(prefix)) found.push(child)
      return found.sort()
    }
    expect(await children()).toEqual(['c/1/', 'c/2/', 'c/file'])
    await objects.delete(['c/1/a.txt', 'c/1/b/c.txt'])
    expect(await children()).toEqual(['c/2/', 'c/file'])
    await objects.put('c/1/b/c.txt', Buffer.from('again'), 'text/plain')
    expect(await read('c/1/b/c.txt')).toBe('again')
    expect(await children('none/')).toEqual([])
  })

  it('are none when there is no file to make them of', async () => {
    await expect(objects.put('a/gone.txt', { path: join(dir, 'gone') }, 'text/plain')).rejects.toThrow(
      'ENOENT',
    )
    expect(await objects.head('a/gone.txt')).toBeUndefined()
  })

  it('stay when drafts are swept', async () => {
    await objects.put('d/whole.txt', Buffer.from('whole'), 'text/plain')
    await objects.sweepDrafts(new Date(Date.now() + 60_000))
    expect(await read('d/whole.txt')).toBe('whole')
  })

  it.each(['../up', '/root', 'a/../b', 'a//b', 'a/.hidden', '.hidden', '', 'a\0b', 'a b'])(
    'have no key %j',
    async (key) => {
      await expect(objects.put(key, Buffer.from('x'), 'text/plain')).rejects.toThrow(RangeError)
      await expect(objects.read(key)).rejects.toThrow(RangeError)
    },
  )

  it('are well', async () => {
    expect(await objects.check()).toBeUndefined()
  })
})

describe('a folder', () => {
  it('has nothing half-written left when a file is missing', async () => {
    const objects = filesystemObjects(join(dir, 'half'))
    await expect(objects.put('a/b', { path: join(dir, 'not-there') }, 'text/plain')).rejects.toThrow('ENOENT')
    expect(await readdir(join(dir, 'half/.drafts'))).toEqual([])
    expect(await objects.signedUrl('a/b', 60)).toBeUndefined()
  })

  it('has what killed puts left removed, and nothing of a put under way', async () => {
    const objects = filesystemObjects(join(dir, 'killed'))
    await objects.sweepDrafts(new Date())
    await objects.put('a/b', Buffer.from('x'), 'text/plain')
    const drafts = join(dir, 'killed/.drafts')
    for (const name of ['old', 'young']) await writeFile(join(drafts, name), 'half')
    const limit = new Date(Date.now() - 60_000)
    await utimes(join(drafts, 'old'), limit, new Date(limit.getTime() - 1))
    await objects.sweepDrafts(limit)
    expect(await readdir(drafts)).toEqual(['young'])
  })

  it('has no object below another one, none that is deleted while they are listed, and none that is no file', async () => {
    const objects = filesystemObjects(join(dir, 'odd'))
    for (const key of ['a/1', 'a/2', 'a/3']) await objects.put(key, Buffer.from(key), 'text/plain')
    await symlink('1', join(dir, 'odd/a/link'))
    expect(await objects.head('a/1/below')).toBeUndefined()
    expect(await objects.read('a/1/below')).toBeUndefined()
    const children = []
    for await (const child of objects.children('a/')) children.push(child)
    expect(children.sort()).toEqual(['a/1', 'a/2', 'a/3'])
    const listed = []
    for await (const { key } of objects.list('a/')) {
      listed.push(key)
      await objects.delete(['a/1', 'a/2', 'a/3'])
    }
    expect(listed).toHaveLength(1)
  })

  it('says what is wrong with it', async () => {
    await writeFile(join(dir, 'in-the-way'), '')
    expect(await filesystemObjects(join(dir, 'in-the-way')).check()).toContain('EEXIST')
  })
})

describe('an S3 server', () => {
  it('gives clients URLs that are good for a while', async () => {
    const objects = await openS3()
    await objects.put('a/signed.txt', Buffer.from('signed'), 'audio/mp4')
    const url = (await objects.signedUrl('a/signed.txt', 60)) ?? ''
    const response = await fetch(url)
    expect([response.status, response.headers.get('content-type'), await response.text()]).toEqual([
      200,
      'audio/mp4',
      'signed',
    ])
    expect(new URL(url).searchParams.get('X-Amz-Expires')).toBe('60')
  })

  it('that is away is told from an object that is missing', async () => {
    const server = await startS3(join(dir, 's3-away'))
    const objects = s3Objects({ ...server, region: 'us-east-1', public: false })
    await server.close()
    await expect(objects.head('a/b')).rejects.toThrow(ObjectsUnavailable)
    await expect(objects.put('a/b', Buffer.from('x'), 'text/plain')).rejects.toThrow(ObjectsUnavailable)
    expect(await objects.check()).toBeTypeOf('string')
    expect(await objects.signedUrl('a/b', 60)).toBeUndefined()
    objects.close()
  })

  it.each([429, 500, 503])('that answers %i is away for now', async (status) => {
    const objects = await openStub((response) => response.writeHead(status).end())
    await expect(objects.read('a/b')).rejects.toThrow(ObjectsUnavailable)
  })

  it('that says nothing at all is away for now', async () => {
    const objects = await openStub(() => undefined, { answerMs: 100 })
    await writeFile(join(dir, 'small'), 'x')
    const asked = [
      objects.head('a/b'),
      objects.put('a/b', Buffer.from('x'), 'text/plain'),
      objects.put('a/b', { path: join(dir, 'small') }, 'text/plain'),
    ]
    await Promise.all(asked.map((one) => expect(one).rejects.toThrow(ObjectsUnavailable)))
  })

  it('has the file that it was to store closed, whatever became of it', async () => {
    const path = join(dir, 'large')
    await writeFile(path, Buffer.alloc(2_000_000))
    const descriptors = async () => {
      const open = await readdir('/proc/self/fd')
      const names = await Promise.all(
        open.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => undefined)),
      )
      return names.filter((name) => name === path)
    }
    const away = await openStub((response) => response.writeHead(503, { connection: 'close' }).end())
    await expect(away.put('a/b', { path }, 'text/plain')).rejects.toThrow(ObjectsUnavailable)
    const there = await openS3()
    await there.put('a/b', { path }, 'text/plain')
    expect(await there.head('a/b')).toMatchObject({ bytes: 2_000_000 })
    await vi.waitFor(async () => {
      expect(await descriptors()).toEqual([])
    })
    // What cannot be read is nobody's fault there.
    await expect(there.put('a/c', { path: dir }, 'text/plain')).rejects.toThrow('EISDIR')
    expect(await there.head('a/c')).toBeUndefined()
  })

  it.each([
    ['size', { 'last-modified': 'Tue, 24 Nov 2026 12:30:00 GMT' }],
    ['time', { 'content-length': '3' }],
  ])('whose answer has no %s is none to work with', async (what, headers) => {
    const objects = await openStub((response) => response.writeHead(200, headers).end())
    await expect(objects.head('a/b')).rejects.toThrow(
      new ObjectsUnavailable(`it does not say the ${what} of a/b`),
    )
  })

  it.each([
    ['size', 'a/b', '<Key>a/b</Key><LastModified>2026-11-24T12:30:00.000Z</LastModified>'],
    ['time', 'a/b', '<Key>a/b</Key><Size>3</Size>'],
    ['key', 'a/', '<Size>3</Size><LastModified>2026-11-24T12:30:00.000Z</LastModified>'],
  ])('whose listing has no %s is none to work with', async (what, of, contents) => {
    const objects = await openStub((response) =>
      response.end(`<ListBucketResult><Contents>${contents}</Contents></ListBucketResult>`),
    )
    const list = async () => {
      for await (const { key } of objects.list('a/')) expect(key).toBe('a/b')
    }
    await expect(list()).rejects.toThrow(new ObjectsUnavailable(`it does not say the ${what} of ${of}`))
  })

  it('that does not let us in has to be told of, not waited for', async () => {
    const server = await startS3(join(dir, 's3-closed'))
    const objects = s3Objects({ ...server, accessKeyId: 'nobody', region: 'us-east-1', public: false })
    const refused = { $metadata: { httpStatusCode: 403 } }
    await expect(objects.read('a/b')).rejects.toMatchObject(refused)
    await expect(objects.put('a/b', Buffer.from('x'), 'text/plain')).rejects.toMatchObject(refused)
    objects.close()
    await server.close()
  })

  it('is opened by its settings, and by nothing less', async () => {
    const settings = {
      ...{ OBJECTS_DIR: join(dir, 'by-settings'), S3_BUCKET: 'veza', S3_REGION: 'us-east-1' },
      ...{ S3_PUBLIC: false, S3_SECRET_ACCESS_KEY: undefined },
      S3_ACCESS_KEY_ID: 'veza' as string | undefined,
    }
    const folder = openObjects({ ...settings, S3_ENDPOINT: undefined })
    await folder.put('a/b', Buffer.from('x'), 'text/plain')
    expect(await readFile(join(dir, 'by-settings/a/b'), 'utf8')).toBe('x')
    const open = (given: Partial<ObjectsSettings>) => () =>
      openObjects({ ...settings, S3_ENDPOINT: 'http://127.0.0.1:1', ...given })
    expect(open({})).toThrow(
      new EnvironmentError(['S3_SECRET_ACCESS_KEY is missing: the store at S3_ENDPOINT asks for it']),
    )
    const store = open({ S3_SECRET_ACCESS_KEY: 'secret' })()
    await expect(store.head('a/b')).rejects.toThrow(ObjectsUnavailable)
    store.close()
    expect(open({ S3_ACCESS_KEY_ID: undefined, S3_SECRET_ACCESS_KEY: 'secret' })).toThrow(
      new EnvironmentError(['S3_ACCESS_KEY_ID is missing: the store at S3_ENDPOINT asks for it']),
    )
  })
})
