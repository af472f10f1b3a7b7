import { type AnswerSeal } from '@veza/kit/http'
import { type Sealing, SubjectErased } from '@veza/kit/sealing'
import { type PrivateProfile, type Profile, type Settings, unknownUser } from '../domain/user.ts'

/** What users keeps of people in sealed form: by document, what is in it. */
interface Documents {
  profile: Profile
  'private-profile': PrivateProfile
  settings: Settings
}
export type DocumentName = keyof Documents

/** What a document says where nothing was said. Fields that a later release adds come from here. */
const empty: Documents = {
  profile: unknownUser.profile,
  'private-profile': unknownUser.privateProfile,
  settings: unknownUser.settings,
}

// An event and the row that it was copied to hold the same bytes, so their place is the person and what it is.
const place = (userId: string, column: string) => ({ table: 'users.events', row: userId, column })
const answerOf = (userId: string) => ({ table: 'http_answers', row: userId, column: 'answer' })

export type SealedDocument = {
  readonly userId: string
  readonly name: DocumentName
  readonly sealed: Uint8Array
}

/** Seals and opens documents about people. */
export interface PersonalData {
  /** Rejects SubjectErased. */
  seal<N extends DocumentName>(userId: string, name: N, document: Documents[N]): Promise<Buffer>
  /** In order, all in one go; undefined = the person was erased. Rejects SealBroken. */
  open(documents: readonly SealedDocument[]): Promise<(Documents[DocumentName] | undefined)[]>
  openOne<N extends DocumentName>(
    userId: string,
    name: N,
    sealed: Uint8Array | null,
  ): Promise<Documents[N] | undefined>
  /** The answers that are given again to writes that come again, which say what the person said. */
  readonly answers: AnswerSeal
}

/** Seals under the data key of each person. */
export const createPersonalData = (sealing: Sealing): PersonalData => {
  const sealText = async (userId: string, column: string, text: string): Promise<Buffer> => {
    const [sealed] = await sealing.seal([
      { subject: userId, plain: Buffer.from(text), place: place(userId, column) },
    ])
    if (sealed === undefined) throw new Error('nothing was sealed')
    return sealed
  }
  const answers: AnswerSeal = {
    async seal(userId, plain) {
      try {
        const [sealed] = await sealing.seal([{ subject: userId, plain, place: answerOf(userId) }])
        return sealed
      } catch (error) {
        if (error instanceof SubjectErased) return undefined
        throw error
      }
    },
    async open(userId, sealed) {
      const [opened] = await sealing.open([{ sealed, place: answerOf(userId) }])
      return opened?.state === 'open' ? opened.plain : undefined
    },
  }
  const open: PersonalData['open'] = async (documents) => {
    const opened = await sealing.open(
      documents.map(({ userId, name, sealed }) => ({ sealed, place: place(userId, name) })),
    )
    return opened.map((result, index) => {
      const name = documents[index]?.name
      if (result.state === 'erased' || name === undefined) return undefined
      // Nobody else can have written it: the tag says so.
      return { ...empty[name], ...(JSON.parse(result.plain.toString()) as object) }
    })
  }
  return {
    seal: (userId, name, document) => sealText(userId, name, JSON.stringify(document)),
    open,
    answers,
    async openOne<N extends DocumentName>(userId: string, name: N, sealed: Uint8Array | null) {
      if (sealed === null) return empty[name]
      const [document] = await open([{ userId, name, sealed }])
      return document as Documents[N] | undefined
    },
  }
}
