import sharp, { type Metadata } from 'sharp'
import { Rejection } from '../domain/rejection.ts'
import { type AvatarSize, avatarSizes } from './schema.ts'

/** A square picture, WebP, without any metadata. */
export interface Rendition {
  readonly size: AvatarSize
  readonly content: Buffer
}

const formats = new Set<Metadata['format']>(['png', 'jpeg', 'webp'])

/** Pixels that are decoded at most: 24 megapixels are some 100 MB of memory while it lasts. */
const mostPixels = 24_000_000

const renditionOf = async (picture: Uint8Array, size: AvatarSize): Promise<Rendition> => {
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
 * after the other: memory is bounded by one picture a call. Of an animation the first frame counts. Rejects Rejection
 * `picture-invalid` for anything but a PNG, JPEG or WebP of at most 24 megapixels.
 */
export const renderAvatar = async (picture: Uint8Array): Promise<Rendition[]> => {
  try {
    const { format } = await sharp(picture, { limitInputPixels: mostPixels }).metadata()
    if (!formats.has(format)) throw new Rejection('picture-invalid')
    const renditions: Rendition[] = []
    for (const size of avatarSizes) renditions.push(await renditionOf(picture, size))
    return renditions
  } catch {
    // Whatever libvips finds wrong is wrong with the bytes: it has no other source.
    throw new Rejection('picture-invalid')
  }
}
