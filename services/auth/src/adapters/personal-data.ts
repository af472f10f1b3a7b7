import { type Sealing } from '@veza/kit/sealing'

/** What auth knows of a person and keeps sealed only. */
export type PersonalField = 'email' | 'displayName' | 'subject' | 'address' | 'client'

/** What registering says of a person. */
export interface Introduction<T> {
  readonly email: T
  readonly displayName: T
}

export interface PersonalData {
  /** Seals fields of one person, in one go. What is not given stays null. Rejects SubjectErased. */
  seal<F extends PersonalField>(
    userId: string,
    fields: Readonly<Record<F, string | undefined>>,
  ): Promise<Record<F, Buffer | null>>
  /** Seals what many people say of themselves, in one go and in order. Rejects SubjectErased. */
  sealIntroductions(
    people: readonly ({ readonly userId: string } & Introduction<string>)[],
  ): Promise<Introduction<Buffer>[]>
  /** The same of one. */
  sealIntroduction(userId: string, said: Introduction<string>): Promise<Introduction<Buffer>>
  /** Opens what was said, of which the name may be a text still. undefined: the person was erased. Rejects SealBroken. */
  openIntroduction(
    userId: string,
    said: { readonly email: Buffer | null; readonly displayName: Buffer | string | null },
  ): Promise<Introduction<string> | undefined>
  /** Seals one field. */
  sealOne(userId: string, field: PersonalField, text: string): Promise<Buffer>
  /** Opens in one go; null for what is null, and for what was erased. Rejects SealBroken. */
  open(
    items: readonly { userId: string; field: PersonalField; sealed: Uint8Array | null }[],
  ): Promise<(string | null)[]>
}

// An event and the row that it was copied to hold the same bytes, so their place is the person, not the row.
const place = (userId: string, field: PersonalField) => ({ table: 'auth.events', row: userId, column: field })

/** Seals under the data key of each person. */
export const createPersonalData = (sealing: Sealing): PersonalData => {
  const sealOne: PersonalData['sealOne'] = async (userId, field, text) => {
    const [sealed] = await sealing.seal([
      { subject: userId, plain: Buffer.from(text), place: place(userId, field) },
    ])
    if (!sealed) throw new Error('nothing was sealed')
    return sealed
  }
  const sealIntroductions: PersonalData['sealIntroductions'] = async (people) => {
    const sealed = await sealing.seal(
      people.flatMap(({ userId, email, displayName }) => [
        { subject: userId, plain: Buffer.from(email), place: place(userId, 'email') },
        { subject: userId, plain: Buffer.from(displayName), place: place(userId, 'displayName') },
      ]),
    )
    return people.map((_, index) => {
      const [email, displayName] = sealed.slice(2 * index)
      if (!email || !displayName) throw new Error('too little was sealed')
      return { email, displayName }
    })
  }
  const open: PersonalData['open'] = async (items) => {
    const whole = items.flatMap(({ userId, field, sealed }) =>
      sealed === null ? [] : [{ sealed, place: place(userId, field) }],
    )
    const opened = (await sealing.open(whole)).map((one) =>
      one.state === 'open' ? one.plain.toString() : null,
    )
    return items.map(({ sealed }) => (sealed === null ? null : (opened.shift() ?? null)))
  }
  return {
    sealOne,
    sealIntroductions,
    open,
    async openIntroduction(userId, said) {
      const [text, sealed] =
        typeof said.displayName === 'string' ? [said.displayName, null] : [null, said.displayName]
      const [email, name] = await open([
        { userId, field: 'email', sealed: said.email },
        { userId, field: 'displayName', sealed },
      ])
      const displayName = text ?? name
      return typeof email === 'string' && typeof displayName === 'string' ? { email, displayName } : undefined
    },
    async sealIntroduction(userId, said) {
      const [sealed] = await sealIntroductions([{ userId, ...said }])
      if (!sealed) throw new Error('nothing was sealed')
      return sealed
    },
    async seal<F extends PersonalField>(userId: string, fields: Readonly<Record<F, string | undefined>>) {
      const names = Object.keys(fields) as F[]
      const given = names.flatMap((name) => {
        const text = fields[name]
        return text === undefined ? [] : [{ name, text }]
      })
      const sealed = await sealing.seal(
        given.map(({ name, text }) => ({
          subject: userId,
          plain: Buffer.from(text),
          place: place(userId, name),
        })),
      )
      const byName = new Map(given.map(({ name }, index) => [name, sealed[index] ?? null]))
      return Object.fromEntries(names.map((name) => [name, byName.get(name) ?? null])) as Record<
        F,
        Buffer | null
      >
    },
  }
}
