/** Who signs in. */
export interface Account {
  /** UUID. */
  readonly id: string
  /** Normalised (see credentials.ts). */
  readonly email: string
  readonly displayName: string
  readonly roles: readonly string[]
}
