/**
 * The worked example of docs/events.md, which quotes its regions: a guestbook, from a command to a page that is read. Its
 * events are chat's record MessagePosted, so that nothing of it has to be released.
 */
import { topics } from '@veza/contracts'
import {
  aggregate,
  type EventMetadata,
  type EventStore,
  type NewEvent,
  type StoredEvent,
} from '@veza/kit/events'
import { type Database } from '@veza/kit/postgres'
import { type Projection } from '@veza/kit/projection'
import { randomUUID } from 'node:crypto'

/** chat.events.v1 as far as it is used here; tests give it a name of their own. */
export const bookTopic = { ...topics.chatEvents, records: ['MessagePosted'] } as const
export type BookTopic = typeof bookTopic

/** The guestbook's rule is broken. */
export class Rejection extends Error {
  override readonly name = 'Rejection'
}

// #region domain
/** What happens to a guestbook: somebody signs it. */
export interface Signed {
  readonly by: string
  readonly text: string
  readonly at: Date
  /** Of the page; 0 where it was signed before pages had numbers. */
  readonly page: number
}

export interface Book {
  readonly signedBy: ReadonlySet<string>
}
export const emptyBook: Book = { signedBy: new Set() }

export const evolve = (book: Book, { by }: Signed): Book => ({ signedBy: new Set([...book.signedBy, by]) })

/** Throws Rejection: everybody signs once. */
export const decide = (book: Book, by: string, text: string, at: Date): Signed[] => {
  if (book.signedBy.has(by)) throw new Rejection('signed already')
  return [{ by, text, at, page: 1 + Math.floor(book.signedBy.size / 10) }]
}
// #endregion

// #region mapper
export const read = (records: readonly StoredEvent<BookTopic>[]): Signed[] =>
  records.map(({ value }) => ({
    ...{ by: value.senderId, text: value.body, at: new Date(value.postedAt) },
    // The newest shape, whatever version it was written with: of v1, which had no such field, its default.
    page: value.messageNumber,
  }))

const write =
  (bookId: string) =>
  (events: readonly Signed[]): NewEvent<BookTopic>[] =>
    events.map(({ by, text, at, page }) => ({
      type: 'MessagePosted',
      value: {
        ...{ roomId: bookId, epoch: '', offset: 0, messageId: randomUUID(), clientMessageId: '' },
        ...{ senderId: by, body: text, postedAt: at.getTime(), messageNumber: page },
        ...{ replyTo: null, threadId: null, mentions: [], trackId: null, trackPositionMs: null },
      },
    }))
// #endregion

// #region command
export const signBook =
  (db: Database<unknown>['db'], store: EventStore<BookTopic>) =>
  async (
    o: { readonly bookId: string; readonly by: string; readonly text: string },
    request: { readonly metadata?: EventMetadata; readonly idempotencyKey?: string } = {},
  ): Promise<number> => {
    const book = aggregate({ store, initial: emptyBook, evolve, read, write: write(o.bookId) })
    const { version } = await book.execute(db, {
      ...{ stream: `book-${o.bookId}`, key: o.bookId, attempts: 5, ...request },
      decide: (state) => decide(state, o.by, o.text, new Date()),
    })
    return version
  }
// #endregion

// #region projection
export interface BooksDatabase {
  entries: { book_id: string; by: string; text: string; page: number }
}

export const bookViews = (topic: BookTopic): Projection<BookTopic, BooksDatabase> => ({
  ...{ name: 'book-views', schema: 'book_views', version: 1, topics: [topic] },
  async createTables(db) {
    await db.schema
      .createTable('entries')
      .addColumn('book_id', 'uuid', (column) => column.notNull())
      .addColumn('by', 'uuid', (column) => column.notNull())
      .addColumn('text', 'text', (column) => column.notNull())
      .addColumn('page', 'integer', (column) => column.notNull())
      .addPrimaryKeyConstraint('entries_of_book', ['book_id', 'by'])
      .execute()
  },
  async apply(db, events) {
    const rows = events.map(({ value }) => ({
      ...{ book_id: value.roomId, by: value.senderId, text: value.body, page: value.messageNumber },
    }))
    await db.insertInto('entries').values(rows).execute()
  },
})
// #endregion
