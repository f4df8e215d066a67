/** Commands on the console page in a real browser, and in the terminal. */
import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildPage } from '../../adapters/console/page/build.ts'
import { commandSpecs } from '../../src/admin/specs.ts'
import { auditWording, commandWording, forgetWording, personaWording, roleWording } from '../../src/wording/commands.ts'
import { policyWording } from '../../src/wording/commands-models.ts'
import { usageWording } from '../../src/wording/commands-money.ts'
import { pageWording } from '../../src/wording/page.ts'
import { findBrowser, launchBrowser } from '../browser.ts'
import { environment, type ParleyProcess, removeHome, run, startParley, temporaryHome } from './parley.ts'

let home: string
let parley: ParleyProcess
beforeAll(async () => {
  await buildPage()
  home = await temporaryHome()
  parley = await startParley(home)
})
afterAll(async () => {
  await parley[Symbol.asyncDispose]()
  await removeHome(home)
})

const admin = (...words: string[]) => run(['src/cli.ts', 'admin', ...words], environment(home))

describe('parley admin', () => {
  it('runs a command of the running Parley and prints its answer', async () => {
    expect(await admin('policy', 'local-only', 'on')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(policyWording.localOnly('everyone')),
    })
    expect((await admin('persona', 'instructions', 'everywhere', 'Be "very" brief.')).stdout).toContain(
      personaWording.instructions('everyone', 'Be "very" brief.', null),
    )
    expect((await admin('audit')).stdout).toContain(
      `Command line ${auditWording.change('policy.localOnly', 'everyone', null, true)}`,
    )
    expect((await admin('roles', 'list')).stdout).toContain(roleWording.installation(['You', 'Command line']))
    expect(await admin('modles')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining(commandWording.didYouMean('models')),
    })
  })

  it('compares models, or names the unknown one', async () => {
    const compared = await run(
      ['src/cli.ts', 'compare', 'Why is the sky blue?', '--models', 'extractive,nothing'],
      environment(home),
    )
    expect(compared).toMatchObject({ code: 1, stderr: expect.stringMatching(/No model is called “nothing”/) })
  })

  it('writes files to the folder of --out', async () => {
    const fetched = await fetch(new URL(`/console/threads/${crypto.randomUUID()}/messages`, parley.url), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ id: crypto.randomUUID(), text: 'What is in the report?', uploads: [] }),
    })
    expect(fetched.status).toBe(202)
    await expect.poll(async () => (await admin('usage', 'today')).stdout).toContain(usageWording.questions(1))
    const out = await mkdtemp(join(tmpdir(), 'parley-usage-'))
    const { stdout } = await admin('usage', 'today', '--csv', '--out', out)
    expect(stdout).toContain(`${usageWording.questions(1)}: `)
    expect(await readFile(join(out, 'usage.csv'), 'utf8')).toMatch(/^from,to,by,key,/)
    expect((await readFile(join(out, 'usage.png'))).subarray(1, 4).toString()).toBe('PNG')
  })
})

const browserFound = await findBrowser()
describe.skipIf(browserFound === null)(
  `the page (${browserFound ?? 'skipped: no browser here'})`,
  () => {
    let browser: Browser
    beforeAll(async () => {
      browser = await launchBrowser()
    })
    afterAll(() => browser.close())

    it('completes commands, shows their answers with pictures, and keeps them over a reload', async () => {
      const page = await (await browser.newContext()).newPage()
      await page.goto(parley.url)
      const input = page.getByLabel(pageWording.composer.input)
      await input.fill('/pol')
      const list = page.getByRole('listbox', { name: 'Commands' })
      await list.waitFor()
      expect(await list.getByRole('option').first().textContent()).toBe(
        `/policy show ${commandSpecs.find(({ name }) => name === 'policy show')?.summary}`,
      )
      // HTML names no role but its own for a text area; without this one nobody hears that a list has opened.
      const composer = new AxeBuilder({ page }).include('form.composer').disableRules('aria-allowed-role')
      expect((await composer.analyze()).violations).toEqual([])
      await input.press('ArrowDown')
      expect(await list.getByRole('option', { selected: true }).textContent()).toMatch(/policy show/)
      await input.press('Escape')
      await list.waitFor({ state: 'detached' })
      await input.fill('/policy sh')
      await input.press('Tab')
      expect(await input.inputValue()).toBe('/policy show')
      await input.press('Enter')
      await page.locator('.reply').getByText(policyWording.heading).waitFor()

      await input.fill('What is in the report?')
      await input.press('Enter')
      await page.getByRole('button', { name: pageWording.receipt.label }).waitFor()
      await input.fill('/usage today')
      await input.press('Enter')
      const picture = page.locator('img.notice-picture')
      await picture.waitFor()
      await expect.poll(() => picture.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBe(1440)
      expect(await picture.getAttribute('alt')).toContain(
        usageWording.chart.questionsOverTime('hour', usageWording.spans.today),
      )
      await page.reload()
      await page.locator('.reply').getByText(policyWording.heading).waitFor()
      await page.locator('img.notice-picture').waitFor()
      expect(await page.getByText('/usage today').count()).toBeGreaterThan(0)
    })

    it('a button under an answer does what it says', async () => {
      const page = await (await browser.newContext()).newPage()
      await page.goto(parley.url)
      const input = page.getByLabel(pageWording.composer.input)
      await input.fill('What is in the report?')
      await input.press('Enter')
      await page.getByRole('button', { name: pageWording.receipt.label }).waitFor()
      await input.fill('/forget thread')
      await input.press('Enter')
      await page.getByRole('button', { name: forgetWording.confirm }).click()
      await page.locator('.reply').first().waitFor({ state: 'detached' })
    })

    it('a thread of commands alone is stored, and is deleted with all of them', async () => {
      const page = await (await browser.newContext()).newPage()
      await page.goto(parley.url)
      const input = page.getByLabel(pageWording.composer.input)
      for (const [count, command] of ['/help', '/health', '/forget thread'].entries()) {
        await input.fill(command)
        await page.keyboard.press('Escape')
        await input.press('Enter')
        await page.locator('.reply').nth(count).waitFor()
      }
      const counts = forgetWording.counts({ questions: 2, answers: 2, files: 0 }, 0)
      await page.getByText(`This deletes ${counts}`).first().waitFor()
      await page.getByRole('button', { name: forgetWording.confirm }).click()
      await page.getByRole('heading', { name: pageWording.welcome.heading }).waitFor()
      await page.reload()
      await page.getByRole('heading', { name: pageWording.welcome.heading }).waitFor()
      expect(await page.locator('.reply, .bubble').count()).toBe(0)
    })

    it('a path is a question, not a command', async () => {
      const page = await (await browser.newContext()).newPage()
      await page.goto(parley.url)
      const input = page.getByLabel(pageWording.composer.input)
      await input.fill('/etc/hosts, what is that?')
      expect(await page.getByRole('listbox').count()).toBe(0)
      await input.press('Enter')
      await page.getByRole('button', { name: pageWording.receipt.label }).waitFor()
    })
  },
  240_000,
)
