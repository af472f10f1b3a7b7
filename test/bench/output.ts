import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join, resolve } from 'node:path'

/** A line of the bench's own report. */
export const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

/** Prints rows under headings, numbers to the right. */
export const table = (headings: readonly string[], rows: readonly (readonly (string | number)[])[]): void => {
  const cells = rows.map((row) => row.map(String))
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...cells.map((row) => row[column]?.length ?? 0)),
  )
  const isNumber = headings.map((_, column) => rows.every((row) => typeof row[column] === 'number'))
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) =>
        isNumber[column] === true ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd()
  say(line(headings))
  say(widths.map((width) => '-'.repeat(width)).join('  '))
  for (const row of cells) say(line(row))
}

/** Rounds to so many digits behind the point. */
export const rounded = (value: number, digits = 1): number => Number(value.toFixed(digits))

const commit = (): string => {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  } catch {
    return 'unknown'
  }
}

/** Writes figures to bench-results/, with the command, the machine and the commit that made them. */
export const writeResult = (name: string, figures: object): void => {
  const folder = resolve(import.meta.dirname, '../../bench-results')
  mkdirSync(folder, { recursive: true })
  const at = new Date().toISOString()
  const file = join(folder, `${name}-${at.replaceAll(/[:.]/g, '-')}.json`)
  const machine = {
    cpus: cpus().map(({ model }) => model),
    memoryMiB: Math.round(totalmem() / 2 ** 20),
    node: process.version,
  }
  const command = `npm run bench -- ${process.argv.slice(2).join(' ')}`
  writeFileSync(
    file,
    `${JSON.stringify({ at, command, commit: commit(), machine, ...figures }, undefined, 2)}\n`,
  )
  say(`written to ${file}`)
}
