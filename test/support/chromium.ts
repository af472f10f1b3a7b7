import { execFile } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import axe, { type AxeResults } from 'axe-core'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'

const run = promisify(execFile)

const onPath = async (...names: readonly string[]): Promise<string | undefined> => {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter))
    for (const name of names) {
      const file = join(folder, name)
      const isThere = await access(file, constants.X_OK).then(
        () => true,
        () => false,
      )
      if (isThere) return file
    }
  return undefined
}

const installed = (): Promise<string | undefined> => onPath('chromium', 'chromium-browser', 'google-chrome')

/** The system's Chromium. On Debian and Ubuntu, as root, it is installed where it is missing. */
const chromiumPath = async (): Promise<string> => {
  const found = await installed()
  if (found !== undefined) return found
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  // Another test, or the system itself, may be installing at this moment.
  const patience = ['-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=3']
  await run('apt-get', ['update', '-qq', ...patience], { env })
  await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...patience, 'chromium'], { env })
  const now = await installed()
  if (now === undefined) throw new Error('install Chromium: the page is tested in it')
  return now
}

/** Starts it, without a window. Sound plays into nothing. */
export const startChromium = async (): Promise<Browser> =>
  chromium.launch({
    executablePath: await chromiumPath(),
    args: ['--no-sandbox', '--mute-audio', '--autoplay-policy=no-user-gesture-required'],
  })

/**
 * What axe-core finds against WCAG 2.2 AA in the page as it stands, a line each.
 *
 * @see https://github.com/dequelabs/axe-core
 */
export const accessibilityProblems = async (page: Page): Promise<string[]> => {
  if (!(await page.evaluate<boolean>('"axe" in window'))) await page.evaluate(axe.source)
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
  const { violations } = await page.evaluate<AxeResults>(
    `axe.run(document, { runOnly: ${JSON.stringify(tags)}, resultTypes: ['violations'] })`,
  )
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`))
}

/** A window of somebody, and what went wrong in it. */
export interface Window {
  readonly page: Page
  readonly context: BrowserContext
  /** Errors that nobody caught, and violations of the page's own policy. */
  readonly errors: readonly string[]
}

/** Opens a window with storage of its own: another person, or another device. */
export const openWindow = async (
  browser: Browser,
  url: string,
  options: Parameters<Browser['newContext']>[0] = {},
): Promise<Window> => {
  const context = await browser.newContext({ baseURL: url, locale: 'en-GB', ...options })
  const errors: string[] = []
  const page = await context.newPage()
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error' && /Content Security Policy|Trusted/.test(message.text()))
      errors.push(message.text())
  })
  page.setDefaultTimeout(30_000)
  return { page, context, errors }
}
