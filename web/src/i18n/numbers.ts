import { language } from './index.ts'

/** @param digits after the point, at most */
export const numberOf = (value: number, digits: number): string =>
  new Intl.NumberFormat(language.value, { maximumFractionDigits: digits }).format(value)

/** Bytes, in MB. */
export const sizeOf = (bytes: number): string =>
  new Intl.NumberFormat(language.value, {
    ...{ style: 'unit', unit: 'megabyte', maximumFractionDigits: 0 },
  }).format(bytes / 1e6)

const units = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const

/** How long, in the largest unit that it fills. */
export const lengthOf = (seconds: number): string => {
  const [unit, length] = units.find(([, each]) => seconds >= each) ?? (['second', 1] as const)
  return new Intl.NumberFormat(language.value, { style: 'unit', unit, unitDisplay: 'short' }).format(
    Math.floor(seconds / length),
  )
}
