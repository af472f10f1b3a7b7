/**
 * What `npm test` runs: all levels, in two goes. `unit` and `int` side by side, then `e2e` one file after the other, since
 * each of its files loads the whole machine. Arguments: file filters, and `--coverage` (of the first go: the processes
 * of the second are Veza's own). The last line is `N passed, N failed`; failed counts tests, suites and hooks that
 * failed, and errors that nobody caught.
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { type Reporter, startVitest } from 'vitest/node'

interface Tally {
  passed: number
  failed: number
}

/** Counts what a run of Vitest came to. */
const counter = (tally: Tally): Reporter => ({
  onTestRunEnd(modules, unhandledErrors) {
    tally.failed += unhandledErrors.length
    for (const module of modules) {
      tally.failed += module.errors().length
      for (const suite of module.children.allSuites()) tally.failed += suite.errors().length
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'passed') tally.passed++
        else if (state !== 'skipped') tally.failed++
      }
    }
  },
})

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { coverage: { type: 'boolean', default: false } },
})
const tally: Tally = { passed: 0, failed: 0 }
const goes = [
  // Vitest leaves a core to itself; these tests wait for Kafka and PostgreSQL more than they compute.
  {
    project: ['unit', 'int'],
    maxWorkers: availableParallelism(),
    coverage: { enabled: values.coverage },
  },
  { project: ['e2e'], fileParallelism: false },
]
const saysFailed = (): boolean => (process.exitCode ?? 0) !== 0

for (const options of goes) {
  const failedBefore = tally.failed
  process.exitCode = undefined
  const vitest = await startVitest('test', positionals, {
    ...options,
    run: true,
    watch: false,
    passWithNoTests: true,
    reporters: ['default', counter(tally)],
  })
  await vitest.close()
  // A global setup that failed ends the go before a reporter hears of it; Vitest has printed why.
  if (saysFailed() && tally.failed === failedBefore) tally.failed++
}
process.stdout.write(`${tally.passed} passed, ${tally.failed} failed\n`, () => {
  process.exit(tally.failed > 0 || tally.passed === 0 ? 1 : 0)
})
