import { AxeBuilder } from '@axe-core/playwright'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { pageWording } from '../../src/wording/page.ts'
import { findBrowser, noBrowser } from '../browser.ts'
import { receipt } from '../servers/console-api.ts'
import { citations, phone, usePage } from './console-page-setup.ts'

const here = findBrowser() !== null

const answer = [
  'The quarter was **good** [1], see `margin` and the [rules](https://example.org).',
  '### Figures',
  '| Figure | Q2 |\n| --- | ---: |\n| Revenue | 48.2 |',
  '```python\n# growth\nprint(f"{1 + 1} %")\n```',
  '- [x] read\n- [ ] checked',
  '> A quotation [2]',
].join('\n\n')

async function violations(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze()
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 160)}`))
}

describe.skipIf(!here)(here ? 'the console page for everyone' : `the console page for everyone (${noBrowser})`, () => {
  const open = usePage()
  const looks: Record<string, BrowserContextOptions> = {
    light: { colorScheme: 'light', reducedMotion: 'reduce' },
    dark: { colorScheme: 'dark', reducedMotion: 'reduce' },
    'on a phone': { ...phone, reducedMotion: 'reduce' },
  }

  test.each(Object.entries(looks))('axe finds no problem, %s', async (_look, options) => {
    const { page, ask, api } = await open(options, (server) => {
      server.status.notice = 'Answers are quotations until a model is set up.'
      server.seed({ title: 'An older thread', busy: true })
    })
    await page.getByText('Answers are quotations').waitFor()
    expect(await violations(page), 'empty').toEqual([])

    const turn = await ask('How was the quarter?')
    turn.status('Reading report.pdf, page 3 of 48')
    await page.getByText('page 3 of 48').first().waitFor()
    turn.write(answer)
    await page.locator('.hljs-string').first().waitFor()
    expect(await violations(page), 'streaming').toEqual([])

    turn.finish({ citations, receipt: receipt({ notices: ['The answer was cut short.'] }) })
    await page.getByRole('button', { name: pageWording.receipt.label }).click()
    await page.getByRole('region', { name: pageWording.receipt.label }).waitFor()
    expect(await violations(page), 'finished').toEqual([])

    await page.getByRole('button', { name: pageWording.source.label(1, 'report.pdf', 'p. 12') }).click()
    await page.locator('.page-mark').first().waitFor()
    expect(await violations(page), 'source open').toEqual([])
    await page.keyboard.press('Escape')

    const failed = await ask('Again')
    failed.finish({ state: 'failed', text: 'The model cannot be reached.' })
    await page.getByText('cannot be reached').first().waitFor()
    expect(await violations(page), 'failed').toEqual([])
    expect(api.sent).toHaveLength(2)
  })

  test('everything works from the keyboard', async () => {
    const { page, api, input } = await open({}, (server) => {
      server.seed({ title: 'Older thread' }, [
        { text: 'Hello' },
        { role: 'parley', text: 'Good day [1]', citations, receipt: receipt() },
      ])
    })
    const focused = (locator: ReturnType<Page['locator']>) =>
      expect.poll(() => locator.evaluate((element) => element === document.activeElement)).toBe(true)

    await focused(input)
    const older = page.getByRole('link', { name: /Older thread/ })
    await older.focus()
    await page.keyboard.press('Enter')
    await page.getByText('Good day').waitFor()
    await focused(input)
    await page.keyboard.type('one')
    await page.keyboard.press('Shift+Enter')
    await page.keyboard.type('two')
    await page.keyboard.press('Enter')
    const turn = await api.nextTurn()
    expect(api.sent[0]?.text).toBe('one\ntwo')
    turn.write('Three')
    await page.getByText('Three').waitFor()
    await page.keyboard.press('Escape')
    await turn.stopped

    const source = page.getByRole('button', { name: pageWording.source.label(1, 'report.pdf', 'p. 12') })
    await source.focus()
    await page.keyboard.press('Enter')
    await focused(page.getByRole('button', { name: pageWording.source.close }))
    await page.keyboard.press('Escape')
    await focused(source)

    await page.keyboard.press('Control+k')
    await page.getByRole('heading', { name: pageWording.welcome.heading }).waitFor()
    await focused(input)
    await older.focus()
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog', { name: pageWording.threads.deleteQuestion })
    await dialog.waitFor()
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    await focused(page.getByRole('button', { name: pageWording.threads.deleteNamed('Older thread') }))
    await page.keyboard.press('Enter')
    await dialog.getByRole('button', { name: pageWording.threads.deleteConfirm }).press('Enter')
    await older.waitFor({ state: 'detached' })
    expect(api.requests).toContain('DELETE /console/threads')
  })

  test('the skip link is the first tab stop and leads to the input', async () => {
    const { page, input } = await open()
    const skip = page.getByRole('button', { name: pageWording.app.skipToInput })
    const first = await page.evaluate(() => document.querySelector('a, button, input, textarea')?.textContent)
    expect(first).toBe(pageWording.app.skipToInput)
    expect((await skip.boundingBox())?.y).toBeLessThan(0)
    await skip.focus()
    expect((await skip.boundingBox())?.y).toBeGreaterThan(0)
    await page.keyboard.press('Enter')
    expect(await input.evaluate((element) => element === document.activeElement)).toBe(true)
  })

  test('a screen reader announces an answer once, when it is complete', async () => {
    const { page, ask } = await open()
    const transcription = page.locator('[aria-live=polite]')
    const turn = await ask('Speak')
    turn.status('Reading report.pdf, page 3 of 48')
    await transcription.getByText('Reading report.pdf, page 3 of 48').waitFor({ state: 'attached' })
    turn.status('Reading report.pdf, page 4 of 48')
    turn.write('Half of **it**')
    await page.getByText('Half of').waitFor()
    expect(await transcription.textContent()).toBe('Reading report.pdf, page 3 of 48')
    turn.write(' and the rest.')
    turn.finish()
    await expect
      .poll(() => transcription.textContent())
      .toBe(pageWording.message.announce('Half of it and the rest.', ''))
  })

  test('on a phone, the threads are in a drawer', async () => {
    const { page } = await open(phone, (server) => {
      server.seed({ title: 'Older thread' }, [{ text: 'Hello from before' }])
    })
    await page.getByRole('button', { name: pageWording.threads.list }).tap()
    await page.getByRole('link', { name: /Older thread/ }).tap()
    await page.getByText('Hello from before').waitFor()
    await page.getByRole('link', { name: /Older thread/ }).waitFor({ state: 'hidden' })
    const sideways = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)
    expect(sideways).toBe(false)
  })

  test('a chosen theme is remembered', async () => {
    const { page } = await open({ colorScheme: 'light' })
    const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
    const light = await paper()
    await page.getByRole('radio', { name: pageWording.theme.dark }).check({ force: true })
    const dark = await paper()
    expect(dark).not.toBe(light)
    await page.reload()
    expect(await paper()).toBe(dark)
  })
})
