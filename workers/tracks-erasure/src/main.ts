import { runWorkers } from '@veza/kit/worker'
import { openTracksErasure, tracksErasureEnvironment } from './index.ts'

await runWorkers('tracks-erasure', tracksErasureEnvironment, [openTracksErasure])
