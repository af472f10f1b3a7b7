import { runWorkers } from '@veza/kit/worker'
import { openAuthErasure, authErasureEnvironment } from './index.ts'

await runWorkers('auth-erasure', authErasureEnvironment, [openAuthErasure])
