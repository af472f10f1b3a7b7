import { analyticsEnvironment, replayAnalytics, type ReportArchive } from '@veza/analytics'
import { type EnvironmentSpec, type EnvironmentValues, readEnv } from '@veza/kit/env'
import { type Logger } from '@veza/kit/log'
import { type ReplayOptions, type ReplayProgress } from '@veza/kit/projection'
import { replayTracksRelations, tracksRelationsEnvironment } from '@veza/tracks-relations'
import { replayUsersViews, usersViewsEnvironment } from '@veza/users-views'

type Options = ReplayOptions & { readonly log: Logger; readonly archive?: ReportArchive | undefined }

/** A read model that can be rebuilt. */
export interface Replayable {
  /** The worker's consumer group. */
  readonly name: string
  /** Whether there is an archive of what it reads. */
  readonly isArchived: boolean
  /** Reads its settings, and gives what rebuilds it. Throws EnvironmentError. */
  prepare(env: NodeJS.ProcessEnv): (options: Options) => Promise<ReplayProgress>
}

const replayable = <const S extends EnvironmentSpec>(
  name: string,
  environment: S,
  replay: (settings: EnvironmentValues<S>, options: Options) => Promise<ReplayProgress>,
  { isArchived = false } = {},
): Replayable => ({
  ...{ name, isArchived },
  prepare(env) {
    const settings = readEnv(environment, env)
    return (options) => replay(settings, options)
  },
})

/** Every read model: what `npm run ops -- replay` finds by its group. A projection more is a line. */
export const readModels: readonly Replayable[] = [
  replayable('users-views', usersViewsEnvironment, replayUsersViews),
  replayable('tracks-relations', tracksRelationsEnvironment, replayTracksRelations),
  replayable('analytics', analyticsEnvironment, replayAnalytics, { isArchived: true }),
]
