import { describe } from '@veza/kit/env'
import { workersEnvironment } from '@veza/kit/worker'
import { environment as realtime } from '../services/realtime/src/settings.ts'
import { chatFanoutEnvironment } from '../workers/chat-fanout/src/settings.ts'
import { transcodeEnvironment } from '../workers/transcode/src/settings.ts'
import { environment as http } from './local/http-settings.ts'
import { environment as workers } from './local/workers-settings.ts'
import { type ProcessName } from './stack.ts'

const environments: Record<ProcessName, Parameters<typeof describe>[0]> = {
  http,
  realtime,
  'chat-fanout': { ...workersEnvironment, ...chatFanoutEnvironment },
  workers,
  transcode: { ...workersEnvironment, ...transcodeEnvironment },
}

const cell = (text: string): string => text.replaceAll('|', '\\|')

/** docs/settings.md: every setting of every process, from the code that reads it. */
export const settingsPage = (): string => {
  const sections = Object.entries(environments).map(([process, spec]) => {
    const rows = describe(spec).map(({ name, doc, shape, fallback, required }) => {
      const standard = required ? 'must be given' : fallback === undefined ? 'none' : `\`${fallback}\``
      return `| \`${name}\` | ${cell(doc)} | ${cell(shape)} | ${standard} |`
    })
    return [
      `## ${process}`,
      '',
      '| setting | what it is | form | default |',
      '| --- | --- | --- | --- |',
      ...rows,
    ].join('\n')
  })
  return `${[
    '# Settings',
    'Read from the environment once, at start, all problems reported together. Written by `npm run settings`.',
    ...sections,
  ].join('\n\n')}\n`
}
