import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import type { WebMode } from '../../src/core/message.ts'
import { pageWording } from '../../src/wording/page.ts'
import { findBrowser, noBrowser } from '../browser.ts'
import { earlier, source } from '../fakes/source.ts'
import { receipt } from '../servers/console-api.ts'
import { hash, usePage } from './console-page-setup.ts'

const here = findBrowser() !== null
const { label, mode, about } = pageWording.web
/** What is drawn. */
const chosen = (page: Page, which: WebMode) =>
  page.locator(`.web-choice[data-mode=${which}] .web-modes`).getByText(mode[which], { exact: true }).waitFor()

describe.skipIf(!here)(
  here ? 'the web and files shared earlier' : `the web and files shared earlier (${noBrowser})`,
  () => {
    const open = usePage()

    test('the choice of web search is made by keyboard, sent with the question, kept for the thread, and not for others', async () => {
      const { page, api, input, ask } = await open({}, ({ status }) => {
        status.web = 'open'
      })
      const choice = page.getByRole('combobox', { name: label, description: about.open })
      await choice.waitFor()
      await ask('Ohne Wahl')
      // From the message to the files, and from there to the web.
      await input.focus()
      await page.keyboard.press('Tab')
      await page.keyboard.press('Tab')
      expect(await choice.evaluate((element) => element === document.activeElement)).toBe(true)
      await page.keyboard.press('ArrowDown')
      await chosen(page, 'on')
      await ask('With the web')
      await choice.selectOption('off')
      await ask('Without it')
      expect(api.sent.map(({ web }) => web)).toEqual([undefined, 'on', 'off'])

      await page.reload()
      await chosen(page, 'off')
      expect(await choice.inputValue()).toBe('off')
      await page.getByRole('button', { name: pageWording.threads.start }).first().click()
      await chosen(page, 'auto')
    })

    test('the choice is not there without a search engine', async () => {
      const { page, ask } = await open()
      await ask('Hello')
      expect(await page.getByRole('combobox', { name: label }).count()).toBe(0)
    })

    test.each([
      ['off', 'off', ['auto', 'on']],
      ['noSearch', 'auto', ['on']],
    ] as const)('the choice shows what the place forbids: %s', async (web, shown, closed) => {
      const { page, api, ask } = await open({}, ({ status }) => {
        status.web = web
      })
      const choice = page.getByRole('combobox', { name: label, description: about[web] })
      await choice.waitFor()
      expect(await choice.inputValue()).toBe(shown)
      const disabled = choice.locator('option:disabled')
      expect(await disabled.evaluateAll((options) => options.map((option) => option.getAttribute('value')))).toEqual(
        closed,
      )
      expect(await choice.locator('optgroup').getAttribute('label')).toBe(about[web])
      await ask('Hello')
      expect(api.sent.at(-1)?.web).toBeUndefined()
    })

    test('the choice moves nothing on a narrow screen, whatever is chosen', async () => {
      const narrow = { viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true }
      const { page, input } = await open(narrow, ({ status }) => {
        status.web = 'open'
      })
      await input.fill('What is new?')
      const choice = page.getByRole('combobox', { name: label })
      const places = () =>
        page.evaluate(() =>
          ['.composer', '.composer-bar .send', '.composer-bar .icon-button', '.web-choice'].map((name) => {
            const { x, y, width, height } = document.querySelector(name)?.getBoundingClientRect() ?? new DOMRect()
            return [name, x, y, width, height]
          }),
        )
      const before = await places()
      for (const each of ['on', 'off', 'auto'] as const) {
        await choice.selectOption(each)
        await chosen(page, each)
        expect(await places()).toEqual(before)
      }
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(320)
      const height = await page.locator('.web-choice').evaluate((element) => element.getBoundingClientRect().height)
      expect(height).toBeGreaterThanOrEqual(36)
    })

    test('a cited web page opens with its words marked as prose, its site and date, and a link to it', async () => {
      const { page, ask } = await open()
      const turn = await ask('How loud is it?')
      turn.write('It makes 41 decibels [1].')
      const url = 'https://pumps.example/noise'
      const from = { title: 'How loud are heat pumps?', url, site: 'Pump News', published: '2026-03-02' }
      const cited = source(1, from.title, { kind: 'page', contentHash: hash, ...from })
      turn.finish({
        citations: [
          { n: 1, source: cited, at: { kind: 'lines', from: 3, to: 9 }, quote: 'line 5 of the log, level=info' },
        ],
      })
      await page
        .getByRole('button', { name: pageWording.source.label(1, from.title, 'Pump News, 2026-03-02') })
        .first()
        .click()
      const panel = page.getByRole('dialog', { name: from.title })
      await expect.poll(() => panel.locator('mark').allTextContents()).toEqual(['line 5 of the log, level=info'])
      expect(await panel.locator('.line-number').count()).toBe(0)
      expect(await panel.locator('.panel-title p').textContent()).toContain('Pump News, 2026-03-02')
      expect(await panel.getByRole('link', { name: pageWording.source.open }).getAttribute('href')).toBe(url)
    })

    test('a cited file that was shared earlier opens at its page, says who shared it, and the receipt lists it', async () => {
      const { page, ask } = await open()
      const turn = await ask('What did we plan?')
      turn.write('To grow by 14 percent [1].')
      const cited = earlier(1, 'plan.pdf', { contentHash: hash })
      const where = 'shared by Ann, in #sales, 2026-11-20'
      turn.finish({
        citations: [{ n: 1, source: cited, at: { kind: 'page', page: 3 }, quote: 'Revenue grew by 14 percent' }],
        receipt: {
          ...receipt(),
          memory: {
            files: [
              { title: 'plan.pdf', where, outcome: 'used' },
              { title: 'old.pdf', where, outcome: 'unused' },
            ],
          },
        },
      })
      const about = 'p. 3, shared by Ann in #sales on 2026-11-20'
      await page
        .getByRole('button', { name: pageWording.source.label(1, 'plan.pdf', about) })
        .first()
        .click()
      const panel = page.getByRole('dialog', { name: 'plan.pdf' })
      await panel.locator('.page-mark').first().waitFor()
      expect(await panel.locator('.panel-title p').textContent()).toContain(about)
      expect(await panel.getByRole('link', { name: pageWording.source.openFile }).getAttribute('href')).toBe(
        'https://files.example/1',
      )
      await page.keyboard.press('Escape')
      await page.locator('.receipt-line').click()
      const row = page.locator('.receipt div', { hasText: pageWording.receipt.memory })
      await row.getByText('old.pdf').waitFor()
      expect(await row.locator('li').allTextContents()).toEqual([
        `plan.pdf ${where} ${pageWording.receipt.memoryFile.used}`,
        `old.pdf ${where} ${pageWording.receipt.memoryFile.unused}`,
      ])
    })
  },
)
