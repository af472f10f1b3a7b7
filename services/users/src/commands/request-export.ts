import { randomUUID } from 'node:crypto'
import { latestExport } from '../adapters/exports.ts'
import { Rejection } from '../domain/rejection.ts'
import { type Caller, type CommandDeps } from './deps.ts'
import { onUser } from './on-user.ts'

/**
 * Asks for a copy of all data about the caller; a worker gathers it. Throws Rejection, `too-many-exports` when the last
 * one was asked for less than `pauseMs` ago and is whole or on its way.
 */
export const requestExport =
  (deps: CommandDeps, pauseMs: number) =>
  async (caller: Caller): Promise<string> => {
    const last = await latestExport(deps.db, caller.userId)
    const isRecent = last !== undefined && deps.now().getTime() - last.requestedAt.getTime() < pauseMs
    if (isRecent && last.state !== 'failed') throw new Rejection('too-many-exports')
    const exportId = randomUUID()
    const { replayed } = await onUser(deps)(caller, [{ type: 'request-export', exportId }])
    // Asked again with the same Idempotency-Key: the first time's is the newest.
    return replayed ? ((await latestExport(deps.db, caller.userId))?.exportId ?? exportId) : exportId
  }
