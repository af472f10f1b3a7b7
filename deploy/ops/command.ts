/** What a command is given by the command line around it. */
export interface CommandIo {
  /** Settings by name. */
  readonly env: NodeJS.ProcessEnv
  /** A line for the user. */
  readonly print: (line: string) => void
  /** A line that says what is wrong. */
  readonly warn: (line: string) => void
  /** Aborts when the user wants it to end, for commands that go on until then. */
  readonly signal?: AbortSignal
}

/** Something that operators do. */
export interface Command {
  readonly name: string
  /** Arguments, as the usage shows them. */
  readonly args: string
  /** What it does, one line. */
  readonly doc: string
  /**
   * Resolves to false when some of it could not be done.
   * @throws UsageError, EnvironmentError, or an Error whose message is all that the user needs
   */
  run(args: readonly string[], io: CommandIo): Promise<boolean>
}

/** The command was called in another way than its usage says. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
