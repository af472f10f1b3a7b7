import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type LoadNews, type LoadPlan, type LoadReport } from './plan.ts'

/** A generator at work in a process of its own. */
export interface Generator {
  readonly pid: number
  /** The generator stays until `stop`, so that its figures can still be read. */
  readonly report: Promise<LoadReport>
  stop(): Promise<void>
}

/** Starts the load generator. `onNews` hears of everything but the report. */
export const startGenerator = (
  plan: LoadPlan,
  onNews: (news: LoadNews) => void = () => undefined,
): Generator => {
  const child = fork(fileURLToPath(new URL('main.ts', import.meta.url)), {
    execArgv: ['--import', import.meta.resolve('tsx')],
  })
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      resolve()
    })
  })
  const report = new Promise<LoadReport>((resolve, reject) => {
    child.on('message', (message) => {
      const news = message as LoadNews
      if (news.type === 'report') resolve(news.report)
      else if (news.type === 'failed') reject(new Error(`the load generator failed: ${news.reason}`))
      else onNews(news)
    })
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      reject(new Error(`the load generator ended early (${signal ?? `code ${code ?? 'unknown'}`})`))
    })
  })
  // Whoever waits for the report hears of a rejection; it must not be an unhandled one until then.
  report.catch(() => undefined)
  child.send(plan)
  if (child.pid === undefined) throw new Error('the load generator could not be started')
  return {
    pid: child.pid,
    report,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      await ended
    },
  }
}
