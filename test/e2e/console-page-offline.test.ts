import { describe, expect, test } from 'vitest'
import { pageWording } from '../../src/wording/page.ts'
import { findBrowser, noBrowser } from '../browser.ts'
import { usePage } from './console-page-setup.ts'

const here = findBrowser() !== null

describe.skipIf(!here)(here ? 'the console page without its server' : `offline (${noBrowser})`, () => {
  const open = usePage()

  test('a message for an unreachable server survives a reload and arrives once', async () => {
    const { page, api, input } = await open()
    await page.getByText('1.0.0').waitFor()
    api.reachable = false
    await input.fill('Are you there?')
    await input.press('Enter')
    await page.getByText(pageWording.message.retrying).waitFor()
    // The page itself is still served here, as from a cache.
    await page.reload()
    await page.getByText('Are you there?').waitFor()
    await page.getByText(pageWording.message.retrying).waitFor()
    api.reachable = true
    await page.getByRole('button', { name: pageWording.message.retryNow }).click()
    const turn = await api.nextTurn()
    turn.write('I am.')
    turn.finish()
    await page.getByText('I am.').waitFor()
    expect(api.sent).toHaveLength(1)
    expect(await page.locator('.bubble').allTextContents()).toEqual(['Are you there?'])
    await page.reload()
    await page.getByText('I am.').waitFor()
    expect(api.sent).toHaveLength(1)
  })

  test('a message whose response was lost arrives only once', async () => {
    const { page, api, input } = await open()
    let lost = 0
    await page.route('**/messages', async (route) => {
      if (lost++ > 0) return route.continue()
      await route.fetch()
      return route.abort('connectionreset')
    })
    await input.fill('Only once')
    await input.press('Enter')
    const turn = await api.nextTurn()
    turn.write('Once.')
    turn.finish()
    await page.getByText('Once.', { exact: true }).waitFor()
    await page.locator('.outgoing').waitFor({ state: 'detached' })
    expect(await page.locator('.bubble').count()).toBe(1)
    expect(api.sent).toHaveLength(1)
  })

  test('a refused message says why, and can be sent again or discarded', async () => {
    const { page, api, input, ask } = await open()
    api.refuse('POST /console/threads/messages', 422, 'The budget of this month is used up. It resets on 1 December.')
    await input.fill('Expensive question')
    await input.press('Enter')
    await page.getByText(pageWording.message.refused('The budget of this month is used up.')).waitFor()
    await page.getByRole('button', { name: pageWording.message.tryAgain }).click()
    ;(await api.nextTurn()).finish({ text: 'Answered.' })
    await page.getByText('Answered.').waitFor()
    api.refuse('POST /console/threads/messages', 422, 'No.')
    await input.fill('Second')
    await input.press('Enter')
    await page.getByRole('button', { name: pageWording.message.discard }).click()
    await page.getByText('Second').waitFor({ state: 'detached' })
    expect((await ask('Third')).threadId).toBeTruthy()
  })

  test('a lost event stream is reported only if it lasts, and missed text appears afterwards', async () => {
    const { page, api, ask } = await open()
    const turn = await ask('Tell')
    turn.write('First. ')
    await page.getByText('First.').waitFor()
    api.reachable = false
    api.dropEvents()
    await page.getByText(pageWording.app.reconnecting).waitFor()
    turn.write('Second.')
    api.reachable = true
    await page.getByText('First. Second.').waitFor()
    await page.getByText(pageWording.app.reconnecting).waitFor({ state: 'detached' })
  })
})
