import { isIP } from 'node:net'
import { type EventMetadata } from '../events/types.ts'
import { type Sealing, SubjectErased } from '../sealing/index.ts'

/** The network addresses in the metadata of a context's events, each sealed under the data key of who came from there. */
export interface AddressBook {
  /**
   * Metadata as it is to be stored: the address sealed, base64. Without an actor or for one who was erased there is none.
   * Rejects KeyEncryptionUnavailable; not for within a transaction, since it may ask Vault.
   */
  seal(metadata: EventMetadata): Promise<EventMetadata>
  /** In one go and in order; null: there is none, or its actor was erased. Rejects SealBroken, KeyEncryptionUnavailable. */
  open(rows: readonly { actor: string | null; address: string | null }[]): Promise<(string | null)[]>
}

/** @param context part of what a sealed address is bound to, so that it opens nowhere else */
export const addressBook = (sealing: Sealing, context: string): AddressBook => {
  const place = (actor: string) => ({ table: `${context}.events`, row: actor, column: 'address' })
  return {
    async seal({ address, ...metadata }) {
      const { actor } = metadata
      if (address === undefined || actor === undefined) return metadata
      try {
        const item = { subject: actor, plain: Buffer.from(address), place: place(actor) }
        const [sealed] = await sealing.seal([item])
        return { ...metadata, address: sealed?.toString('base64') }
      } catch (error) {
        if (error instanceof SubjectErased) return metadata
        throw error
      }
    },

    async open(rows) {
      // A plain one is of a release that sealed none, and of nobody's key.
      const isSealed = (text: string | null): text is string => text !== null && isIP(text) === 0
      const sealed = rows.flatMap(({ actor, address }) =>
        isSealed(address) ? [{ sealed: Buffer.from(address, 'base64'), place: place(actor ?? '') }] : [],
      )
      const opened = await sealing.open(sealed)
      return rows.map(({ address }) => {
        const one = isSealed(address) ? opened.shift() : undefined
        return one?.state === 'open' ? one.plain.toString() : null
      })
    },
  }
}
