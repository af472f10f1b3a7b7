/**
 * `npm run faults -- [--seconds 60] [--seed 1] [--rate 200]`: the checker, for as long as asked. Says what was struck and
 * when, and exits with 1 when a promise was broken. `npm run faults -- cluster [--seed 1]`: caches over a Redis Cluster of
 * six nodes that loses its masters.
 */
import { parseArgs } from 'node:util'
import { check } from './check.ts'
import { checkCluster } from './cluster.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    rate: { type: 'string', default: '200' },
  },
})
const say = (line: string) => {
  process.stdout.write(`${line}\n`)
}
const number = (name: keyof typeof values): number => {
  const value = Number(values[name])
  if (!Number.isFinite(value) || value <= 0) throw new Error(`--${name} must be a number above 0`)
  return value
}

const ofMessages = async (): Promise<boolean> => {
  const { faults, report, broken } = await check({
    seconds: number('seconds'),
    seed: number('seed'),
    rate: number('rate'),
    onNews(news) {
      if (news.type === 'progress' && news.second % 10 === 0)
        say(`  ${news.second} s: ${news.acknowledged} acknowledged, ${news.owed} deliveries on their way`)
    },
  })
  for (const { fault, at, readyAgainAt } of faults)
    say(`at ${at.toFixed(1)} s ${fault}, well again at ${readyAgainAt.toFixed(1)} s`)
  const { totals, stored, reconnects, retries, unrecovered } = report
  say(
    `${totals.sent} sent, ${totals.acknowledged} acknowledged, ${totals.abandoned} given up, ${stored.rows} stored, ` +
      `${totals.delivered} deliveries; ${reconnects} reconnections, ${retries} retries, ${unrecovered} read from history`,
  )
  say(
    broken.length === 0
      ? `seed ${values.seed}: the promise was kept`
      : `seed ${values.seed}: BROKEN: ${broken.join(', ')}`,
  )
  if (broken.length > 0) say(JSON.stringify(report))
  return broken.length === 0
}

const ofCluster = async (): Promise<boolean> => {
  const { changes, unburied, reads, shared, oldest, broken } = await checkCluster({
    seed: number('seed'),
    say,
  })
  say(
    `${changes} changes, ${unburied} of them not told to the cluster; ${reads} reads, ${shared} of the last ones from the ` +
      `cluster; what was not told was answered for ${Math.round(oldest)} ms at most, by edges that had just begun`,
  )
  say(
    broken.length === 0
      ? `seed ${values.seed}: the promise was kept`
      : `seed ${values.seed}: BROKEN: ${broken.join(', ')}`,
  )
  return broken.length === 0
}

const [of, ...others] = positionals
if (others.length > 0 || (of !== undefined && of !== 'cluster'))
  throw new Error('npm run faults -- [cluster] [--seconds 60] [--seed 1] [--rate 200]')
process.exitCode = (await (of === 'cluster' ? ofCluster() : ofMessages())) ? 0 : 1
