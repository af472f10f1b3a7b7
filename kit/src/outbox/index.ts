export { rebaseOutbox } from './rebase.ts'
export { type Relay, type RelayOptions, type RelaySettings, runRelay } from './relay.ts'
