import { type Client } from './client.ts'
import { within } from './timing.ts'
import { type KafkaLog } from './types.ts'

interface Cluster {
  connect(): Promise<void>
  disconnect(): Promise<void>
  findGroupCoordinator(of: { groupId: string }): Promise<{
    leaveGroup(member: { groupId: string; memberId: string }): Promise<unknown>
  }>
}

/** kafkajs has the request and no method for it: its consumers leave for themselves only. */
function clusterOf({ kafka }: Client): Cluster {
  const create = Object.getOwnPropertySymbols(kafka).find(
    ({ description }) => description === 'private:Kafka:createCluster',
  )
  if (create === undefined) throw new Error('this kafkajs makes its clusters in another way')
  return (Reflect.get(kafka, create) as (options: object) => Cluster)({ allowAutoTopicCreation: false })
}

/**
 * Takes those members out of a group that have this client id: what a process leaves behind that was killed, or lost its
 * connection. The broker would give them until the end of their session, and their partitions to nobody meanwhile.
 */
export async function expelPredecessors(
  client: Client,
  { groupId, clientId }: { readonly groupId: string; readonly clientId: string },
  log: KafkaLog,
): Promise<void> {
  const admin = client.kafka.admin()
  const cluster = clusterOf(client)
  try {
    await admin.connect()
    const { groups } = await admin.describeGroups([groupId])
    const left = groups.flatMap(({ members }) => members).filter((member) => member.clientId === clientId)
    if (left.length === 0) return
    await cluster.connect()
    const coordinator = await cluster.findGroupCoordinator({ groupId })
    for (const { memberId } of left) await coordinator.leaveGroup({ groupId, memberId })
    log.info({ groupId, members: left.length }, 'took the place of a member that was lost')
  } finally {
    await within(Promise.all([admin.disconnect(), cluster.disconnect()]), 1000, 'disconnecting').catch(
      () => undefined,
    )
  }
}
