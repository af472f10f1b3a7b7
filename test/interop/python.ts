import { execFile } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Distributions by name, extras included, with their versions. */
type Packages = Readonly<Record<string, string>>

const folderOf = (name: string, packages: Packages): string =>
  resolve(import.meta.dirname, '../../.veza/interop', `${name}-${Object.values(packages).join('-')}`)

const reason = (error: unknown): string => {
  const { stderr, message } = error as { stderr?: string; message: string }
  return (stderr === undefined || stderr === '' ? message : stderr).trim().split('\n').slice(-5).join('\n')
}

/** On Debian and Ubuntu Python comes without venv. */
const installVenv = async (say: (line: string) => void): Promise<void> => {
  say('installing python3-venv with apt-get')
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  await run('apt-get', ['update', '-q'], { env })
  await run('apt-get', ['install', '-qy', '--no-install-recommends', 'python3', 'python3-venv'], { env })
}

/**
 * A Python that has packages, in a virtual environment under `.veza/`: made on first use, with python3-venv by apt-get where
 * it is missing.
 *
 * @param name of the environment
 * @param modules that are imported once, as a proof
 * @returns the interpreter's path
 * @throws Error that says what could not be had
 */
export const pythonWith = async (
  name: string,
  packages: Packages,
  modules: readonly string[],
  say: (line: string) => void,
): Promise<string> => {
  const folder = folderOf(name, packages)
  const createVenv = (): Promise<unknown> => run('python3', ['-m', 'venv', folder])
  const python = join(folder, 'bin/python')
  const isComplete = join(folder, 'complete')
  if (existsSync(isComplete)) return python
  rmSync(folder, { recursive: true, force: true })
  try {
    await createVenv().catch(async () => {
      rmSync(folder, { recursive: true, force: true })
      await installVenv(say)
      await createVenv()
    })
    const wanted = Object.entries(packages).map(([one, version]) => `${one}==${version}`)
    say(`installing ${wanted.join(', ')} with pip`)
    await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...wanted])
    await run(python, [
      '-c',
      `import ${modules.join()}, pathlib; pathlib.Path(${JSON.stringify(isComplete)}).touch()`,
    ])
  } catch (error) {
    throw new Error(
      `${Object.keys(packages).join(', ')} could not be installed (is there a network?): ${reason(error)}`,
      {
        cause: error,
      },
    )
  }
  return python
}

/** A Python that has the Centrifuge SDK. */
export const pythonWithSdk = (say: (line: string) => void): Promise<string> =>
  pythonWith('python', { 'centrifuge-python': '0.7.0' }, ['centrifuge'], say)
