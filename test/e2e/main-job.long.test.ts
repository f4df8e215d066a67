/** The main job, as a person does it: open the page, drop a 200-page PDF, ask, read the cited answer, look the page up. */

import { randomUUID } from 'node:crypto'
import AxeBuilder from '@axe-core/playwright'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildPage } from '../../adapters/console/page/build.ts'
import { noticeWording } from '../../src/wording/answers.ts'
import { pageWording } from '../../src/wording/page.ts'
import { doctorWording, terminalWording } from '../../src/wording/terminal.ts'
import { findBrowser, launchBrowser, noBrowser } from '../browser.ts'
import { makeManual } from '../fixtures/make-pdf.ts'
import { type ScriptedOpenAi, startScriptedOpenAi } from '../servers/openai.ts'
import { questionTextOf } from '../servers/openai-wire.ts'
import {
  ConsoleClient,
  environment,
  type ParleyProcess,
  removeHome,
  run,
  startParley,
  temporaryHome,
} from './parley.ts'

const fact = 'The emergency shut-off valve of the Zephyr compressor must be replaced every 4,250 operating hours.'
const question = 'How often must the shut-off valve of the Zephyr compressor be replaced?'

let home: string
let parley: ParleyProcess
let manual: Buffer

beforeAll(async () => {
  home = await temporaryHome()
  manual = await makeManual({ pages: 200, facts: { 137: fact } })
  await buildPage()
  parley = await startParley(home)
}, 90_000)
afterAll(async () => {
  await parley?.[Symbol.asyncDispose]()
  if (home) await removeHome(home)
})

describe('with no model configured', () => {
  it('the right page of 200 is quoted and cited, in under four seconds', async () => {
    const client = new ConsoleClient(parley.url)
    const started = performance.now()
    const reply = await client.ask(question, [await client.upload('manual.pdf', manual, 'application/pdf')])
    const seconds = (performance.now() - started) / 1000
    expect(reply.text).toContain('4,250 operating hours')
    expect(reply.text).toContain('[1]')
    expect(reply.citations[0]).toMatchObject({ n: 1, source: { title: 'manual.pdf' }, at: { kind: 'page', page: 137 } })
    expect(reply.citations[0]?.quote).toContain('Zephyr compressor')
    expect(reply.receipt).toMatchObject({
      provider: 'extractive',
      attachments: [{ outcome: 'read', pages: 200 }],
      costNanoUsd: '0',
    })
    expect(reply.receipt.notices.join(' ')).toContain(noticeWording.nothingConfigured)
    // A generous bound against hanging; bench/ measures the time.
    expect(seconds).toBeLessThan(15)
    console.log(`asked about 200 pages in ${seconds.toFixed(2)} s`)
  })

  it('says once in a conversation that there is no model, and remembers its files', async () => {
    const client = new ConsoleClient(parley.url)
    const thread = randomUUID()
    const first = await client.send(thread, question, [await client.upload('manual.pdf', manual, 'application/pdf')])
    await client.reply(thread, first.turnId)
    const second = await client.send(thread, 'What must be replaced every 4,250 operating hours?')
    const reply = await client.reply(thread, second.turnId)
    expect(reply.text).toContain('shut-off valve')
    expect(reply.citations[0]?.at).toEqual({ kind: 'page', page: 137 })
    expect(reply.receipt.notices.join(' ')).not.toContain(noticeWording.nothingConfigured)
  })

  it('the terminal gives the same answer, from the running Parley', async () => {
    const file = `${home}/manual.pdf`
    const { writeFile } = await import('node:fs/promises')
    await writeFile(file, manual)
    const { code, stdout, stderr } = await run(['src/cli.ts', 'ask', '--json', file, question], environment(home))
    expect(stderr).toBe('')
    expect(code).toBe(0)
    const answer = JSON.parse(stdout)
    expect(answer.text).toContain('4,250 operating hours')
    expect(answer.citations[0].at).toEqual({ kind: 'page', page: 137 })
    expect(answer.receipts[0]).toMatchObject({ name: 'manual.pdf', outcome: 'read' })
    expect(answer.route.model).toBe('extractive')
    expect(answer.costUsd).toBe(0)
  })
})

describe('the terminal', () => {
  it('reads standard input when something is piped in', async () => {
    const input = 'The cellar key hangs behind the boiler.\nThe attic is locked.\n'
    const { code, stdout } = await run(['src/cli.ts', 'ask', 'Where does the cellar key hang?'], environment(home), {
      input,
    })
    expect(code).toBe(0)
    expect(stdout).toContain('behind the boiler')
    expect(stdout).toMatch(/Sources:\n {2}\[1\] stdin\.txt, line/)
  })

  it('fails with one clear line for a file that is not there', async () => {
    const { code, stdout, stderr } = await run(['src/cli.ts', 'ask', '/nowhere/x.pdf', 'What?'], environment(home))
    expect({ code, stdout, stderr }).toEqual({
      code: 2,
      stdout: '',
      stderr: `${terminalWording.fileMissing('/nowhere/x.pdf')}\n`,
    })
  })

  it('asks for the question that was forgotten after a file', async () => {
    const { code, stdout, stderr } = await run(['src/cli.ts', 'ask', 'README.md'], environment(home))
    expect({ code, stdout, stderr }).toEqual({
      code: 2,
      stdout: '',
      stderr: `${terminalWording.questionMissing('README.md', 'README.md')}\n`,
    })
  })

  it('starts its own Parley when none runs, and stops it after', { timeout: 60_000 }, async () => {
    const own = await temporaryHome()
    try {
      const { code, stdout } = await run(['src/cli.ts', 'ask', 'Where is the key?'], environment(own), {
        input: 'The key is under the mat.\n',
      })
      expect(code).toBe(0)
      expect(stdout).toContain('under the mat')
      const again = await run(['src/cli.ts', 'ask', 'Where is the key?'], environment(own), {
        input: 'The key is in the shed.\n',
      })
      expect(again.stdout).toContain('in the shed')
    } finally {
      await removeHome(own)
    }
  })

  it('the doctor finds nothing wrong', async () => {
    const { code, stdout } = await run(['src/cli.ts', 'doctor'], environment(home))
    expect(code).toBe(0)
    expect(stdout).toContain('✓ database: PostgreSQL 18')
    expect(stdout).toContain(doctorWording.line(true, doctorWording.check.failedJobs, doctorWording.noFailedJobs))
  })
})

