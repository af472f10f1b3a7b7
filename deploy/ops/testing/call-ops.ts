import { runCommand } from '../command-line.ts'
import { commands } from '../commands.ts'

/**
 * `npm run ops -- …` in this process, with these settings alone: a process of its own takes seconds to load.
 *
 * @param onLine told of each line as it is printed
 */
export const callOps = async (
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  onLine: (line: string) => void = () => undefined,
) => {
  let [output, errors] = ['', '']
  const code = await runCommand('ops', commands, args, {
    env: { ...env },
    print(line) {
      output += `${line}\n`
      onLine(line)
    },
    warn: (line) => void (errors += `${line}\n`),
  })
  return { code, output, errors }
}
