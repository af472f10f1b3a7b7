import { randomUUID } from 'node:crypto'
import { type Codec, toHeaders, topics } from '@veza/contracts'
import { type Producer } from '@veza/kit/kafka'
import { type TagAddress } from '../adapters/address-tags.ts'
import { type Passes } from '../adapters/passes.ts'
import { listeningReported, type Report } from '../adapters/publish.ts'
import { Rejection } from '../domain/rejection.ts'

/** Takes a player's report and resolves when the broker has it. Throws Rejection; rejects ProduceFailed, QueueFull. */
export const reportListening =
  (deps: { passes: Passes; tag: TagAddress; codec: Codec; producer: Producer; now: () => Date }) =>
  async (
    session: string,
    report: Report,
    { listenerId, address }: { listenerId: string; address: string | undefined },
    traceparent: string | undefined,
  ): Promise<void> => {
    const pass = deps.passes.read(session)
    if (pass.listenerId !== listenerId) throw new Rejection('session-invalid')
    const at = deps.now()
    const type = 'ListeningReported'
    const value = listeningReported(pass, report, { at, addressTag: deps.tag(address, at) })
    await deps.producer.send({
      topic: topics.listeningEvents.name,
      key: pass.trackId,
      value: deps.codec.encode(topics.listeningEvents, type, value),
      headers: toHeaders({ id: randomUUID(), type, source: '/streams', time: at, traceparent }),
    })
  }
