import { type Meter, type ObservableResult } from '@opentelemetry/api'
import { backoff } from '@veza/kit/kafka'
import { type Logger } from '@veza/kit/log'
import { SandboxError } from '@veza/kit/media'
import { ObjectsUnavailable } from '@veza/kit/objects'
import { isUnavailable } from '@veza/kit/postgres'
import { recipe } from './media/recipe.ts'
import { type Job, type Jobs, type Outcome } from '@veza/tracks/store'

export interface RunnerOptions {
  readonly jobs: Jobs
  readonly workOn: (
    job: Job,
    control: { signal: AbortSignal; onProgress: (share: number) => void },
  ) => Promise<Outcome>
  readonly progressOf: (job: Job) => (share: number) => void
  /** Names this process in the job's row. */
  readonly worker: string
  readonly concurrency: number
  readonly leaseMs: number
  readonly maxAttempts: number
  /** How long a job may wait that nobody woke us for. 1,000 ms unless given. */
  readonly pollMs?: number
  /** First and longest pause before another attempt. */
  readonly retryMs?: { readonly min: number; readonly max: number }
  readonly log: Logger
  readonly meter: Meter
  readonly now: () => Date
}

/** Takes jobs and works on them, several at once, until it is stopped. */
export interface Runner {
  wake(): void
  /** undefined = it works; otherwise what is wrong. */
  check(): string | undefined
  /** Gives unfinished jobs back, for others to begin again. */
  stop(): Promise<void>
}

const isDiskFull = (error: unknown): boolean =>
  (error instanceof SandboxError && error.code === 'disk-full') ||
  (error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT'))

/** Not the job's fault, and over when what is away is back. */
const isInfrastructure = (error: unknown): boolean =>
  error instanceof ObjectsUnavailable || isUnavailable(error) || isDiskFull(error)

export const startRunner = (o: RunnerOptions): Runner => {
  const { jobs, log, pollMs = 1_000, retryMs = { min: 2_000, max: 300_000 } } = o
  const stopping = new AbortController()
  const settled = o.meter.createCounter('transcode_jobs_settled', {
    description: 'Jobs that have an outcome',
  })
  const duration = o.meter.createHistogram('transcode_job_duration', {
    unit: 's',
    description: 'From claim to outcome',
  })
  const inHand = o.meter.createUpDownCounter('transcode_jobs_running', { description: 'Jobs in hand' })
  const waiting = o.meter.createObservableGauge('transcode_jobs_waiting', {
    description: 'Jobs that nobody has in hand, of all workers. Absent while unknown',
  })
  const observeWaiting = async (result: ObservableResult): Promise<void> => {
    const depth = await jobs.depth().catch(() => undefined)
    if (depth !== undefined) result.observe(depth.waiting)
  }
  waiting.addCallback(observeWaiting)
  const idle = new Set<() => void>()
  let trouble: string | undefined

  const rest = (): Promise<void> =>
    new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer)
        idle.delete(end)
        stopping.signal.removeEventListener('abort', end)
        resolve()
      }
      const timer = setTimeout(end, pollMs)
      idle.add(end)
      if (stopping.signal.aborted) end()
      else stopping.signal.addEventListener('abort', end)
    })

  /** Keeps the lease, and aborts when it is lost. */
  const keep = (job: Job, abort: AbortController): (() => void) => {
    const deadline = { at: Date.now() + o.leaseMs }
    const timer = setInterval(() => {
      // Somebody else has it by now, whatever the database would say if it answered.
      if (Date.now() > deadline.at) abort.abort(new Error('the lease ran out'))
      jobs.heartbeat(job, o.leaseMs).then(
        (kept) => {
          if (kept) deadline.at = Date.now() + o.leaseMs
          else abort.abort(new Error('the job is not ours any more'))
        },
        (error: unknown) => {
          log.warn({ err: error, trackId: job.trackId }, 'the lease was not renewed')
        },
      )
    }, o.leaseMs / 3)
    return () => {
      clearInterval(timer)
    }
  }

  const settle = async (job: Job, outcome: Outcome): Promise<void> => {
    const ours = await jobs.settle(job, outcome, o.now())
    if (!ours) return
    const label = outcome.type === 'made' ? 'made' : outcome.code
    settled.add(1, { outcome: label })
    log.info({ trackId: job.trackId, attempt: job.attempt, outcome: label }, 'a job is settled')
  }

  const failed = async (job: Job, error: unknown): Promise<void> => {
    const fields = { err: error, trackId: job.trackId, attempt: job.attempt }
    if (stopping.signal.aborted) {
      await jobs.release(job)
    } else if (isInfrastructure(error)) {
      log.warn(fields, 'a job waits for what it needs')
      await jobs.retry(job, retryMs.min, String(error), { counts: false })
    } else if (job.attempt >= o.maxAttempts) {
      log.error(fields, 'a job is given up')
      await settle(job, { type: 'not-made', code: 'internal' })
    } else {
      log.warn(fields, 'a job failed, and is tried again later')
      await jobs.retry(job, backoff(job.attempt - 1, retryMs.min, retryMs.max), String(error), {
        counts: true,
      })
    }
  }

  const run = async (job: Job): Promise<void> => {
    // Its workers died every time: it would kill this one, too.
    if (job.attempt > o.maxAttempts) {
      await settle(job, { type: 'not-made', code: 'internal' })
      return
    }
    const abort = new AbortController()
    const onStop = (): void => {
      abort.abort(new Error('the worker stops'))
    }
    stopping.signal.addEventListener('abort', onStop)
    const release = keep(job, abort)
    const started = performance.now()
    inHand.add(1)
    try {
      const outcome = await o.workOn(job, { signal: abort.signal, onProgress: o.progressOf(job) })
      await settle(job, outcome)
      duration.record((performance.now() - started) / 1000)
    } catch (error) {
      await failed(job, error)
    } finally {
      inHand.add(-1)
      release()
      stopping.signal.removeEventListener('abort', onStop)
    }
  }

  const work = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        const job = await jobs.claim(o.worker, o.leaseMs, recipe.version)
        trouble = undefined
        if (job === undefined) await rest()
        else await run(job)
      } catch (error) {
        trouble = String(error)
        log.warn({ err: error }, 'the queue of jobs does not answer')
        await rest()
      }
    }
  }

  const workers = Array.from({ length: o.concurrency }, work)
  return {
    wake() {
      for (const end of [...idle]) end()
    },
    check: () => trouble,
    async stop() {
      stopping.abort()
      waiting.removeCallback(observeWaiting)
      await Promise.all(workers)
    },
  }
}
