import { type Topic } from '@veza/contracts'
import { ProduceFailed, QueueFull } from '@veza/kit/kafka'
import { type HandleChunk } from '@veza/kit/worker'

// PostgreSQL's appendix A: 22 data exception, 23 constraint violation, 54 program limit exceeded. Every other class is
// about the server (full disk, read-only, deadlock, shutdown), and no record is to blame for that.
const isServerFault = (error: Error): boolean =>
  'code' in error && typeof error.code === 'string' && /^(?!22|23|54)[0-9A-Z]{5}$/.test(error.code)

const isKafkaFault = (error: Error): boolean =>
  error instanceof QueueFull ||
  (error instanceof ProduceFailed && error.code !== 'too-large' && error.code !== 'rejected')

/**
 * Remembers whether a chunk's last failure was infrastructure's. A full disk answers health checks, and without this
 * every record that meets it would be dead-lettered as its own fault.
 */
export const watchFaults = <T extends Topic>(handle: HandleChunk<T>) => {
  let fault: string | undefined
  const handleChunk: HandleChunk<T> = async (messages, control) => {
    try {
      const outcomes = await handle(messages, control)
      fault = undefined
      return outcomes
    } catch (error) {
      fault =
        error instanceof Error && (isServerFault(error) || isKafkaFault(error)) ? error.message : undefined
      throw error
    }
  }
  /** undefined: none, or the failure may be a record's own. */
  return { handleChunk, fault: () => fault }
}
