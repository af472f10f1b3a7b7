import { type EnvironmentSpec, type EnvironmentValues, type Setting } from './settings.ts'

/** The environment does not fit the spec. `problems` has one line a setting, and never the value of a secret. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}

type Read = { value: unknown } | { problem: string }

const read = (name: string, setting: Setting<unknown>, given: string | undefined): Read => {
  // VARIABLE= in a compose file or a shell means "not set".
  const text = given === undefined || given.trim() === '' ? setting.fallback : given.trim()
  if (text === undefined) {
    return setting.optional
      ? { value: undefined }
      : { problem: `${name} is missing: ${setting.doc}. Expected ${setting.shape}` }
  }
  try {
    return { value: setting.parse(text) }
  } catch (error) {
    return { problem: `${name} ${(error as Error).message}: expected ${setting.shape}` }
  }
}

/**
 * Reads and checks every setting of the spec at once. A variable that is missing or blank takes its default.
 *
 * @throws EnvironmentError naming every setting that is missing or wrong
 */
export const readEnv = <const S extends EnvironmentSpec>(
  spec: S,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): EnvironmentValues<S> => {
  const results = Object.entries(spec).map(
    ([name, setting]) => [name, read(name, setting, environment[name])] as const,
  )
  const problems = results.flatMap(([, result]) => ('problem' in result ? [result.problem] : []))
  if (problems.length > 0) throw new EnvironmentError(problems)
  return Object.fromEntries(
    results.map(([name, result]) => [name, 'value' in result ? result.value : undefined]),
  ) as EnvironmentValues<S>
}

/** A line of a settings table. `fallback` is undefined for what must be given. */
export interface SettingRow {
  readonly name: string
  readonly doc: string
  readonly shape: string
  readonly fallback: string | undefined
  readonly required: boolean
}

/** The spec as rows, for documentation. */
export const describe = (spec: EnvironmentSpec): SettingRow[] =>
  Object.entries(spec).map(([name, { doc, shape, fallback, optional }]) => ({
    name,
    doc,
    shape,
    fallback,
    required: fallback === undefined && !optional,
  }))
