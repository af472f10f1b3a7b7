import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { nodeFlags } from '@veza/deploy/stack'

/** A process that answers each message with one. */
export interface Helper<Order, News> {
  readonly pid: number
  /** One question at a time. Rejects when the process ends. */
  ask(order: Order): Promise<News>
  /** The next thing that it says unasked. */
  hear(): Promise<News>
  stop(): Promise<void>
}

/**
 * Starts a file of this folder as a process with Veza's own flags.
 *
 * @param env beside this process's own
 */
export const startHelper = <Order, News>(
  file: string,
  env: Readonly<Record<string, string>> = {},
): Helper<Order, News> => {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), {
    execArgv: [...nodeFlags, '--import', import.meta.resolve('tsx')],
    env: { ...process.env, ...env },
  })
  const { pid } = child
  if (pid === undefined) throw new Error(`${file} could not be started`)
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      resolve()
    })
  })
  const hear = () =>
    new Promise<News>((resolve, reject) => {
      child.once('message', (news) => {
        resolve(news as News)
      })
      void ended.then(() => {
        reject(new Error(`${file} ended early`))
      })
    })
  return {
    pid,
    hear,
    ask(order) {
      const answer = hear()
      child.send(order as object)
      return answer
    },
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      await ended
    },
  }
}