describe.skipIf(findBrowser() === null)(`in the browser${findBrowser() === null ? ` (${noBrowser})` : ''}`, () => {
  let browser: Browser
  let model: ScriptedOpenAi
  let withModel: ParleyProcess
  let modelHome: string

  beforeAll(async () => {
    browser = await launchBrowser()
    model = await startScriptedOpenAi({
      script: ({ body }) => {
        const label = /source="(1:p137)"/.exec(questionTextOf(body))?.[1] ?? 'none'
        const text = `Replace it **every 4,250 operating hours** [${label}].\n\n\`\`\`ts\nconst hours = 4250\n\`\`\`\n\n| part | hours |\n| --- | --- |\n| valve | 4,250 |\n`
        return { tokens: text.match(/.{1,6}/gs) ?? [], everyMs: 15 }
      },
    })
    modelHome = await temporaryHome()
    withModel = await startParley(modelHome, { OPENAI_BASE_URL: model.url })
  }, 60_000)
  afterAll(async () => {
    await browser?.close()
    await withModel?.[Symbol.asyncDispose]()
    await model?.close()
    if (modelHome) await removeHome(modelHome)
  })

  async function open(url: string): Promise<Page> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 860 } })
    const page = await context.newPage()
    page.setDefaultTimeout(20_000)
    await page.goto(url)
    await page.getByLabel(pageWording.composer.input).waitFor()
    return page
  }

  it('a dropped PDF is read with progress, the streamed answer cites page 137, and the citation opens that page marked', async () => {
    const page = await open(withModel.url)
    const statuses: string[] = []
    await page.exposeFunction('noteStatus', (text: string) => statuses.push(text))
    await page.evaluate(() => {
      new MutationObserver(() => {
        const text = document.querySelector('progress[aria-label^="Reading"]')?.getAttribute('aria-label')
        if (text) (window as unknown as { noteStatus(text: string): void }).noteStatus(text)
      }).observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true })
    })
    const carried = await page.evaluateHandle((base64) => {
      const transfer = new DataTransfer()
      const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))
      transfer.items.add(new File([bytes], 'manual.pdf', { type: 'application/pdf' }))
      return transfer
    }, manual.toString('base64'))
    await page.dispatchEvent('h1', 'dragenter', { dataTransfer: carried })
    await page.dispatchEvent('h1', 'dragover', { dataTransfer: carried })
    await page.dispatchEvent('h1', 'drop', { dataTransfer: carried })
    await page.getByLabel(pageWording.composer.input).fill(question)
    await page.getByLabel(pageWording.composer.input).press('Enter')

    await page.getByText('every 4,250 operating hours', { exact: true }).waitFor()
    const source = page.getByRole('button', { name: 'Source 1: manual.pdf, p. 137' }).first()
    await source.waitFor()
    expect(statuses.some((text) => /^Reading manual\.pdf, page \d+ of 200$/.test(text))).toBe(true)
    await page.getByRole('button', { name: pageWording.answer.regenerate.label }).waitFor()
    const picture = page.waitForResponse((response) => /\/page\/137\?/.test(response.url()) && response.ok())
    await source.click()
    expect((await picture).headers()['content-type']).toBe('image/png')
    await page.getByRole('dialog').getByText('Page 137 of 200').waitFor()
    await page.locator('.page-mark').first().waitFor()
    const axe = await new AxeBuilder({ page }).analyze()
    expect(axe.violations.map(({ id }) => id)).toEqual([])
    await page.keyboard.press('Escape')

    await page.getByRole('button', { name: pageWording.receipt.label }).click()
    const receipt = page.getByRole('region', { name: pageWording.receipt.label })
    await receipt.getByText('200 pages read').waitFor()
    await receipt.getByText('scripted').first().waitFor()
  })

  it('an answer is stopped in the middle, and regenerated in the same place', async () => {
    const page = await open(withModel.url)
    await page.getByLabel(pageWording.composer.input).fill('Tell me about valves.')
    await page.getByLabel(pageWording.composer.input).press('Enter')
    await page.getByRole('button', { name: pageWording.composer.stop }).click()
    await page.getByRole('button', { name: pageWording.composer.send }).waitFor()
    await page.getByText('Stopped').first().waitFor()
    await page.getByRole('button', { name: pageWording.answer.regenerate.label }).click()
    await page.getByRole('table').waitFor()
    await page.getByRole('button', { name: pageWording.answer.regenerate.label }).waitFor()
    expect(await page.getByText('every 4,250 operating hours', { exact: true }).count()).toBe(1)
  })
})
