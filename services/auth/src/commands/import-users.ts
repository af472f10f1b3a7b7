import { type ImportedAccount, parseImportLine } from '../domain/import-line.ts'
import { type AuthDeps } from './deps.ts'
import { importAccounts } from './import-accounts.ts'

/** A line that was not imported. */
export interface ImportProblem {
  /** From 1. */
  readonly line: number
  /** What is wrong with it; repeats nothing of the line. */
  readonly reason: string
}

/** What an import came to. */
export interface ImportReport {
  readonly imported: number
  /** Were here before. */
  readonly present: number
  readonly refused: number
}

const batchSize = 200
const origin = { method: 'import', actor: 'operator' } as const

/**
 * Imports accounts, one a line (domain/import-line.ts). It can be broken off and run again at any time: what is here
 * already is passed over. Problems are told as they are found, progress after each 200 lines.
 */
export const importUsers =
  (deps: Pick<AuthDeps, 'db' | 'streams' | 'personal' | 'index' | 'now'>) =>
  async (
    lines: AsyncIterable<string>,
    tell: { problem: (problem: ImportProblem) => void; progress: (report: ImportReport) => void },
  ): Promise<ImportReport> => {
    const run = importAccounts(deps)
    let report: ImportReport = { imported: 0, present: 0, refused: 0 }
    let batch: { line: number; account: ImportedAccount }[] = []

    const refuse = (line: number, reason: string): void => {
      report = { ...report, refused: report.refused + 1 }
      tell.problem({ line, reason })
    }
    const flush = async (): Promise<void> => {
      const outcomes = await run(
        batch.map(({ account }) => account),
        origin,
      )
      outcomes.forEach((outcome, position) => {
        if (outcome === 'email-taken')
          refuse(batch[position]?.line ?? 0, 'another account has its e-mail address')
        else report = { ...report, [outcome]: report[outcome] + 1 }
      })
      batch = []
      tell.progress(report)
    }

    let number = 0
    for await (const text of lines) {
      number++
      if (text.trim() === '') continue
      const account = parseImportLine(text, deps.now())
      if (typeof account === 'string') refuse(number, account)
      else batch.push({ line: number, account })
      if (batch.length >= batchSize) await flush()
    }
    await flush()
    return report
  }
