import { type Pending } from './room-log.ts'

/** Keeps what was written until the room shows it: over a reload, a crash, an evening without a network. */
const keyOf = (userId: string, roomId: string): string => `veza.outbox.${userId}.${roomId}`

export const readOutbox = (userId: string, roomId: string): readonly Pending[] => {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(keyOf(userId, roomId)) ?? '[]')
    return Array.isArray(kept) ? (kept as Pending[]) : []
  } catch {
    return []
  }
}

export const writeOutbox = (userId: string, roomId: string, pending: readonly Pending[]): void => {
  const key = keyOf(userId, roomId)
  if (pending.length === 0) localStorage.removeItem(key)
  else localStorage.setItem(key, JSON.stringify(pending))
}

const draftKey = (userId: string, roomId: string): string => `veza.draft.${userId}.${roomId}`

/** What stands in the composer, and was not sent yet. */
export const readDraft = (userId: string, roomId: string): string =>
  localStorage.getItem(draftKey(userId, roomId)) ?? ''

export const writeDraft = (userId: string, roomId: string, text: string): void => {
  const key = draftKey(userId, roomId)
  if (text === '') localStorage.removeItem(key)
  else localStorage.setItem(key, text)
}
