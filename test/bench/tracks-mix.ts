import { type Caller, type Kind } from './http-load.ts'
import { as } from './http-mix.ts'
import { send, statusOf } from './requests.ts'

/** What titles are made of. */
export const words = (
  'amber blue cold dawn echo fire glass hollow island july kite lantern mirror night ocean paper quiet river silver thunder ' +
  'under velvet winter yellow zero after before city drift empty forest golden harbour iron journey'
).split(' ')

const word = (n: number): string => words[(n * 31) % words.length] ?? ''

/** A kind of query whose path depends on how many requests were sent before. */
const query = (name: string, share: number, path: (n: number) => string): Kind => ({
  ...{ name, share },
  run: (http, caller: Caller, _, n) => statusOf(send(http, 'GET', path(n), as(caller))),
})

/**
 * What is asked of tracks.
 *
 * @param ids of tracks that are looked at one by one
 */
export const tracksMix = (ids: readonly string[]): readonly Kind[] => [
  query('GET /v1/tracks/:id', 50, (n) => `/v1/tracks/${ids[(n * 37) % ids.length] ?? ''}`),
  query('GET /v1/tracks', 15, () => '/v1/tracks'),
  query('GET /v1/tracks?q= three words', 10, (n) => `/v1/tracks?q=${word(n)} ${word(n + 3)} ${word(n + 7)}`),
  query(
    'GET /v1/tracks?q= a word mistyped',
    5,
    (n) => `/v1/tracks?q=${word(n).slice(0, -1)}x ${word(n + 5)}`,
  ),
  query('GET /v1/feed', 15, () => '/v1/feed'),
  query('GET /v1/tracks?scope=mine', 5, () => '/v1/tracks?scope=mine'),
]
