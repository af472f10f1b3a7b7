import { type Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { randomUUID } from 'node:crypto'
import { type Objects } from '@veza/kit/objects'
import { renderPicture } from '@veza/kit/pictures'

/** Pixels of a side: in lists, beside a player, on the whole of a screen. */
export const coverSizes = [96, 320, 1024] as const
export type CoverSize = (typeof coverSizes)[number]

/** Pictures of tracks, each encoded anew, in the object store beside the streams. */
export interface Covers {
  /**
   * @returns the id of what is stored, not to be guessed: whoever has the address may see it, as an <img> shows no token
   * @throws PictureInvalid; ObjectsUnavailable
   */
  store(picture: Uint8Array): Promise<string>
  /** WebP; undefined: there is none. */
  read(cover: string, size: CoverSize): Promise<Buffer | undefined>
}

const keyOf = (cover: string, size: CoverSize): string => `covers/${cover}/${size}.webp`

export const openCovers = (objects: Objects): Covers => ({
  async store(picture) {
    const renditions = await renderPicture(picture, coverSizes)
    const cover = randomUUID()
    for (const { size, content } of renditions) await objects.put(keyOf(cover, size), content, 'image/webp')
    return cover
  },
  async read(cover, size) {
    const stream: Readable | undefined = await objects.read(keyOf(cover, size))
    return stream && buffer(stream)
  },
})
