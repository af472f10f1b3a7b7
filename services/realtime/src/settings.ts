import {
  type EnvironmentValues,
  bytes,
  duration,
  integer,
  list,
  number,
  secret,
  string,
  url,
  processEnvironment,
} from '@veza/kit/env'

/** The edge's settings, all of them read in main.ts. */
export const environment = {
  ...processEnvironment,
  HOST: string('Address of the public WebSocket listener', '127.0.0.1'),
  WS_PORT: integer('Port of the public WebSocket listener', 8081, { max: 65_535 }),
  INTERNAL_PORT: integer('Port of the internal listener', 9081, { max: 65_535 }),
  KAFKA_BROKERS: list('Kafka brokers, host:port'),
  SCHEMA_REGISTRY_URL: url('Confluent-compatible schema registry'),
  CHAT_INTERNAL_URL: url("Chat's internal listener"),
  TRACKS_INTERNAL_URL: url("Tracks' internal listener"),
  SERVICE_TOKEN: secret("Shared with chat's internal API"),
  JWKS_URL: url('Where the public keys of access tokens are'),
  TOKEN_ISSUER: string('Issuer of access tokens', 'veza'),
  ALLOWED_ORIGINS: list(
    'Origins of pages that may connect, besides the host itself and clients without an Origin',
    [],
  ),

  MAX_FRAME_SIZE: bytes('Largest frame from a client', '64KiB'),
  MAX_BACKPRESSURE: bytes('What a connection may leave unread before it is closed', '1MiB'),
  IDLE_TIMEOUT: duration(
    'A connection without any byte for so long is closed (whole seconds, 8s to 960s)',
    '120s',
  ),
  CONNECT_DEADLINE: duration('From opening a connection to an accepted connect command', '10s'),
  PING_INTERVAL: duration('Between two pings of a connection', '25s'),
  PONG_TIMEOUT: duration('From a ping to its pong', '8s'),
  EXPIRY_GRACE: duration('How long a connection outlives its token', '25s'),
  COMMAND_RATE: number('Commands a second of a connection', 50, { min: 0.1 }),
  COMMAND_BURST: integer('Commands of a connection at once', 500, { min: 1 }),
  MAX_SUBSCRIPTIONS: integer('Subscriptions of a connection', 256, { min: 1 }),
  MAX_CONNECTIONS_PER_USER: integer('Connections of a user to this edge', 64, { min: 1 }),
  MEMBERSHIP_FRESH: duration('How long an answer about a member is good for', '5s'),
  MEMBERSHIP_STALE: duration('How long it is good for publishing, while chat does not answer', '60s'),
  MEMBERSHIP_ENTRIES: integer('Members that are remembered', 100_000, { min: 1 }),
  CHAT_TIMEOUT: duration("For one call of chat's internal API", '5s'),
  ROOM_RING: integer('Publications remembered a room', 300),
  RING_MEMORY: bytes('Memory for the publications of all rooms', '64MiB'),
  ROOM_IDLE: duration('How long a room is followed after its last subscriber left', '60s'),
  PRESENCE_TTL: duration('An edge that is silent for so long counts as gone, with its connections', '15s'),
  PRESENCE_LIST: integer('Connections of a room up to which they are listed, beyond it only counted', 500, {
    min: 1,
  }),
  PRESENCE_SPREAD: duration('Over which what changes in a room is gathered and sent to other edges', '500ms'),
  HEADS_INTERVAL: duration('Between two comparisons of what chat has stored with what was delivered', '30s'),
  TRACKS_RECHECK: duration(
    'How long somebody goes on being told who hears a track that they may not hear any more',
    '5s',
  ),
  LAST_SEEN_INTERVAL: duration('Between two writes of when somebody who stays connected was last seen', '5m'),
  DRAIN_WINDOW: duration('Over which connections are closed when the process stops', '5s'),
}

export type Environment = EnvironmentValues<typeof environment>
