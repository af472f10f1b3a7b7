import { execFile } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { freePort, startRedis, type TestRedis } from './redis.ts'

/** A Redis Cluster of three masters, each with a replica. */
export interface TestRedisCluster {
  readonly urls: readonly string[]
  /** A node that is a master now, and has a replica that can take over. */
  master(): Promise<TestRedis>
  /** Has a replica take over in agreement with its master. */
  handOver(): Promise<void>
  /** Resolves when another than this one has its slots. */
  takenOver(from: TestRedis): Promise<void>
  /** Resolves when every node has all slots served, and each master has a replica. */
  healthy(): Promise<void>
  stop(): Promise<void>
}

const masters = 3
const pollMs = 200
const withinMs = 60_000
const answerMs = 2_000

const run = promisify(execFile)

const ask = async ({ port }: TestRedis, ...command: string[]): Promise<string> =>
  (await run('redis-cli', ['-p', String(port), ...command], { timeout: answerMs })).stdout

/** What a node says of one: `id address flags master ping pong epoch link slots`. */
const nodesOf = async (node: TestRedis) =>
  (await ask(node, 'CLUSTER', 'NODES'))
    .trim()
    .split('\n')
    .map((line) => {
      const [id = '', address = '', flags = '', masterId = '', , , , link = '', ...slots] = line.split(' ')
      const isWell = link === 'connected' && !/fail|noaddr|handshake/.test(flags)
      const isMaster = flags.includes('master') && slots.length > 0
      return { id, port: Number(/:(\d+)@/.exec(address)?.[1]), masterId, isWell, isMaster }
    })
type Line = Awaited<ReturnType<typeof nodesOf>>[number]

const mastersOf = (lines: readonly Line[]) => lines.filter(({ isMaster, isWell }) => isMaster && isWell)
const replicaOf = (lines: readonly Line[], { id }: Line) =>
  lines.find(({ masterId, isWell }) => masterId === id && isWell)

const until = async (what: string, isSo: () => Promise<boolean>): Promise<void> => {
  const deadline = performance.now() + withinMs
  while (!(await isSo().catch(() => false))) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${withinMs / 1_000} s`)
    await delay(pollMs)
  }
}

/**
 * Starts six servers, of which redis-cli makes a cluster.
 *
 * @param nodeTimeoutMs how long a node may be silent before it is taken for lost
 */
export const startRedisCluster = async (nodeTimeoutMs = 5_000): Promise<TestRedisCluster> => {
  const nodes: TestRedis[] = []
  const stop = async (): Promise<void> => {
    for (const node of nodes) await node.stop()
  }
  /** Of any node that answers, but for one. */
  const view = async (besides?: TestRedis): Promise<Line[]> => {
    for (const node of nodes)
      try {
        if (node !== besides) return await nodesOf(node)
      } catch {
        // Another one knows.
      }
    throw new Error('no node of the cluster answers')
  }
  const nodeAt = (line: Line | undefined): TestRedis => {
    const node = nodes.find(({ port }) => port === line?.port)
    if (node === undefined) throw new Error('no master has a replica')
    return node
  }
  const healthy = () =>
    until('the cluster is well', async () => {
      // Each is asked: what one knows the others learn later.
      for (const node of nodes) {
        const [info, lines] = [await ask(node, 'CLUSTER', 'INFO'), await nodesOf(node)]
        const all = mastersOf(lines)
        const isWhole = all.length === masters && all.every((line) => replicaOf(lines, line) !== undefined)
        if (!info.includes('cluster_state:ok') || !isWhole || !lines.every(({ isWell }) => isWell))
          return false
      }
      return true
    })
  try {
    for (let n = 0; n < 2 * masters; n++)
      nodes.push(
        await startRedis({
          'cluster-enabled': 'yes',
          'cluster-port': String(await freePort()),
          'cluster-node-timeout': String(nodeTimeoutMs),
          'repl-diskless-sync-delay': '0',
        }),
      )
    const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`)
    await run('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-replicas', '1', '--cluster-yes'])
    await healthy()
  } catch (error) {
    await stop()
    throw error
  }
  return {
    urls: nodes.map(({ url }) => url),
    async master() {
      const lines = await view()
      return nodeAt(mastersOf(lines).find((line) => replicaOf(lines, line) !== undefined))
    },
    async handOver() {
      const lines = await view()
      const replica = mastersOf(lines)
        .map((line) => replicaOf(lines, line))
        .find((line) => line !== undefined)
      await ask(nodeAt(replica), 'CLUSTER', 'FAILOVER')
      await until('a replica takes over', async () =>
        mastersOf(await view()).some(({ id }) => id === replica?.id),
      )
    },
    takenOver: (from) =>
      until('a replica takes over', async () => {
        const all = mastersOf(await view(from))
        return all.length === masters && all.every(({ port }) => port !== from.port)
      }),
    healthy,
    stop,
  }
}
