import { type Changes, type Privacy, type PrivateProfile, type Profile } from '../domain/user.ts'
import { type Caller, type CommandDeps } from './deps.ts'
import { type ChangedUser, onUser } from './on-user.ts'

/** What is to change; what is undefined stays. */
export interface ProfileChanges {
  readonly profile: Changes<Profile>
  readonly privateProfile: Changes<PrivateProfile>
  readonly privacy: Changes<Privacy>
}

/** Changes what the profile says and who sees it. Throws Rejection; rejects VersionConflict. */
export const updateProfile =
  (deps: CommandDeps) =>
  (caller: Caller, changes: ProfileChanges, expectedVersion: number | undefined): Promise<ChangedUser> =>
    onUser(deps)(
      caller,
      [
        { type: 'update-profile', profile: changes.profile, privateProfile: changes.privateProfile },
        { type: 'change-privacy', privacy: changes.privacy },
      ],
      { expectedVersion },
    )
