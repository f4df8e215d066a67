/** What is pressed below replies and notices: the row of a reply, why, opinions, approvals, and what goes wrong with them. */

import { randomUUID } from 'node:crypto'
import { AxeBuilder } from '@axe-core/playwright'
import type { Locator, Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { pageWording } from '../../src/wording/page.ts'
import { findBrowser, noBrowser } from '../browser.ts'
import { receipt } from '../servers/console-api.ts'
import { phone, usePage } from './console-page-setup.ts'

const here = findBrowser() !== null
const button = (within: Page | Locator, name: string) => within.getByRole('button', { name })
const isFocused = (of: Locator) => of.evaluate((element) => element === document.activeElement)

describe.skipIf(!here)(here ? 'under an answer' : `under an answer (${noBrowser})`, () => {
  const open = usePage()

  test('the last answer has all buttons, older ones keep Why and ratings, and notices change nothing', async () => {
    const { page, api, ask } = await open()
    const first = await ask('One')
    first.write('First reply')
    first.finish()
    await button(page, pageWording.answer.regenerate.label).waitFor()
    const second = await ask('Two')
    second.write('Second reply')
    second.finish()
    api.say(second.threadId, { text: 'Budget: half is spent.' })
    await page.getByText('half is spent').first().waitFor()
    const [older, last, notice] = [0, 1, 2].map((n) => page.locator('.reply').nth(n))
    const names = (of: Locator | undefined) => of?.locator('.reply-actions button .label').allTextContents()
    await expect
      .poll(() => names(older))
      .toEqual([pageWording.answer.copy, pageWording.answer.why.label, pageWording.answer.good, pageWording.answer.bad])
    expect(await names(last)).toEqual([
      pageWording.answer.copy,
      pageWording.answer.regenerate.label,
      pageWording.answer.cheaper.label,
      pageWording.answer.better.label,
      pageWording.answer.why.label,
      pageWording.answer.good,
      pageWording.answer.bad,
    ])
    expect(await names(notice)).toEqual([pageWording.answer.copy])
    expect(await page.locator('[aria-live=polite]').textContent()).toBe(
      pageWording.message.announce('Budget: half is spent.', ''),
    )
  })

  test('Cheaper and Better regenerate an answer in place and keep the focus in the thread', async () => {
    const { page, api, ask } = await open()
    const first = await ask('Say a number')
    first.write('Seven')
    first.finish()
    for (const [name, answer] of [
      [pageWording.answer.cheaper.label, 'Six'],
      [pageWording.answer.better.label, 'Eight'],
    ] as const) {
      await button(page, name).press('Enter')
      const turn = await api.nextTurn()
      await expect.poll(() => isFocused(page.getByRole('region', { name: pageWording.message.list }))).toBe(true)
      turn.write(answer)
      turn.finish()
      await page.getByText(answer).first().waitFor()
      await button(page, name).waitFor()
    }
    expect(api.pressed).toEqual(['cheaper', 'better'])
    expect(await page.locator('.reply').count()).toBe(1)
  })

  test('Why opens a panel, closes on a second press or Esc, and adds no message', async () => {
    const { page, api, ask } = await open()
    api.why = '- Answered by `openai/gpt-5-mini`.\n- Not a source: [1]'
    const turn = await ask('How come?')
    turn.write('Because.')
    turn.finish()
    const why = button(page, pageWording.answer.why.label)
    await why.click()
    const panel = page.getByRole('region', { name: pageWording.answer.whyPanel })
    await panel.locator('code', { hasText: 'openai/gpt-5-mini' }).waitFor()
    expect(await panel.getByText('Not a source: [1]').count()).toBe(1)
    expect(await why.getAttribute('aria-expanded')).toBe('true')
    await why.click()
    await panel.waitFor({ state: 'detached' })
    await why.press('Enter')
    await panel.waitFor()
    await page.keyboard.press('Escape')
    await panel.waitFor({ state: 'detached' })
    expect(await isFocused(why)).toBe(true)
    expect(await page.locator('.reply').count()).toBe(1)
  })

  test('a rating can have a comment and is still there after a reload', async () => {
    const { page, api, ask } = await open()
    const turn = await ask('How was the quarter?')
    turn.write('Good.')
    turn.finish()
    const [good, bad] = [button(page, pageWording.answer.good), button(page, pageWording.answer.bad)]
    await good.click()
    await expect.poll(() => good.getAttribute('aria-pressed')).toBe('true')
    await bad.click()
    const words = page.getByLabel(pageWording.answer.comment)
    await words.waitFor()
    expect(await isFocused(words)).toBe(true)
    expect([await good.getAttribute('aria-pressed'), await bad.getAttribute('aria-pressed')]).toEqual(['false', 'true'])
    await page.keyboard.press('Escape')
    await words.waitFor({ state: 'detached' })
    expect(await isFocused(bad)).toBe(true)
    await bad.press('Enter')
    await words.fill('Wrong page.')
    await words.press('Enter')
    await page.getByRole('status').getByText('Noted, with your comment.').waitFor()
    expect(await isFocused(bad)).toBe(true)
    // Opening the line again says nothing again.
    expect(api.pressed).toEqual(['good', 'bad', 'bad: Wrong page.'])
    await page.reload()
    await expect.poll(() => bad.getAttribute('aria-pressed')).toBe('true')
    expect(await good.getAttribute('aria-pressed')).toBe('false')
  })

  test('an error appears next to the pressed button, and pressing again works', async () => {
    const { page, api, ask } = await open()
    const first = await ask('Say a number')
    first.write('Seven')
    first.finish()
    const alert = page.getByRole('alert')
    for (const [name, action] of [
      [pageWording.answer.why.label, 'why'],
      [pageWording.answer.good, 'good'],
      [pageWording.answer.cheaper.label, 'cheaper'],
    ] as const) {
      api.refuse(`POST /console/turns/${action}`, 409, `No ${action} now.`)
      await button(page, name).click()
      await alert.getByText(`No ${action} now.`).waitFor()
    }
    expect(await page.locator('.reply [role=alert]').count()).toBe(1)
    expect(await button(page, pageWording.answer.good).getAttribute('aria-pressed')).toBe('false')
    expect(await page.getByRole('region', { name: pageWording.answer.whyPanel }).count()).toBe(0)
    await button(page, pageWording.answer.cheaper.label).click()
    const second = await api.nextTurn()
    second.finish({ state: 'failed', text: 'The budget is used up.' })
    api.refuse('POST /console/turns/regenerate', 409, 'Something newer was asked.')
    await button(page, pageWording.message.tryAgain).click()
    await alert.getByText('Something newer was asked.').waitFor()
    await button(page, pageWording.message.tryAgain).click()
    await api.nextTurn()
  })

  test('the receipt line shows model, cost and time, and opens the full receipt', async () => {
    const { page, ask } = await open()
    const line = button(page, pageWording.receipt.label).last()
    const looks = [
      [receipt({ model: 'gpt-5-mini', costNanoUsd: '4200000' }), 'Receipt: gpt-5-mini · $0.0042 · 6.8 s'],
      [receipt({ costNanoUsd: '0' }), 'Receipt: gpt-oss:20b · $0 · 6.8 s'],
      [receipt({ costNanoUsd: null }), `Receipt: gpt-oss:20b · ${pageWording.receipt.noPriceInShort} · 6.8 s`],
      [
        receipt({ model: 'extractive', provider: 'extractive', costNanoUsd: '0' }),
        `Receipt: ${pageWording.receipt.quotations} · 6.8 s`,
      ],
      [receipt({ model: 'none', provider: 'none', costNanoUsd: '1500000' }), 'Receipt: $0.0015 · 6.8 s'],
    ] as const
    for (const [given, shown] of looks) {
      const turn = await ask('Go on')
      turn.write('Yes')
      const notices = ['The larger model did not answer, so this one did.']
      turn.finish({ receipt: { ...given, notices } })
      await expect.poll(() => line.textContent()).toBe(shown)
    }
    expect(await page.getByText('so this one did').count()).toBe(looks.length)
    await line.click()
    const card = page.getByRole('region', { name: pageWording.receipt.label })
    await card.getByText('so this one did').waitFor()
    expect(await card.locator('dt').allTextContents()).toEqual([
      pageWording.receipt.model,
      pageWording.receipt.tokens,
      pageWording.receipt.cost,
      pageWording.receipt.time,
      pageWording.receipt.notices,
    ])
  })

  const picture = { id: randomUUID(), name: 'usage.png', mediaType: 'image/png', bytes: 3, alt: 'Spent this month' }
  const request = {
    text: 'Ada wants one answer for up to **$0.42**.',
    attachments: [picture],
    buttons: [
      { label: 'Approve once', action: 'approve:7', style: 'primary' as const },
      { label: 'Decline', action: 'decline:7', style: 'danger' as const },
    ],
  }

  test('an approval request shows its picture, is decided once, and shows an error below it', async () => {
    const { page, api, ask } = await open()
    const turn = await ask('Anything?')
    turn.finish({ text: 'No.' })
    api.say(turn.threadId, request)
    await page.getByRole('img', { name: 'Spent this month' }).waitFor()
    api.refuse('POST /console/threads/press', 403, 'Only admins can decide this.')
    await button(page, 'Decline').click()
    await page.getByRole('alert').getByText('Only admins can decide this.').waitFor()
    await button(page, 'Approve once').click()
    await page.getByText('the question is answered now').first().waitFor()
    await expect.poll(() => button(page, 'Decline').getAttribute('aria-disabled')).toBe('true')
    await button(page, 'Decline').click({ force: true })
    await button(page, 'Approve once').click({ force: true })
    expect(api.pressed).toEqual(['approve:7'])
  })

  test.each([
    ['light', { colorScheme: 'light' as const }],
    ['dark', { colorScheme: 'dark' as const }],
    ['on a phone', phone],
    ['on the narrowest phone', { ...phone, viewport: { width: 320, height: 640 } }],
  ])('axe finds no problem in opened panels, and nothing is cut off, %s', async (_look, options) => {
    const { page, api, ask } = await open({ ...options, reducedMotion: 'reduce' })
    const turn = await ask('How was the quarter?')
    turn.write('Good.')
    turn.finish({ receipt: receipt({ model: 'a-model-with-a-name-that-is-very-long-indeed-2026-11-21' }) })
    const check = async (what: string) => {
      const { violations } = await new AxeBuilder({ page }).analyze()
      expect(
        violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`)),
        what,
      ).toEqual([])
      const wide = await page.locator('.messages').evaluate((list) => list.scrollWidth - list.clientWidth)
      expect(wide, what).toBeLessThanOrEqual(0)
    }
    await button(page, pageWording.answer.regenerate.label).waitFor()
    await check('row')
    await button(page, pageWording.answer.why.label).click()
    await page.getByText('Answered by').waitFor()
    await check('why')
    await button(page, pageWording.answer.bad).click()
    await page.getByLabel(pageWording.answer.comment).waitFor()
    await check('comment')
    api.refuse('POST /console/turns/better', 409, 'There is no better model.')
    await button(page, pageWording.answer.better.label).click()
    await page.getByText('There is no better model.').waitFor()
    await check('trouble')
    api.say(turn.threadId, request)
    await button(page, 'Approve once').waitFor()
    await check('request')
  })

  test('an empty thread shows the commands and how to add models', async () => {
    const { page, input } = await open()
    await page.getByText(pageWording.welcome.afterModelsCommand).waitFor()
    await button(page, '/help').click()
    expect(await input.inputValue()).toBe('/help')
    const without = await open({}, (server) => {
      server.status.models = []
    })
    await without.page
      .getByText(
        new RegExp(`${pageWording.welcome.addModel} OPENAI_API_KEY, .* in \\.env ${pageWording.welcome.restart}`),
      )
      .waitFor()
  })
})
