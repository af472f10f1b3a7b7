import { effect, signal } from '@preact/signals'

export const themes = ['system', 'light', 'dark'] as const
export type Theme = (typeof themes)[number]

const storageKey = 'veza.theme'
const stored = localStorage.getItem(storageKey)

export const theme = signal<Theme>(themes.find((each) => each === stored) ?? 'system')

effect(() => {
  const { dataset } = document.documentElement
  if (theme.value === 'system') delete dataset['theme']
  else dataset['theme'] = theme.value
})

export const chooseTheme = (chosen: Theme): void => {
  localStorage.setItem(storageKey, chosen)
  theme.value = chosen
}
