import { createWriteStream } from 'node:fs'
import { mkdir, rm, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { FileStore } from '@tus/file-store'

/** The bytes of uploads that are not tracks yet, each in a file named by its id, which is ours and never a client's. */
export interface UploadFiles {
  readonly store: FileStore
  pathOf(id: string): string
  /** How many bytes have arrived, and when the last of them did; undefined: nothing is there. */
  arrived(id: string): Promise<{ readonly bytes: number; readonly at: Date } | undefined>
  remove(id: string): Promise<void>
  /** undefined = uploads can be stored; otherwise what is wrong. */
  check(): Promise<string | undefined>
}

class UploadStore extends FileStore {
  constructor(options: ConstructorParameters<typeof FileStore>[0]) {
    super(options)
    // Room in a person's quota is kept for as much as they said.
    this.extensions = this.extensions.filter((name) => name !== 'creation-defer-length')
  }

  /** As tus' own, which does not tell a full disk from anything else. */
  override async write(piece: Readable, id: string, offset: number): Promise<number> {
    const file = createWriteStream(join(this.directory, id), { flags: 'r+', start: offset })
    await pipeline(piece, file)
    return offset + file.bytesWritten
  }
}

/** @param folder made when it is missing @param expiryMs told to clients as Upload-Expires */
export const uploadFiles = async (folder: string, expiryMs: number): Promise<UploadFiles> => {
  const directory = resolve(folder)
  await mkdir(directory, { recursive: true })
  const pathOf = (id: string): string => join(directory, id)
  return {
    store: new UploadStore({ directory, expirationPeriodInMilliseconds: expiryMs }),
    pathOf,
    async arrived(id) {
      try {
        const { size, mtime } = await stat(pathOf(id))
        return { bytes: size, at: mtime }
      } catch {
        return undefined
      }
    },
    async remove(id) {
      await rm(pathOf(id), { force: true })
      await rm(`${pathOf(id)}.json`, { force: true })
    },
    async check() {
      try {
        await stat(directory)
        return undefined
      } catch (error) {
        return error instanceof Error ? error.message : String(error)
      }
    },
  }
}
