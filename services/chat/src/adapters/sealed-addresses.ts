import { type AddressBook } from '@veza/kit/audit'
import { type Act, type Rooms } from './rooms.ts'

/**
 * The same rooms, with the address that somebody acts from sealed under their key before the transaction begins: it may be
 * Vault that seals.
 */
export const withSealedAddresses = (rooms: Rooms, addresses: AddressBook): Rooms => {
  const sealed = async (act: Act): Promise<Act> => ({ ...act, metadata: await addresses.seal(act.metadata) })
  return {
    find: (...of) => rooms.find(...of),
    create: async (room, metadata = {}) => rooms.create(room, await addresses.seal(metadata)),
    openDirect: async (act, userId) => rooms.openDirect(await sealed(act), userId),
    change: async (roomId, subjectId, act, decide) =>
      rooms.change(roomId, subjectId, await sealed(act), decide),
    forget: async (roomId, act) => rooms.forget(roomId, await sealed(act)),
    report: async (act, report) => rooms.report(await sealed(act), report),
    dismissReports: async (act, dismissal, check) =>
      rooms.dismissReports(await sealed(act), dismissal, check),
    blockWords: async (act, words) => rooms.blockWords(await sealed(act), words),
  }
}
