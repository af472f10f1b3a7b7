import { SettingError } from './settings.ts'

try {
  // Loaded here and not above, so that a schema file that can't be read is told in one line too.
  const { run } = await import('./commands.ts')
  process.stdout.write(await run(process.argv.slice(2)))
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = error instanceof SettingError ? 78 : 1
}
