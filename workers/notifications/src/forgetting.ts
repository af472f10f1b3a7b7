import { type Notices } from '@veza/chat/store'

const atOnce = 5_000

/** Deletes some of what users were told too long ago. Answers whether there is more. */
export const forgetNotices =
  (deps: { readonly notices: Pick<Notices, 'prune'>; readonly keptMs: number }) =>
  async (): Promise<boolean> =>
    (await deps.notices.prune(new Date(Date.now() - deps.keptMs), atOnce)) === atOnce
