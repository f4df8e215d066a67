/** Opens the built console page on a scripted server, one server and one browser context for each test. */

import type { Browser, BrowserContextOptions, Page, Response } from 'playwright-core'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { buildPage } from '../../adapters/console/page/build.ts'
import type { Citation } from '../../src/core/reply.ts'
import { pageWording } from '../../src/wording/page.ts'
import { launchBrowser } from '../browser.ts'
import { citation } from '../fakes/source.ts'
import { type ConsoleApi, startConsoleApi } from '../servers/console-api.ts'

export const phone: BrowserContextOptions = {
  viewport: { width: 390, height: 844 },
  isMobile: true,
  hasTouch: true,
}

export interface Opened {
  page: Page
  api: ConsoleApi
  input: ReturnType<Page['getByLabel']>
  /** Types and sends, and gives the turn that this starts. */
  ask(text: string): ReturnType<ConsoleApi['nextTurn']>
}

/** Call once in a `describe`; what it returns opens a page in a test. */
export function usePage(): (options?: BrowserContextOptions, prepare?: (api: ConsoleApi) => void) => Promise<Opened> {
  let browser: Browser
  const closing: (() => Promise<unknown>)[] = []
  beforeAll(async () => {
    await buildPage()
    browser = await launchBrowser()
  })
  afterEach(async () => {
    for (const close of closing.splice(0)) await close()
  })
  afterAll(() => browser?.close())

  return async (options = {}, prepare = () => undefined) => {
    const api = await startConsoleApi()
    closing.push(() => api.close())
    prepare(api)
    const context = await browser.newContext({ viewport: { width: 1200, height: 800 }, ...options })
    closing.unshift(() => context.close())
    const page = await context.newPage()
    page.setDefaultTimeout(15_000)
    await page.goto(api.url)
    const input = page.getByLabel(pageWording.composer.input)
    await input.waitFor()
    return {
      page,
      api,
      input,
      async ask(text) {
        await input.fill(text)
        await input.press('Enter')
        return api.nextTurn()
      },
    }
  }
}

export const hash = 'ab'.repeat(32)

export const citations: Citation[] = [
  citation(1, 'report.pdf', { contentHash: hash, at: { kind: 'page', page: 12 }, quote: 'Revenue grew by 14 percent' }),
  citation(2, 'server.log', { contentHash: hash, at: { kind: 'lines', from: 137, to: 139 } }),
]

/** A file of `bytes` zeros for a file input. */
export const file = (name: string, bytes = 20, mimeType = 'application/pdf') => ({
  name,
  mimeType,
  buffer: Buffer.alloc(bytes),
})

export const pictureOf = (page: Page, n: number): Promise<Response> =>
  page.waitForResponse((response) => response.url().includes(`/page/${n}?width=`))
