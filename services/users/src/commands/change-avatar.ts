import { randomUUID } from 'node:crypto'
import { PictureInvalid, renderPicture } from '@veza/kit/pictures'
import { SubjectErased } from '@veza/kit/sealing'
import { sealAvatar, storeAvatar } from '../adapters/avatars.ts'
import { avatarSizes } from '../adapters/schema.ts'
import { Rejection } from '../domain/rejection.ts'
import { type Caller, type CommandDeps } from './deps.ts'
import { type ChangedUser, onUser } from './on-user.ts'

/** Gives the caller a picture, of the bytes of a PNG, JPEG or WebP; null takes it away. Throws Rejection. */
export const changeAvatar =
  (deps: CommandDeps) =>
  async (caller: Caller, picture: Uint8Array | null): Promise<ChangedUser> => {
    const change = onUser(deps)
    if (picture === null) return change(caller, [{ type: 'change-avatar', avatarId: null }])
    const { userId } = caller
    const renditions = await renderPicture(picture, avatarSizes).catch((error: unknown) => {
      throw error instanceof PictureInvalid ? new Rejection('picture-invalid') : error
    })
    // Unguessable: whoever has its address may see it, as an <img> shows no token.
    const avatarId = randomUUID()
    // Erased people get no picture; the command says so better than the sealing would.
    const sealed = await sealAvatar(deps.sealing, { userId, avatarId, renditions }).catch(
      (error: unknown) => {
        if (error instanceof SubjectErased) throw new Rejection('user-erased')
        throw error
      },
    )
    return change(caller, [{ type: 'change-avatar', avatarId }], {
      alongside: (trx) => storeAvatar(trx, { userId, avatarId, renditions: sealed }),
    })
  }
