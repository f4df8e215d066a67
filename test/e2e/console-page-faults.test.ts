/** What goes wrong or waits on the page: queued questions, failures, refused files, threads that are gone, little room. */
import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { approvalWording } from '../../src/wording/answers.ts'
import { pageWording } from '../../src/wording/page.ts'
import { findBrowser, noBrowser } from '../browser.ts'
import { receipt } from '../servers/console-api.ts'
import { file, phone, usePage } from './console-page-setup.ts'

const here = findBrowser() !== null

describe.skipIf(!here)(here ? 'what waits and fails on the page' : `what waits and fails (${noBrowser})`, () => {
  const open = usePage()

  test('a question asked during an answer waits below it as queued, and can be cancelled', async () => {
    const { page, ask } = await open()
    const first = await ask('First question')
    first.status('Answering', 'answering')
    const second = await ask('Second question')
    second.status('Waiting to start', 'queued')
    first.status('Answering', 'answering')
    first.write('First answer')
    const shown = () => page.locator('.user-message .bubble, .reply .markdown').allTextContents()
    await expect.poll(shown).toEqual(['First question', 'First answer', 'Second question'])
    await page.getByText(pageWording.message.queued).waitFor()
    await page.getByRole('button', { name: pageWording.message.cancelQueued }).waitFor()
    first.finish()
    second.status('Answering', 'answering')
    second.write('Second answer')
    await expect.poll(shown).toEqual(['First question', 'First answer', 'Second question', 'Second answer'])
    expect(await page.getByText(pageWording.message.queued).count()).toBe(0)
    const third = await ask('Third question')
    await page.getByRole('button', { name: pageWording.message.cancelQueued }).click()
    await third.stopped
    second.finish()
  })

  test('a failure offers only what can help, and is not rated', async () => {
    const { page, ask } = await open()
    const actions = () => page.locator('.reply-actions button .label').allTextContents()
    const fail = async (error: string, text: string) => {
      const turn = await ask(text)
      turn.finish({ state: 'failed', text: `${text} failed.`, receipt: receipt({ error, provider: 'none' }) })
      await page.getByText(`${text} failed.`).first().waitFor()
    }
    const again = page.getByRole('button', { name: pageWording.message.tryAgain })
    await fail('budget_exhausted', 'Money')
    expect(await again.count()).toBe(0)
    expect(await actions()).toEqual([pageWording.answer.copy, pageWording.answer.why.label])
    await fail('model_price_unknown', 'Price')
    expect(await again.count()).toBe(0)
    for (const [error, text] of [
      ['model_unreachable', 'Network'],
      ['model_stalled', 'Stall'],
      ['internal', 'Other'],
    ] as const) {
      await fail(error, text)
      await again.waitFor()
    }
  })

  test('an admin whose question would exceed a budget approves it once, in the error itself', async () => {
    const { page, ask } = await open()
    const turn = await ask('Money')
    const approvalId = randomUUID()
    const refused = receipt({ error: 'budget_exhausted', provider: 'none', approvalId })
    turn.finish({ state: 'failed', text: 'Your question would exceed the budget.', receipt: refused })
    const box = page.locator('.failure')
    const pressed = page.waitForRequest((request) => request.url().endsWith('/press'))
    await box.getByRole('button', { name: approvalWording.approve }).click()
    expect((await pressed).postDataJSON()).toMatchObject({ action: `approve:${approvalId}` })
  })

  test('the thoughts of a model grow in a folded block, stay open once opened, and end up above the answer', async () => {
    const { page, ask } = await open()
    const turn = await ask('Think')
    turn.status('Answering', 'answering')
    turn.think('First the lease')
    const fold = page.locator('details.thoughts')
    await fold.waitFor()
    expect(await fold.getAttribute('open')).toBeNull()
    await fold.locator('summary').click()
    turn.think(' <b>then</b> the law.')
    await page.getByText('First the lease <b>then</b> the law.').waitFor()
    turn.write('Thirty days.')
    await page.getByText('Thirty days.').waitFor()
    await page.getByText('First the lease <b>then</b> the law.').waitFor()
    expect(await page.locator('.reply details.thoughts').count()).toBe(1)
    turn.finish({ receipt: receipt({ thoughts: 'First the lease <b>then</b> the law.' }) })
    await page.getByRole('button', { name: pageWording.answer.why.label }).waitFor()
    await page.getByText('First the lease <b>then</b> the law.').waitFor()
    expect(await fold.count()).toBe(1)
  })

  test('without any model there is nothing to choose and nothing to rate', async () => {
    const { page, ask } = await open({}, (api) => {
      api.status.models = []
    })
    const turn = await ask('Quote it')
    turn.write('A quotation.')
    turn.finish({ receipt: receipt({ provider: 'extractive', model: 'extractive' }) })
    await page.getByRole('button', { name: pageWording.answer.regenerate.label }).waitFor()
    const labels = await page.locator('.reply-actions button .label').allTextContents()
    expect(labels).toEqual([pageWording.answer.copy, pageWording.answer.regenerate.label, pageWording.answer.why.label])
  })

  test('an address of a thread that is gone says so and starts a new one, also after a reload', async () => {
    const { page, input } = await open()
    await page.reload()
    await page.getByRole('heading', { name: pageWording.welcome.heading }).waitFor()
    await page.evaluate((id) => {
      location.hash = `#/t/${id}`
    }, randomUUID())
    await page.getByRole('heading', { name: pageWording.threads.gone }).waitFor()
    await page.reload()
    await page.getByRole('heading', { name: pageWording.threads.gone }).waitFor()
    await page.getByRole('main').getByRole('button', { name: pageWording.threads.start }).click()
    await page.getByRole('heading', { name: pageWording.welcome.heading }).waitFor()
    await input.waitFor()
  })

  test('several refused files are announced once', async () => {
    const { page } = await open({}, (api) => {
      api.status.limits.files = 2
    })
    const files = Array.from({ length: 5 }, (_, n) => file(`${n}.pdf`))
    await page.locator('input[type=file]').setInputFiles(files)
    const alerts = page.getByRole('alert').filter({ hasText: /./ })
    await alerts.first().waitFor()
    expect(await alerts.allTextContents()).toEqual([pageWording.composer.refused(3, 5, pageWording.file.tooMany(2))])
  })

  test('the list of commands is a combobox while it is open', async () => {
    const { page, input } = await open()
    await page.route('**/console/commands', (route) =>
      route.fulfill({
        json: { commands: [{ name: 'help', summary: 'Helps', role: 'member', args: [], examples: [] }] },
      }),
    )
    expect(await input.getAttribute('role')).toBeNull()
    await input.fill('/he')
    const box = page.getByRole('combobox', { name: pageWording.composer.input, expanded: true })
    await box.waitFor()
    expect(await box.getAttribute('aria-controls')).toBe(await page.getByRole('listbox').getAttribute('id'))
    await page.keyboard.press('Escape')
    await box.waitFor({ state: 'detached' })
  })

  test('the thread list is one stop of the Tab key, with arrow keys in it, and a link skips to the latest reply', async () => {
    const { page } = await open({}, (api) => {
      for (const n of [1, 2, 3])
        api.seed({ title: `Thread ${n}`, updatedAt: `2026-01-0${n}T00:00:00.000Z` }, [
          { text: 'Hello' },
          { role: 'parley', text: 'Good day', receipt: receipt() },
        ])
    })
    const link = (n: number) => page.getByRole('link', { name: new RegExp(`Thread ${n}`) })
    const focused = (of: ReturnType<typeof link>) =>
      expect.poll(() => of.evaluate((element) => element === document.activeElement)).toBe(true)
    await link(3).waitFor()
    expect(await page.locator('.thread-list a[tabindex="0"]').count()).toBe(1)
    await link(3).focus()
    await page.keyboard.press('ArrowDown')
    await focused(link(2))
    await page.keyboard.press('End')
    await focused(link(1))
    await page.keyboard.press('Home')
    await focused(link(3))
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.getByText('Good day').waitFor()
    await page.getByRole('button', { name: pageWording.app.skipToReply }).focus()
    await page.keyboard.press('Enter')
    await focused(page.locator('.reply').last())
  })

  test('at 400 % zoom half of the window is for reading', async () => {
    const { page } = await open({ viewport: { width: 320, height: 225 } }, (api) => {
      api.seed({ title: 'Long' }, [{ text: 'Hi' }, { role: 'parley', text: 'word '.repeat(500), receipt: receipt() }])
    })
    await page.getByRole('button', { name: pageWording.threads.list }).click()
    await page.getByRole('link', { name: /Long/ }).click()
    await page.locator('.reply').waitFor()
    const box = await page.locator('.messages').boundingBox()
    expect(box?.height).toBeGreaterThan(112)
    expect(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)).toBe(false)
  })

  test('the page keeps to its own security policy while it loads', async () => {
    const { page, input } = await open(phone)
    const told: string[] = []
    page.on('console', (message) => {
      if (/content.security.policy|unsafe-eval/i.test(message.text())) told.push(message.text())
    })
    await page.reload()
    await input.waitFor()
    await page.getByRole('heading', { name: pageWording.welcome.heading }).waitFor()
    expect(told).toEqual([])
  })
})
