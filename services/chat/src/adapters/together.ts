/**
 * Waits for statements of one transaction that were sent without waiting for each other. Rejects with what the first one
 * that failed says: those behind it fail of that alone, and their errors would blame the server for it.
 */
export const together = async <const T extends readonly Promise<unknown>[]>(
  sent: T,
): Promise<{ -readonly [I in keyof T]: Awaited<T[I]> }> => {
  await Promise.allSettled(sent)
  return Promise.all(sent)
}
