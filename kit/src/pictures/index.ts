import sharp, { type Metadata } from 'sharp'

/** A square picture, WebP, without any metadata. */
export interface Rendition<S extends number = number> {
  /** Pixels of a side. */
  readonly size: S
  readonly content: Buffer
}

/** What renderPicture was given is no picture that it takes. */
export class PictureInvalid extends Error {
  override readonly name = 'PictureInvalid'
}

/** Media types of the pictures that are taken. */
export const pictureTypes = ['image/png', 'image/jpeg', 'image/webp'] as const

/** So large a picture may be, bytes, for the routes that take one. */
export const maxPictureBytes = 8 * 1024 * 1024

const formats = new Set<Metadata['format']>(['png', 'jpeg', 'webp'])

/** Pixels that are decoded at most: 24 megapixels are some 100 MB of memory while it lasts. */
const mostPixels = 24_000_000

const renditionOf = async <S extends number>(picture: Uint8Array, size: S): Promise<Rendition<S>> => {
  const content = await sharp(picture, { limitInputPixels: mostPixels, failOn: 'error' })
    // What a camera writes into EXIF says which way is up; the rest of it, places too, is not taken over.
    .autoOrient()
    .resize(size, size, { fit: 'cover', position: 'attention' })
    .webp({ quality: 82 })
    .toBuffer()
  return { size, content }
}

/**
 * Decodes a picture and encodes it anew in every size, so that nothing of the bytes that somebody sent is served. One
 * after the other: memory is bounded by one picture a call. Of an animation the first frame counts.
 *
 * @param sizes pixels of a side
 * @throws PictureInvalid for anything but a PNG, JPEG or WebP of at most 24 megapixels
 */
export const renderPicture = async <S extends number>(
  picture: Uint8Array,
  sizes: readonly S[],
): Promise<Rendition<S>[]> => {
  try {
    const { format } = await sharp(picture, { limitInputPixels: mostPixels }).metadata()
    if (!formats.has(format)) throw new Error(`a picture of another format: ${format}`)
    const renditions: Rendition<S>[] = []
    for (const size of sizes) renditions.push(await renditionOf(picture, size))
    return renditions
  } catch (cause) {
    // Whatever libvips finds wrong is wrong with the bytes: it has no other source.
    throw new PictureInvalid('no PNG, JPEG or WebP of at most 24 megapixels', { cause })
  }
}
