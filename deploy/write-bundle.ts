import { resolve } from 'node:path'
import { bundleProcesses } from './bundle.ts'

const [folder] = process.argv.slice(2)
if (folder === undefined) throw new Error('deploy/write-bundle.ts <folder>')
await bundleProcesses(resolve(folder))
