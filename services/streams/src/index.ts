export { openStreams, type Streams, type StreamsCommon } from './open-streams.ts'
export { type StreamsSettings, streamsEnvironment } from './settings.ts'
