import { grantRole, importUsers, rebuildAccounts } from './accounts.ts'
import { rebuildChatCounts } from './chat.ts'
import { type Command } from './command.ts'
import { rebase, replayReadModel } from './events.ts'
import { deadLetters, lag, redrive } from './dead-letters.ts'
import { rewrapKeys } from './rewrap-keys.ts'
import { retranscode } from './tracks.ts'

/** A command more is a line here. */
export const commands: readonly Command[] = [
  grantRole,
  importUsers,
  rebuildAccounts,
  rebuildChatCounts,
  rewrapKeys,
  replayReadModel,
  rebase,
  retranscode,
  lag,
  deadLetters,
  redrive,
]
