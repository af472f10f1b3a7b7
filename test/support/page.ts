import { randomUUID } from 'node:crypto'
import { type Locator, type Page } from 'playwright-core'
import { expect } from 'vitest'
import { type Person } from './api.ts'
import { accessibilityProblems, type Window } from './chromium.ts'

/** What strangers write, so that it runs in somebody else's page. */
export const corpus = [
  '<script>veza_xss=1</script>',
  '<img src=x onerror=veza_xss=1>',
  '"><svg onload=veza_xss=1>',
  'javascript:veza_xss=1//',
  "'-(veza_xss=1)-'",
  '<a href=javascript:veza_xss=1>x</a>',
] as const

/** Pixels by which the page, or what scrolls in it, is wider than the window. */
export const overflow = `Math.max(...[document.scrollingElement, document.querySelector('#content')]
  .map((element) => element.scrollWidth - element.clientWidth))`

/** Makes an account by the page, and leaves the window at home. */
export const signUp = async ({ page }: Window, name: string): Promise<void> => {
  await page.goto('/')
  await page.getByRole('button', { name: 'Create an account' }).click()
  expect(await accessibilityProblems(page)).toEqual([])
  await page.getByLabel('Name').fill(name)
  await page.getByLabel('E-mail').fill(`${randomUUID()}@example.org`)
  await page.getByLabel('Password').fill(`a long one ${randomUUID()}`)
  await page.getByRole('button', { name: 'Create an account' }).click()
  await page.getByRole('heading', { name: 'New tracks' }).waitFor()
}

/** Has somebody who registered by the API be signed in, in a window that has shown nothing yet. */
export const enter = async ({ context }: Window, { refreshToken }: Person): Promise<void> => {
  // Once: the page exchanges it for another.
  await context.addInitScript(`localStorage['veza.refresh-token'] ??= ${JSON.stringify(refreshToken)}`)
}

/** Says something in the room that is open. */
export const say = async (page: Page, text: string): Promise<void> => {
  await page.getByLabel('Message', { exact: true }).fill(text)
  await page.keyboard.press('Enter')
}

/** Goes on by the Tab key until it is there; throws when it is not among what Tab comes by. */
export const tabTo = async (page: Page, target: Locator, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> => {
  await target.waitFor()
  for (let presses = 0; presses < 80; presses++) {
    if ((await target.and(page.locator(':focus')).count()) > 0) return
    await page.keyboard.press(key)
  }
  throw new Error(`${key} does not lead to ${target.toString()}`)
}
