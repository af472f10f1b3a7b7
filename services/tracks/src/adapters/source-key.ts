/** Where an uploaded file is stored: by its content, so that the same file is stored once. */
export const sourceKey = (sha256: string): string => `sources/${sha256}`
