import { randomUUID } from 'node:crypto'
import { type Browser, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createRoom, join, type Person, register, request } from '../support/api.ts'
import { accessibilityProblems, openWindow, startChromium, type Window } from '../support/chromium.ts'
import { enter, say } from '../support/page.ts'

let browser: Browser
/** Cy alone has a name that nobody else has: she is searched for. */
const names = { ann: 'Ann', ben: 'Ben', cy: `Cy ${randomUUID().slice(0, 8)}` }
const people = {} as Record<keyof typeof names, Person>
const windows = {} as Record<keyof typeof names, Window>
let room: string
beforeAll(async () => {
  const { http } = inject('veza')
  browser = await startChromium()
  for (const name of ['ann', 'ben', 'cy'] as const) {
    people[name] = await register(http, names[name])
    windows[name] = await openWindow(browser, http)
    await enter(windows[name], people[name])
  }
  room = await createRoom(http, people.ann, `Order ${randomUUID().slice(0, 8)}`)
  await join(http, people.ben, room)
  await join(http, people.cy, room)
})
afterAll(async () => {
  await browser.close()
})

const post = async (person: Person, body: string): Promise<void> => {
  const { http } = inject('veza')
  const message = { clientMessageId: randomUUID(), body }
  const { status } = await request(http, 'POST', `/v1/rooms/${room}/messages`, {
    token: person.token,
    body: message,
  })
  expect(status).toBe(202)
}
const openPeople = async (page: Page) => {
  await page.getByRole('button', { name: 'Who is in the room' }).click()
  return page.getByRole('complementary', { name: 'Who is in the room' })
}
const log = (page: Page) => page.getByRole('log', { name: 'Messages' })

describe('whoever looks after a room, on the page', () => {
  it('is told what members report, deletes it, shuts out who wrote it, and lets them in again', async () => {
    const [ann, ben] = [windows.ann.page, windows.ben.page]
    await post(people.cy, 'Something rude')
    await Promise.all([ann.goto(`/rooms/${room}`), ben.goto(`/rooms/${room}`)])
    const rude = log(ben).getByRole('article', { name: `Message of ${names.cy}` })
    await rude.hover()
    expect(await rude.getByRole('button', { name: 'Delete' }).count()).toBe(0)
    await rude.getByRole('button', { name: 'Report' }).click()
    await rude.getByRole('textbox', { name: 'What is wrong with this message?' }).fill('It is rude')
    expect(await accessibilityProblems(ben)).toEqual([])
    await ben.keyboard.press('Enter')
    await rude.getByText('The moderators of the room will see it.').waitFor()

    const panel = await openPeople(ann)
    const reports = panel.getByRole('region', { name: 'Reported messages' })
    await reports.getByText('Ben: It is rude').waitFor()
    await reports.getByText('Something rude').waitFor()
    const bans = panel.getByRole('region', { name: 'Shut out' })
    await bans.getByText('Nobody is shut out.').waitFor()
    expect(await accessibilityProblems(ann)).toEqual([])

    await reports.getByRole('button', { name: `Ban: ${names.cy}` }).click()
    await bans.getByRole('button', { name: `Let in again: ${names.cy}` }).waitFor()
    expect(await accessibilityProblems(ann)).toEqual([])
    const { http } = inject('veza')
    const shut = () =>
      request(http, 'POST', `/v1/rooms/${room}/members`, { token: people.cy.token, body: {} })
    expect((await shut()).status).toBe(403)
    await reports.getByRole('button', { name: `Delete the message: ${names.cy}` }).click()
    await reports.getByText('This message was deleted').waitFor()
    await reports.getByRole('textbox', { name: `A note, if you like: ${names.cy}` }).fill('Deleted')
    await ann.keyboard.press('Enter')
    await reports.getByText('Nobody has reported anything.').waitFor()
    expect(await ann.evaluate<string>('document.activeElement.textContent')).toBe('Reported messages')
    await bans.getByRole('button', { name: `Let in again: ${names.cy}` }).click()
    await bans.getByText('Nobody is shut out.').waitFor()
    expect((await shut()).status).toBeLessThan(300)
  })

  it('makes moderators, invites, removes, slows the room down, and closes it', async () => {
    const [ann, ben, cy] = [windows.ann.page, windows.ben.page, windows.cy.page]
    await ann.goto(`/rooms/${room}`)
    const panel = await openPeople(ann)
    await panel.getByRole('combobox', { name: 'Role: Ben' }).selectOption('moderator')
    await panel.getByText('Ben moderator').waitFor()

    await ben.goto(`/rooms/${room}`)
    const bens = await openPeople(ben)
    await bens.getByRole('button', { name: `Remove: ${names.cy}` }).click()
    await bens.getByRole('button', { name: `Remove: ${names.cy}` }).waitFor({ state: 'detached' })
    expect(await bens.getByRole('button', { name: 'Archive the room' }).count()).toBe(0)
    await bens.getByLabel('Invite somebody').fill(names.cy)
    await ben.keyboard.press('Enter')
    await bens.getByRole('button', { name: `Invite: ${names.cy}` }).click()
    await cy.goto('/inbox')
    await cy.getByText(`Ben invites you to Order`).waitFor()
    await cy.getByRole('button', { name: 'Join' }).click()
    await cy.getByRole('textbox', { name: 'Message', exact: true }).waitFor()

    await bens.getByLabel('Slow mode').selectOption({ label: 'A message every 300 s' })
    await bens.getByText('Saved').first().waitFor()
    await say(cy, 'first')
    await log(ben).getByText('first').waitFor()
    await say(cy, 'second')
    await log(cy).getByText('The room is in slow mode. Wait a moment.').waitFor()
    await panel.getByRole('button', { name: 'Archive the room' }).click()
    await panel.getByRole('button', { name: 'Take the room out of the archive' }).waitFor()
    await log(cy).getByRole('button', { name: 'Send again' }).click()
    await log(cy).getByText('The room is archived: nobody can write here.').waitFor()
    for (const { errors } of Object.values(windows)) expect(errors).toEqual([])
  })
})
