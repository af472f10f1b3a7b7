import { type Rendition } from '@veza/kit/pictures'
import { type Sealing } from '@veza/kit/sealing'
import { type Kysely } from 'kysely'
import { type AvatarSize, type UsersDatabase } from './schema.ts'

/** A rendition as it is stored. */
export interface SealedRendition {
  readonly size: AvatarSize
  readonly content: Buffer
}

const place = (avatarId: string, size: AvatarSize) => ({
  table: 'avatars',
  row: `${avatarId}/${size}`,
  column: 'content',
})

/** A picture is personal as a name is: it lies sealed, so that copies of the database can't show it once it is erased. */
export const sealAvatar = async (
  sealing: Sealing,
  {
    userId,
    avatarId,
    renditions,
  }: { userId: string; avatarId: string; renditions: readonly Rendition<AvatarSize>[] },
): Promise<SealedRendition[]> => {
  const sealed = await sealing.seal(
    renditions.map(({ size, content }) => ({
      subject: userId,
      plain: content,
      place: place(avatarId, size),
    })),
  )
  return renditions.map(({ size }, index) => ({ size, content: sealed[index] ?? Buffer.of() }))
}

/** In the transaction that says so, after the picture before it is gone. */
export const storeAvatar = async (
  trx: Kysely<UsersDatabase>,
  {
    userId,
    avatarId,
    renditions,
  }: { userId: string; avatarId: string; renditions: readonly SealedRendition[] },
): Promise<void> => {
  const rows = renditions.map((rendition) => ({ ...rendition, avatar_id: avatarId, user_id: userId }))
  await trx.insertInto('avatars').values(rows).execute()
}

/** WebP; undefined when there is no such picture any more. */
export const readAvatar = async (
  db: Kysely<UsersDatabase>,
  sealing: Sealing,
  avatarId: string,
  size: AvatarSize,
): Promise<Buffer | undefined> => {
  const row = await db
    .selectFrom('avatars')
    .select('content')
    .where('avatar_id', '=', avatarId)
    .where('size', '=', size)
    .executeTakeFirst()
  if (row === undefined) return undefined
  const [opened] = await sealing.open([{ sealed: row.content, place: place(avatarId, size) }])
  return opened?.state === 'open' ? opened.plain : undefined
}
