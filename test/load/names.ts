/** The client message id of a message. */
export const messageName = (run: string, message: number): string => `${run}-${message}`

/** The message of a client message id. -1 = it is of no message of this run. */
export const messageOf = (run: string, name: string): number =>
  name.startsWith(`${run}-`) ? Number(name.slice(run.length + 1)) : -1
