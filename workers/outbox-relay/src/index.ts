export { openOutboxRelay } from './open-outbox-relay.ts'
export { type OutboxRelaySettings, outboxRelayEnvironment } from './settings.ts'
