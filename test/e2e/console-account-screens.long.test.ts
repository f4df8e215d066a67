/** The screens of accounts on a scripted server: how they look to everyone, and what happens when a session ends. */
import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { buildPage } from '../../adapters/console/page/build.ts'
import { accountWording, adminWording } from '../../src/wording/account.ts'
import { pageWording } from '../../src/wording/page.ts'
import { findBrowser, launchBrowser, noBrowser } from '../browser.ts'
import { type ConsoleApi, noAccounts, startConsoleApi } from '../servers/console-api.ts'
import {
  ada,
  agreed,
  answerAccounts,
  handbook,
  pageOf,
  sales,
  signedIn,
  signedOut,
} from './console-account-fixtures.ts'

const here = findBrowser() !== null
const threadId = '0f8fad5b-d9cb-469f-a165-70867728950e'
const invitationOf = '/invite/abc'

describe.skipIf(!here)(here ? 'the account screens' : `the account screens (${noBrowser})`, () => {
  let browser: Browser
  beforeAll(async () => {
    await buildPage()
    browser = await launchBrowser()
  })
  afterAll(() => browser?.close())

  /** A page that fails its test when its content security policy was violated. */
  async function open(options: BrowserContextOptions = {}) {
    const api = await startConsoleApi()
    answerAccounts(api)
    const context = await browser.newContext({ viewport: { width: 1200, height: 800 }, ...options })
    const page = await context.newPage()
    page.setDefaultTimeout(15_000)
    const violations: string[] = []
    page.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) violations.push(message.text())
    })
    page.on('pageerror', (error) => violations.push(error.message))
    onTestFinished(async () => {
      await context.close()
      await api.close()
      expect(violations).toEqual([])
    })
    return { api, page, goto: (path: string) => page.goto(new URL(path, api.url).href) }
  }

  const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })

  /** Each screen in the state that shows most of it. */
  const screens: {
    path: string
    as?: 'nobody' | 'local' | 'fresh'
    heading: string
    act?(page: Page): Promise<void>
  }[] = [
    { path: `/t/${threadId}`, as: 'nobody', heading: accountWording.signIn.heading },
    { path: '/sign-in?problem=unknown', as: 'nobody', heading: accountWording.signIn.heading },
    { path: '/set-up', as: 'fresh', heading: accountWording.setUp.heading },
    { path: '/set-up', as: 'local', heading: accountWording.setUp.headingLocal },
    { path: invitationOf, as: 'nobody', heading: accountWording.invite.headingTeam('Sales') },
    { path: invitationOf, heading: accountWording.invite.signedIn(ada.name) },
    { path: '/me', heading: accountWording.profile.title },
    { path: '/me/connections', heading: accountWording.connections.title },
    {
      path: '/link',
      heading: accountWording.link.title,
      act: async (page) => {
        await button(page, accountWording.link.get).click()
        await page.getByText(accountWording.link.question).waitFor()
      },
    },
    { path: '/me/sessions', heading: accountWording.sessions.title },
    {
      path: '/me/keys',
      heading: accountWording.keys.title,
      act: async (page) => {
        await page.getByLabel(accountWording.keys.name).fill('Report')
        await button(page, accountWording.keys.submit).click()
        await page.getByLabel(accountWording.keys.key, { exact: true }).waitFor()
      },
    },
    {
      path: '/me/data',
      heading: accountWording.data.title,
      act: async (page) => {
        await button(page, accountWording.data.eraseOpen).click()
        expect(await button(page, accountWording.data.confirm).isDisabled()).toBe(true)
        await page.getByLabel(accountWording.data.type(ada.name)).fill(ada.name)
        await page.getByLabel(accountWording.data.chats).check()
        expect(await button(page, accountWording.data.confirm).isEnabled()).toBe(true)
      },
    },
    {
      path: `/me/teams/${sales.id}`,
      heading: sales.name,
      act: (page) =>
        button(page, adminWording.collections.toggle(adminWording.collections.edit, 'Price lists')).click(),
    },
    {
      path: '/admin/people',
      heading: accountWording.admin.people,
      act: async (page) => {
        await button(page, adminWording.people.details('Grace Hopper')).click()
        await button(page, adminWording.people.invite).click()
        await button(page, adminWording.invite.submit).click()
        await page.getByLabel(adminWording.invite.link, { exact: true }).waitFor()
      },
    },
    {
      path: '/admin/teams',
      heading: accountWording.admin.teams,
      act: (page) => button(page, adminWording.teams.toggle(adminWording.teams.edit, 'Sales')).click(),
    },
    {
      path: '/admin/collections',
      heading: accountWording.admin.collections,
      act: (page) => button(page, adminWording.collections.toggle(adminWording.collections.edit, 'Handbook')).click(),
    },
    {
      path: '/admin/sign-in',
      heading: accountWording.admin.signIn,
      act: async (page) => {
        await button(page, `${adminWording.signIn.try}: Contoso`).click()
        await page.getByText('4 minutes behind').waitFor()
      },
    },
  ]
  test('a collection shows what could not be read, and takes a site', async () => {
    const { api, page, goto } = await open()
    const words = adminWording.collections
    await goto('/admin/collections')
    await button(page, words.toggle(words.edit, 'Handbook')).click()
    await page.getByText('robots.txt does not allow').waitFor()
    await page.getByText('98 files and pages').waitFor()
    const added = {
      ...pageOf,
      id: handbook.id,
      kind: 'site',
      title: 'https://www.example.com/',
      address: null,
      state: 'waiting',
    }
    const path = `/console/admin/collections/${handbook.id}`
    api.answers.set(`POST ${path}/sources`, { ...handbook, sources: [added] })
    await page.getByLabel(words.address).fill('https://www.example.com/')
    await page.getByLabel(words.pages).fill('50')
    const sent = page.waitForRequest(
      (request) => request.method() === 'POST' && request.url().endsWith(`${path}/sources`),
    )
    await button(page, words.add).click()
    await page.getByText('https://www.example.com/').waitFor()
    const body = { address: 'https://www.example.com/', pages: 50, refresh: 'weekly' }
    expect((await sent).postDataJSON()).toEqual(body)
  })

  const states = { nobody: signedOut, local: noAccounts, fresh: { ...noAccounts, local: false } }
  const groups: Record<string, (path: string, as: string | undefined) => boolean> = {
    'before signing in': (_path, as) => as !== undefined,
    'of one person': (path, as) => as === undefined && !path.startsWith('/admin/'),
    'of admins': (path) => path.startsWith('/admin/'),
  }

  test.each(Object.entries(groups))(
    'axe finds no problem %s, light and dark, and a small phone has room',
    async (_group, has) => {
      const { api, page, goto } = await open({ reducedMotion: 'reduce' })
      const found: string[] = []
      const look = async (axe: AxeBuilder, where: string) => {
        const { violations } = await axe.analyze()
        for (const { id, nodes } of violations)
          found.push(...nodes.map(({ html }) => `${where}: ${id}: ${html.slice(0, 160)}`))
      }
      for (const { path, as, heading, act } of screens.filter((screen) => has(screen.path, screen.as))) {
        await page.setViewportSize({ width: 1200, height: 800 })
        await page.emulateMedia({ colorScheme: 'light' })
        answerAccounts(api, as === undefined ? signedIn() : states[as])
        await goto(path)
        await page.getByRole('heading', { level: 1, name: heading, exact: true }).waitFor()
        await page.getByText(accountWording.loading).waitFor({ state: 'detached' })
        await act?.(page)
        await look(new AxeBuilder({ page }), path)
        await page.emulateMedia({ colorScheme: 'dark' })
        await look(new AxeBuilder({ page }).withRules('color-contrast'), `${path} in the dark`)
        await page.setViewportSize({ width: 320, height: 640 })
        if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth))
          found.push(`${path} is too wide`)
      }
      expect(found).toEqual([])
    },
  )

  async function ask(page: Page, api: ConsoleApi, text: string) {
    const input = page.getByLabel(pageWording.composer.input)
    await input.fill(text)
    await input.press('Enter')
    return api.nextTurn()
  }

  /** As the server does it: each call is refused, and the stream ends. */
  function endSession(api: ConsoleApi): void {
    api.answers.set('GET /console/session', signedOut)
    api.refuse('GET /console/events', 401, 'Sign in to continue.')
    api.dropEvents()
  }

  test('a session that ends in mid-answer asks for the password over the thread, and the answer goes on', async () => {
    const { api, page, goto } = await open()
    await goto('/')
    const turn = await ask(page, api, 'Tell me a story')
    turn.write('Once upon ')
    await page.getByText('Once upon').waitFor()
    const input = page.getByLabel(pageWording.composer.input)
    await input.fill('And then?')
    endSession(api)
    const dialog = page.getByRole('dialog', { name: accountWording.signIn.ended })
    await dialog.waitFor()
    await page.keyboard.press('Escape')
    await page.keyboard.press('Escape')
    expect(await dialog.isVisible()).toBe(true)
    turn.write('a time, in a land')
    expect(await dialog.getByLabel(accountWording.field.email).inputValue()).toBe(ada.email)

    api.refuse('POST /console/sign-in', 401, 'The password is wrong.')
    const password = dialog.getByLabel(accountWording.field.password, { exact: true })
    await password.fill('wrong')
    await password.press('Enter')
    await dialog.getByRole('alert').getByText('The password is wrong.').waitFor()
    // After typing: a page that gets the focus asks who is signed in, and would close the dialog.
    await password.fill('correct horse battery staple')
    api.answers.set('POST /console/sign-in', signedIn())
    api.answers.set('GET /console/session', signedIn())
    await password.press('Enter')
    await dialog.waitFor({ state: 'detached' })
    turn.write(' far away.')
    turn.finish()
    await page.getByText('Once upon a time, in a land far away.', { exact: true }).waitFor()
    expect(await input.inputValue()).toBe('And then?')
  })

  test('a message sent without a session waits for the sign-in, and arrives once', async () => {
    const { api, page, goto } = await open()
    await goto('/')
    await page.getByText('1.0.0').waitFor()
    api.answers.set('GET /console/session', signedOut)
    api.refuse('POST /console/threads/messages', 401, 'Sign in to continue.')
    const input = page.getByLabel(pageWording.composer.input)
    await input.fill('Do not lose me')
    await input.press('Enter')
    const dialog = page.getByRole('dialog', { name: accountWording.signIn.ended })
    await dialog.waitFor()
    api.answers.set('POST /console/sign-in', signedIn())
    api.answers.set('GET /console/session', signedIn())
    await dialog.getByLabel(accountWording.field.password, { exact: true }).fill('correct horse battery staple')
    await page.keyboard.press('Enter')
    await api.nextTurn()
    expect(api.sent.map(({ text }) => text)).toEqual(['Do not lose me'])
  })

  test('the next person neither sees nor sends what the last one typed', async () => {
    const { api, page, goto } = await open()
    await goto('/')
    const input = page.getByLabel(pageWording.composer.input)
    await input.fill('A secret draft')
    const address = page.url()
    endSession(api)
    await page.getByRole('dialog', { name: accountWording.signIn.ended }).waitFor()
    const grace = signedIn({ ...ada, id: '00000000-0000-4000-8000-000000000002', name: 'Grace Hopper', role: 'member' })
    api.answers.set('POST /console/sign-in', grace)
    api.answers.set('GET /console/session', grace)
    await page.getByLabel(accountWording.field.password, { exact: true }).fill('another password')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Grace Hopper' }).waitFor()
    await page.goto(address)
    await page.getByRole('button', { name: 'Grace Hopper' }).waitFor()
    await input.waitFor()
    expect(await input.inputValue()).toBe('')
    expect(await page.evaluate(() => JSON.stringify({ ...sessionStorage }))).not.toContain('secret')
  })

  test('on a machine without accounts the chat is open, and "Add people" makes the first account without a code', async () => {
    const { api, page, goto } = await open()
    answerAccounts(api, noAccounts)
    await goto('/')
    const input = page.getByLabel(pageWording.composer.input)
    await input.fill('A draft')
    const address = page.url()
    await page.getByRole('link', { name: pageWording.member.addPeople }).click()
    await page.getByRole('heading', { level: 1, name: accountWording.setUp.headingLocal }).waitFor()
    expect(await page.getByLabel(accountWording.field.code).count()).toBe(0)
    await page.getByLabel(accountWording.field.name).fill(ada.name)
    await page.getByLabel(accountWording.field.email).fill('ada@example.com')
    await page.getByLabel(accountWording.field.password).fill('plum tractor violin')
    answerAccounts(api, signedIn())
    api.answers.set('POST /console/set-up', signedIn())
    await page.getByRole('button', { name: accountWording.setUp.submit }).click()
    await page.getByRole('heading', { level: 1, name: accountWording.admin.people }).waitFor()
    await page.getByRole('link', { name: accountWording.settings.back }).click()
    await input.waitFor()
    expect(page.url()).toBe(address)
    expect(await input.inputValue()).toBe('A draft')
  })

  test('a chat account is connected after the chat and the page have agreed', async () => {
    const { api, page, goto } = await open()
    api.answers.set('GET /console/me/link-code', { state: 'waiting', expiresAt: agreed.expiresAt })
    await goto('/link')
    await button(page, accountWording.link.get).click()
    const line = page.getByLabel(accountWording.link.line, { exact: true })
    await line.waitFor()
    expect(await line.inputValue()).toBe('link K7QF-3M9X')
    api.answers.set('GET /console/me/link-code', { ...agreed, state: 'typed' })
    await page.getByText(accountWording.link.typed).waitFor()
    expect(await button(page, accountWording.link.confirm).count()).toBe(0)
    api.answers.set('GET /console/me/link-code', agreed)
    api.answers.set('POST /console/me/link-code/confirm', {})
    await button(page, accountWording.link.confirm).click()
    await page.getByText(accountWording.link.done(agreed.label)).waitFor()
  })

  test('a changed role shows at once', async () => {
    const { api, page, goto } = await open()
    answerAccounts(api, signedIn({ ...ada, role: 'member' }))
    await goto(`/t/${threadId}`)
    await page.getByRole('button', { name: ada.name }).click()
    await page.getByRole('link', { name: pageWording.member.settings }).waitFor()
    expect(await page.getByRole('link', { name: pageWording.member.people }).count()).toBe(0)
    answerAccounts(api, signedIn())
    api.push(threadId, { type: 'accountChanged' })
    await page.getByRole('link', { name: pageWording.member.people }).click()
    await page.getByRole('heading', { level: 1, name: accountWording.admin.people }).waitFor()
    await page.getByRole('link', { name: accountWording.settings.back }).click()
    await page.getByLabel(pageWording.composer.input).waitFor()
    expect(new URL(page.url()).pathname).toBe(`/t/${threadId}`)
  })

  test('a sign-in in another tab closes the dialog in this one', async () => {
    const { api, page, goto } = await open()
    await goto('/')
    await page.getByText('1.0.0').waitFor()
    endSession(api)
    const dialog = page.getByRole('dialog', { name: accountWording.signIn.ended })
    await dialog.waitFor()
    api.answers.set('GET /console/session', signedIn())
    await page.evaluate(() => window.dispatchEvent(new Event('focus')))
    await dialog.waitFor({ state: 'detached' })
  })

  test('an invitation is not reported as used when Parley cannot be reached', async () => {
    const { api, page, goto } = await open()
    answerAccounts(api, signedOut)
    const invitation = '**/console/invitations/abc'
    await page.route(invitation, (route) => route.abort())
    await goto(invitationOf)
    await page.getByRole('alert').getByText(pageWording.problem.unreachable).waitFor()
    await page.unroute(invitation)
    await button(page, accountWording.tryAgain).click()
    await page.getByRole('heading', { level: 1, name: accountWording.invite.headingTeam('Sales') }).waitFor()
  })

  test('an admin who comes back from a trial of a sign-in sees which claims came', async () => {
    const { page, goto } = await open()
    await goto('/admin/sign-in?tried=contoso')
    await page.getByText(adminWording.signIn.claims).waitFor()
  })

  test('only people who can connect a model see how', async () => {
    const { api, page, goto } = await open()
    api.status.models = []
    await goto('/')
    await page.getByText(pageWording.welcome.addModel).waitFor()
    answerAccounts(api, signedIn({ ...ada, role: 'member' }))
    await goto('/')
    await page.getByText(pageWording.welcome.afterHelpCommand).waitFor()
    await page.getByText('1.0.0').waitFor()
    expect(await page.getByText(pageWording.welcome.addModel).count()).toBe(0)
  })

  test('a link that works only on this machine says so', async () => {
    const { api, page, goto } = await open()
    const made = api.answers.get('POST /console/admin/invitations') as object
    api.answers.set('POST /console/admin/invitations', { ...made, url: 'http://127.0.0.1:8787/invite/abc' })
    await goto('/admin/people')
    await button(page, adminWording.people.invite).click()
    await button(page, adminWording.invite.submit).click()
    await page.getByText(adminWording.invite.thisMachine).waitFor()
  })
})
