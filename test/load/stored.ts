import pg from 'pg'
import { type Ledger } from './ledger.ts'
import { messageOf } from './names.ts'
import { type StoredReport } from './plan.ts'

interface Row {
  offset: string
  message_number: string
  client_message_id: string
}

/**
 * Compares chat's tables with the ledger: each acknowledged message has one row, numbers are dense, and the order is
 * the one that subscribers saw.
 *
 * @param bases each room's offset before the run
 */
export const compareStored = async (
  databaseUrl: string,
  run: string,
  rooms: readonly { readonly id: string; readonly base: number }[],
  sent: number,
  ledger: Ledger,
): Promise<StoredReport> => {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'veza-load' })
  await client.connect()
  const stored = new Uint8Array(sent)
  const report = { rows: 0, missing: 0, repeated: 0, gaps: 0, differing: 0, half: 0 }
  try {
    for (const [room, { id, base }] of rooms.entries()) {
      const { rows } = await client.query<Row>(
        `select "offset", message_number, client_message_id from room_events
         where room_id = $1 and "offset" > $2 order by "offset"`,
        [id, base],
      )
      const order = ledger.order(room)
      let last = base
      let lastNumber: number | undefined
      for (const row of rows) {
        const offset = Number(row.offset)
        const number = Number(row.message_number)
        if (offset !== last + 1 || (lastNumber !== undefined && number !== lastNumber + 1)) report.gaps++
        last = offset
        lastNumber = number
        const message = messageOf(run, row.client_message_id)
        if ((stored[message] ?? 0) > 0) report.repeated++
        stored[message] = 1
        if (ledger.isAcknowledged(message)) {
          if (order.get(offset) !== message) report.differing++
        } else if (message >= 0 && !ledger.reachedAll(message)) report.half++
        report.rows++
      }
    }
  } finally {
    await client.end()
  }
  for (let message = 0; message < sent; message++)
    if (ledger.isAcknowledged(message) && stored[message] !== 1) report.missing++
  return report
}
