import { execFileSync } from 'node:child_process'
import { accessSync, constants, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'

export interface Java {
  /** The folder that JAVA_HOME would name. */
  readonly home: string
  /** Feature release: 17, 21, 25. */
  readonly major: number
}

/** Where packagers put JDKs, folders of folders. */
const usualFolders = [
  '/usr/lib/jvm',
  '/opt/java',
  '/opt/homebrew/opt',
  '/Library/Java/JavaVirtualMachines',
  join(homedir(), '.sdkman/candidates/java'),
]

/** The path of a program, as a shell would find it. */
export const findOnPath = (program: string, path: string | undefined): string | undefined =>
  (path ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, program))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK)
        return true
      } catch {
        return false
      }
    })

const majorOf = (home: string): number | undefined => {
  let text: string
  try {
    text = readFileSync(join(home, 'release'), 'utf8')
  } catch {
    try {
      // Not every packager ships the release file. `-version` prints to standard error, `--version` to standard output.
      text = `JAVA_VERSION="${execFileSync(join(home, 'bin/java'), ['--version'], { encoding: 'utf8' }).split(' ')[1] ?? ''}"`
    } catch {
      return undefined
    }
  }
  const major = /JAVA_VERSION="(\d+)/.exec(text)?.[1]
  return major === undefined ? undefined : Number(major)
}

const list = (folder: string): string[] => {
  try {
    return readdirSync(folder).map((name) => join(folder, name))
  } catch {
    return []
  }
}

/** The newest Java among JAVA_HOME, PATH and the usual folders. */
export const findJava = (
  env: NodeJS.ProcessEnv,
  folders: readonly string[] = usualFolders,
): Java | undefined => {
  const onPath = findOnPath('java', env['PATH'])
  const homes = [
    ...(env['JAVA_HOME'] === undefined ? [] : [env['JAVA_HOME']]),
    ...(onPath === undefined ? [] : [dirname(dirname(realpathSync(onPath)))]),
    ...folders
      .flatMap(list)
      .flatMap((home) => [
        home,
        join(home, 'Contents/Home'),
        join(home, 'libexec/openjdk.jdk/Contents/Home'),
      ]),
  ]
  return homes
    .filter((home) => findOnPath('java', join(home, 'bin')) !== undefined)
    .flatMap((home) => {
      const major = majorOf(home)
      return major === undefined ? [] : [{ home, major }]
    })
    .reduce<Java | undefined>(
      (best, java) => (best === undefined || java.major > best.major ? java : best),
      undefined,
    )
}

/**
 * How the stack's Java programs are run: for minutes, beside everything else, on a small heap. With the second compiler and
 * the collector of many threads they take twice the processor time to start.
 *
 * @param heap as -Xmx takes it
 */
export const jvmFlags = (heap: string): readonly string[] => [
  `-Xmx${heap}`,
  '-XX:TieredStopAtLevel=1',
  '-XX:+UseSerialGC',
  '-XX:+ExitOnOutOfMemoryError',
]
