import { runWorkers } from '@veza/kit/worker'
import { openTracksRelations, tracksRelationsEnvironment } from './index.ts'

await runWorkers('tracks-relations', tracksRelationsEnvironment, [openTracksRelations])
