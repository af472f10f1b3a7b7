import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const run = promisify(execFile)

// In processes of their own, since a loaded module stays loaded.
it.each([
  ['before', `import './kafkajs.ts'; import { Kafka } from 'kafkajs'`],
  ['after', `import { Kafka } from 'kafkajs'; import './kafkajs.ts'`],
])('lets others in its process import kafkajs, %s it', async (_, imports) => {
  const script = `${imports}; console.log(typeof Kafka)`
  const { stdout } = await run(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '--eval', script],
    { cwd: import.meta.dirname },
  )
  expect(stdout.trim()).toBe('function')
})
