import sharp from 'sharp'
import { expect, it } from 'vitest'
import { PictureInvalid, renderPicture } from './index.ts'

const picture = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: '#a0c' } })

it('gives a square WebP of each size, with nothing of what the camera wrote', async () => {
  const taken = await picture(300, 200)
    .withExif({ IFD0: { Artist: 'somebody' } })
    .jpeg()
    .toBuffer()
  expect((await sharp(taken).metadata()).exif?.toString('latin1')).toContain('somebody')
  const renditions = await renderPicture(taken, [64, 128])
  expect(renditions.map(({ size }) => size)).toEqual([64, 128])
  for (const { size, content } of renditions) {
    const { format, width, height, exif } = await sharp(content).metadata()
    expect({ format, width, height, exif }).toEqual({
      format: 'webp',
      width: size,
      height: size,
      exif: undefined,
    })
    expect(content.toString('latin1')).not.toContain('somebody')
  }
})

it.each([
  ['a format that is not taken', () => picture(20, 20).gif().toBuffer()],
  ['no picture', () => Promise.resolve(Buffer.from('no picture'))],
  ['one that was cut off', async () => (await picture(400, 400).png().toBuffer()).subarray(0, 120)],
  ['one of too many pixels', () => picture(5_000, 5_000).png().toBuffer()],
])('takes no %s', async (_, make) => {
  await expect(renderPicture(await make(), [64])).rejects.toThrow(PictureInvalid)
})
