import { type topics } from '@veza/contracts'
import { type DeadRecord, done, type Handle, skip } from '@veza/kit/worker'
import { type gatherExport } from '@veza/users/store'

type Topic = typeof topics.usersEvents

/** Gathers an export that was asked for. A source that cannot answer is asked again; for how long is the worker's rule. */
export const gather =
  (deps: { gatherExport: ReturnType<typeof gatherExport> }): Handle<Topic> =>
  async (message) => {
    if (message.type !== 'DataExportRequested') return skip('no export')
    const gathered = await deps.gatherExport(message.value.exportId, message.value.userId)
    return gathered === 'ready' ? done : skip(gathered)
  }

/** Tells whoever waits that their export has failed, so that they may ask for another. */
export const giveUp =
  (deps: { fail: (exportId: string) => Promise<void> }) =>
  async ({ message }: DeadRecord<Topic>): Promise<void> => {
    if (message?.type === 'DataExportRequested') await deps.fail(message.value.exportId)
  }
