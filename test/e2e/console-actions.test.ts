/** The buttons of the console page on Parley itself, with a model server and a budget: what they do is there after a reload. */

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildPage } from '../../adapters/console/page/build.ts'
import { actionWording, approvalWording } from '../../src/wording/answers.ts'
import { pageWording } from '../../src/wording/page.ts'
import { findBrowser, launchBrowser, noBrowser } from '../browser.ts'
import { startScriptedOpenAi } from '../servers/openai.ts'
import { type ParleyProcess, removeHome, startParley, temporaryHome } from './parley.ts'

const here = findBrowser() !== null
const settings = `models:
  default: small
  list:
    - {id: small, provider: openai, contextWindow: 16000, maxOutputTokens: 500, price: {input: 1, output: 10}}`
const usage = { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 }

describe.skipIf(!here)(here ? 'buttons of the console page' : `buttons of the console page (${noBrowser})`, () => {
  let home: string
  let models: Awaited<ReturnType<typeof startScriptedOpenAi>>
  let parley: ParleyProcess
  let browser: Browser
  beforeAll(async () => {
    await buildPage()
    home = await temporaryHome()
    models = await startScriptedOpenAi({
      models: [{ id: 'small' }],
      script: () => ({ tokens: ['Four ', 'thousand ', 'hours.'], usage }),
    })
    await writeFile(join(home, 'parley.yaml'), settings)
    parley = await startParley(home, { OPENAI_BASE_URL: models.url, OPENAI_API_KEY: 'sk-test' }, home)
    browser = await launchBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await parley?.[Symbol.asyncDispose]()
    await models?.[Symbol.asyncDispose]()
    await removeHome(home)
  })

  async function open() {
    const page = await (await browser.newContext()).newPage()
    page.setDefaultTimeout(20_000)
    await page.goto(parley.url)
    const input = page.getByLabel(pageWording.composer.input)
    const say = async (text: string) => {
      await input.fill(text)
      await input.press('Enter')
    }
    return { page, say }
  }
  const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })
  const receipts = (page: Page) => page.getByRole('button', { name: /^Receipt/ }).allTextContents()

  test('a rating with a comment is saved, and deleted with its answer', async () => {
    const { page, say } = await open()
    await say('How long does the valve last?')
    await button(page, pageWording.answer.why.label).click()
    const why = page.getByRole('region', { name: pageWording.answer.whyPanel })
    await why.getByText(/Time: .* s total/).waitFor()
    expect(await why.textContent()).toMatch(/Answered by openai\/small/)
    expect(await receipts(page)).toEqual([expect.stringMatching(/^Receipt: small · \$0\.00030 · \d/)])
    const bad = button(page, pageWording.answer.bad)
    await bad.click()
    await page.getByLabel(pageWording.answer.comment).fill('It is five thousand.')
    await page.getByLabel(pageWording.answer.comment).press('Enter')
    await page.getByRole('status').getByText(actionWording.commentSaved).waitFor()
    await page.reload()
    await expect.poll(() => bad.getAttribute('aria-pressed')).toBe('true')
    await button(page, pageWording.answer.regenerate.label).click()
    await expect.poll(() => bad.getAttribute('aria-pressed'), { timeout: 20_000 }).toBe('false')
    expect(await page.locator('.reply').count()).toBe(1)
  })

  test('an admin approves their own question in its error box, also where no alerts go', async () => {
    const { page, say } = await open()
    await say('/budget set channel 0.001 day')
    await page.locator('.reply').waitFor()
    await say('How long does the valve last?')
    const failure = page.locator('.reply.failed .failure')
    await failure.getByText(/^Your question would exceed [^.]*\./).waitFor()
    await failure.getByRole('button', { name: approvalWording.approve }).click()
    await page.locator('.reply.done').getByText('Four thousand hours.').waitFor()
    expect(await page.locator('.reply.failed').count()).toBe(0)
    expect(await button(page, approvalWording.approve).count()).toBe(0)
  })

  test('a question over budget is approved in the alerts thread and answered in its own thread', async () => {
    const { page, say } = await open()
    await say('/alerts here')
    await page.locator('.reply').waitFor()
    await say('/budget set channel 0.001 day')
    await page.locator('.reply').nth(1).waitFor()
    await say('How long does the valve last?')
    const refused = page.locator('.reply.failed')
    await refused.getByText(/^Your question would exceed .* An admin has been asked to approve it once\.$/).waitFor()
    const approve = page.locator('.notice-parts').getByRole('button', { name: approvalWording.approve })
    await approve.click()
    await page
      .locator('.reply')
      .getByText(/^Approved\. Parley answers the question now/)
      .waitFor()
    await page.locator('.reply.done').getByText('Four thousand hours.').waitFor()
    expect(await refused.count()).toBe(0)
    expect(await button(page, 'Decline').getAttribute('aria-disabled')).toBe('true')
    await page.reload()
    await approve.click()
    await page
      .locator('.reply')
      .getByText(/^This was already approved by/)
      .waitFor()
    expect(await page.getByText('Four thousand hours.').count()).toBe(1)
  })
})
