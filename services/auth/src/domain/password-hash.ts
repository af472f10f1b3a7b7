/** The cost of what we hash: OWASP's first argon2id choice, 46 MiB or more with one pass. */
export const argon2Cost = { memoryCost: 47 * 1024, timeCost: 1, parallelism: 1 } as const

/** What every hash begins with that we would make today. */
export const currentHashPrefix = `$argon2id$v=19$m=${argon2Cost.memoryCost},t=${argon2Cost.timeCost},p=${argon2Cost.parallelism}$`

/** Whether a hash is as we would make it today. Another one is made anew when its password is next given. */
export const isCurrentHash = (hash: string): boolean => hash.startsWith(currentHashPrefix)

const bcrypt = /^\$2[abxy]\$(\d\d)\$[./A-Za-z0-9]{53}$/
const argon2 =
  /^\$argon2(?:id|i|d)\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,3})\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{22,86}$/

/**
 * Whether a hash from elsewhere can be verified, at a price that every sign-in may pay: bcrypt of cost 4 to 14, argon2 of
 * at most 256 MiB, 10 passes and 16 lanes.
 */
export const isAcceptableHash = (hash: string): boolean => {
  const [, cost] = bcrypt.exec(hash) ?? []
  if (cost !== undefined) return Number(cost) >= 4 && Number(cost) <= 14
  const [, memory, passes, lanes] = (argon2.exec(hash) ?? []).map(Number)
  if (memory === undefined || passes === undefined || lanes === undefined) return false
  return (
    memory >= 8 * lanes && memory <= 256 * 1024 && passes >= 1 && passes <= 10 && lanes >= 1 && lanes <= 16
  )
}
