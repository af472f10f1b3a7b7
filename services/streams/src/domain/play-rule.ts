/** By what plays are counted. The file of it, `rules/plays.v<N>.json`, is never edited once it is released. */
export interface PlayRule {
  readonly version: number
  /** Heard is so much of a track: seconds, or a share of its length where that is less. Once an hour a listener. */
  readonly play: { readonly seconds: number; readonly shareOfTrack: number }
  readonly report: {
    /** What is heard when a report comes: the seconds before its position, as players report every ten. */
    readonly creditSeconds: number
    readonly slackSeconds: number
    /** How many seconds of a track can be heard in one. */
    readonly fastest: number
  }
  /** What is counted apart. */
  readonly apart: {
    /** The length of the slots of time by which plays are gathered, from the Unix epoch on. */
    readonly withinSeconds: number
    /** Of what one listener begins in a slot, the seconds that its plays need at least: more are heard side by side. */
    readonly listenerPlaySeconds: number
    /** Plays that are begun from one network in a slot. */
    readonly addressPlays: number
  }
  /** From the hour in which somebody began to hear a track to the last report of it that is counted. */
  readonly lateHours: number
  readonly trending: { readonly halfLifeHours: number; readonly windowHours: number }
}

/** Why a play is counted apart. One that has several counts as the first of them. */
export const reasons = ['impossible', 'overlapping', 'burst'] as const
export type Reason = (typeof reasons)[number]
