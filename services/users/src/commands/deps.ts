import { type AddressBook } from '@veza/kit/audit'
import { type EventMetadata } from '@veza/kit/events'
import { type Sealing } from '@veza/kit/sealing'
import { type Kysely } from 'kysely'
import { type PersonalData } from '../adapters/personal-data.ts'
import { type UsersDatabase } from '../adapters/schema.ts'
import { type Streams } from '../adapters/streams.ts'

/** What the commands stand on. */
export interface CommandDeps {
  readonly db: Kysely<UsersDatabase>
  readonly streams: Streams
  readonly personal: PersonalData
  readonly addresses: AddressBook
  readonly sealing: Sealing
  readonly now: () => Date
}

/** Who asks, and what goes beside the events that this brings about. */
export interface Caller {
  readonly userId: string
  /** The name that the access token has: what a profile begins with. */
  readonly name: string
  /** When the person signed in, seconds since the epoch; undefined where the token does not tell. */
  readonly signedInAt: number | undefined
  readonly metadata: EventMetadata
  /** Of the request, where it has one. */
  readonly idempotencyKey?: string | undefined
}
