/** How answers read: on paper, from right to left, with formulas. */
import { describe, expect, test } from 'vitest'
import type { Position } from '../../src/core/artifact.ts'
import { pageWording } from '../../src/wording/page.ts'
import { findBrowser, noBrowser } from '../browser.ts'
import { citation } from '../fakes/source.ts'
import { receipt } from '../servers/console-api.ts'
import { hash, usePage } from './console-page-setup.ts'

const here = findBrowser() !== null

describe.skipIf(!here)(here ? 'reading on the page' : `reading on the page (${noBrowser})`, () => {
  const open = usePage()

  test('a printed thread is whole, without the thread list and the message box', async () => {
    const { page } = await open({ colorScheme: 'dark' }, (api) => {
      const long = Array.from({ length: 120 }, (_, n) => `Paragraph ${n} of a long answer.`).join('\n\n')
      api.seed({ title: 'Long thread' }, [{ text: 'Write a lot' }, { role: 'parley', text: long }])
    })
    await page.getByRole('link', { name: /Long thread/ }).click()
    await page.getByText('Paragraph 119').waitFor()
    await page.emulateMedia({ media: 'print' })
    for (const hidden of ['.sidebar', '.composer', '.reply-actions'])
      expect(await page.locator(hidden).first().isVisible(), hidden).toBe(false)
    expect(await page.getByText('Paragraph 0 of').isVisible()).toBe(true)
    const pages = (await page.pdf()).toString('latin1').match(/\/Type\s*\/Page\b(?!s)/g)
    expect(pages?.length).toBeGreaterThan(3)
  })

  test('Arabic and Hebrew are written from right to left, beside what is written from left to right', async () => {
    const { page, ask, input } = await open()
    const turn = await ask('ما هو العقد؟')
    turn.write(
      [
        'العقد هو اتفاق بين طرفين.',
        'A contract is an agreement.',
        '`npm start` מפעיל את Parley.',
        '- ראשון\n- שני',
        '| שם | Name |\n| --- | --- |\n| דנה | Dana |',
      ].join('\n\n'),
    )
    turn.finish()
    await page.getByText('Dana').waitFor()
    const directions = (selector: string) =>
      page.locator(selector).evaluateAll((found) => found.map((element) => getComputedStyle(element).direction))
    expect(await directions('.bubble')).toEqual(['rtl'])
    expect(await directions('.reply .markdown > p')).toEqual(['rtl', 'ltr', 'rtl'])
    expect(await directions('.reply .markdown > ul')).toEqual(['rtl'])
    expect(await directions('.reply :is(th, td)')).toEqual(['rtl', 'ltr', 'rtl', 'ltr'])
    expect(await directions('.thread-title, h1')).toEqual(['rtl', 'rtl'])
    await input.fill('שלום')
    expect(await directions('textarea')).toEqual(['rtl'])
  })

  test('formulas keep their backslashes', async () => {
    const { page, ask } = await open()
    const turn = await ask('Pythagoras?')
    const display = '\\[\n\\int_0^1 x\\,dx\n- 1_a * 2_a\n\\]'
    turn.write(`With \\(a^2 + b_1\\) and $$x_1 * y_1$$.\n\n${display}\n\nNot one: \\[1\\] costs $5.`)
    turn.finish()
    await page.getByText('Not one: [1] costs $5.').waitFor()
    expect(await page.locator('code.math').allTextContents()).toEqual(['\\(a^2 + b_1\\)', '$$x_1 * y_1$$'])
    expect(await page.locator('pre.math').allTextContents()).toEqual([display])
  })

  test('a cited recording wraps at the width of its panel, cited rows are marked in a table, and a picture is a picture', async () => {
    const { page, ask } = await open()
    const turn = await ask('What is in them?')
    turn.write('All of it [1][2][3].')
    const of = (n: number, title: string, at: Position) => citation(n, title, { contentHash: hash, at })
    turn.finish({
      citations: [
        of(1, 'call.ogg', { kind: 'time', fromMs: 60_000, toMs: 80_000 }),
        of(2, 'prices.xlsx', { kind: 'rows', sheet: 'Q1', from: 40, to: 43 }),
        of(3, 'photo.jpg', { kind: 'page', page: 1 }),
      ],
      receipt: receipt(),
    })
    const sources = page.locator('.source')
    expect(await sources.nth(2).locator('.source-at').textContent()).toBe('picture')
    const body = page.locator('.panel-body')
    const sideways = () => body.evaluate((box) => box.scrollWidth - box.clientWidth)

    await sources.nth(0).click()
    await page.locator('.text-line.cited').first().waitFor()
    expect(await sideways()).toBe(0)

    await page.keyboard.press('Escape')
    await sources.nth(1).click()
    await page.locator('.cited-table .cited').first().waitFor()
    expect(await page.locator('.cited-table .cited th').allTextContents()).toEqual(['40', '41', '43'])
    expect(await page.locator('.cited-table thead th').allTextContents()).toEqual([
      'A: Item',
      'B: Description',
      'C: Price',
    ])

    await page.keyboard.press('Escape')
    await sources.nth(2).click()
    const panel = page.getByRole('dialog', { name: 'photo.jpg' })
    await panel.getByRole('img', { name: 'photo.jpg' }).waitFor()
    await panel.getByText('picture', { exact: true }).waitFor()
    expect(await panel.getByRole('button', { name: pageWording.page.next }).count()).toBe(0)
  })
})
