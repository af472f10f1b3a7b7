/**
 * `npm run faults -- [--seconds 60] [--seed 1] [--rate 200]`: the checker, for as long as asked. Says what was struck and
 * when, and exits with 1 when a promise was broken.
 */
import { parseArgs } from 'node:util'
import { check } from './check.ts'

const { values } = parseArgs({
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
process.exitCode = broken.length === 0 ? 0 : 1
