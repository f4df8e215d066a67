/** Accounts on Parley itself, in real browsers: from the first admin to the last session. The steps build on each other. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildPage } from '../../adapters/console/page/build.ts'
import { accountWording, adminWording } from '../../src/wording/account.ts'
import { pageWording } from '../../src/wording/page.ts'
import { findBrowser, launchBrowser, noBrowser } from '../browser.ts'
import { freePort } from '../servers/free-port.ts'
import { type OidcProvider, startOidcProvider } from '../servers/oidc-provider.ts'
import { startScriptedOpenAi } from '../servers/openai.ts'
import { environment, type ParleyProcess, removeHome, run, startParley, temporaryHome } from './parley.ts'

const here = findBrowser() !== null
const story = Array.from({ length: 60 }, (_, n) => `word${n} `)
const ada = { name: 'Ada Lovelace', email: 'ada@example.com', password: 'plum tractor violin' }
const grace = { name: 'Grace Hopper', email: 'grace@example.com', password: 'seven small compilers' }
const settings = `models:
  default: small
  list:
    - {id: small, provider: openai, contextWindow: 16000, maxOutputTokens: 500, price: {input: 1, output: 10}}`

describe.skipIf(!here)(here ? 'accounts on the page' : `accounts on the page (${noBrowser})`, () => {
  let home: string
  let models: Awaited<ReturnType<typeof startScriptedOpenAi>>
  let parley: ParleyProcess
  let browser: Browser
  let issuer: OidcProvider
  let publicUrl: string
  let env: Record<string, string>
  /** What no page may do: break its security policy, or fail. */
  const faults: string[] = []

  beforeAll(async () => {
    await buildPage()
    home = await temporaryHome()
    models = await startScriptedOpenAi({ models: [{ id: 'small' }], script: () => ({ tokens: story, everyMs: 40 }) })
    const port = await freePort()
    publicUrl = `http://localhost:${port}`
    issuer = await startOidcProvider([`${publicUrl}/console/sign-in/lab/callback`])
    issuer.accounts.mary = { name: 'Mary Jackson', email: 'mary@example.com', email_verified: true }
    const provider = `{id: lab, kind: oidc, label: The Lab, issuer: "${issuer.url}", clientId: ${issuer.clientId}, clientSecretVariable: LAB_SECRET, allow: {everyone: true}}`
    await writeFile(join(home, 'parley.yaml'), `${settings}\nsignIn:\n  providers:\n    - ${provider}\n`)
    env = {
      LAB_SECRET: issuer.clientSecret,
      OPENAI_BASE_URL: models.url,
      OPENAI_API_KEY: 'sk-test',
      PUBLIC_URL: publicUrl,
      PORT: String(port),
    }
    parley = await startParley(home, env, home)
    browser = await launchBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await parley?.[Symbol.asyncDispose]()
    await models?.[Symbol.asyncDispose]()
    await issuer?.close()
    await removeHome(home)
    expect(faults).toEqual([])
  })

  async function newBrowser(): Promise<{ context: BrowserContext; page: Page }> {
    const context = await browser.newContext({ viewport: { width: 1200, height: 800 }, reducedMotion: 'reduce' })
    const page = await context.newPage()
    page.setDefaultTimeout(20_000)
    page.on('pageerror', (error) => faults.push(error.message))
    page.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) faults.push(message.text())
    })
    return { context, page }
  }

  const at = (path: string) => publicUrl + path
  const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })
  const field = (page: Page, label: string) => page.getByLabel(label, { exact: true })
  const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name, exact: true }).waitFor()
  const composer = (page: Page) => page.getByLabel(pageWording.composer.input)

  async function signIn(page: Page, { email, password }: typeof ada): Promise<void> {
    await field(page, accountWording.field.email).fill(email)
    await field(page, accountWording.field.password).fill(password)
    await button(page, accountWording.signIn.submit).click()
  }

  async function fillAccount(page: Page, { name, email, password }: typeof ada): Promise<void> {
    await field(page, accountWording.field.name).fill(name)
    await field(page, accountWording.field.email).fill(email)
    await field(page, accountWording.field.password).fill(password)
    await button(page, accountWording.setUp.submit).click()
  }

  let admin: { context: BrowserContext; page: Page }
  let member: { context: BrowserContext; page: Page }

  test('the first account needs the code from the terminal, and is an admin', async () => {
    admin = await newBrowser()
    const { page } = admin
    await page.goto(at('/'))
    await heading(page, accountWording.setUp.heading)
    await field(page, accountWording.field.code).fill('not-the-code')
    await fillAccount(page, ada)
    await page.getByRole('alert').getByText('set-up code').waitFor()
    const printed = await run(['src/cli.ts', 'set-up'], environment(home, env))
    const [address = ''] = /http:\/\/\S+/.exec(printed.stdout) ?? []
    await page.goto(address)
    await heading(page, accountWording.setUp.heading)
    expect(await field(page, accountWording.field.code).inputValue()).not.toBe('')
    await fillAccount(page, ada)
    await heading(page, accountWording.admin.people)
    await page.getByText(adminWording.people.you, { exact: true }).waitFor()
    expect(await page.evaluate(() => document.cookie)).toBe('')
  })

  test('an invited person makes an account in another browser and asks a question', async () => {
    await button(admin.page, adminWording.people.invite).click()
    await field(admin.page, `${adminWording.invite.email} (${accountWording.field.optional})`).fill(grace.email)
    await button(admin.page, adminWording.invite.submit).click()
    const link = await field(admin.page, adminWording.invite.link).inputValue()
    expect(link).toContain(`${publicUrl}/invite/`)
    await button(admin.page, adminWording.invite.done).click()

    member = await newBrowser()
    const { page } = member
    await page.goto(link)
    await heading(page, accountWording.invite.heading)
    expect(await field(page, accountWording.field.email).inputValue()).toBe(grace.email)
    await fillAccount(page, grace)
    await composer(page).fill('Tell me a story')
    await composer(page).press('Enter')
    await page.getByText('word59').first().waitFor()

    const late = await newBrowser()
    await late.page.goto(link)
    await heading(late.page, accountWording.invite.gone)
    await late.context.close()
  })

  test('nobody else opens the thread, and signing in leads back to it', async () => {
    const address = member.page.url()
    await admin.page.goto(address)
    await admin.page.getByRole('heading', { name: pageWording.threads.gone }).waitFor()
    const elsewhere = await newBrowser()
    await elsewhere.page.goto(address)
    await heading(elsewhere.page, accountWording.signIn.heading)
    await signIn(elsewhere.page, { ...grace, password: 'a wrong password' })
    await elsewhere.page.getByRole('alert').getByText('password is wrong').waitFor()
    await signIn(elsewhere.page, grace)
    await elsewhere.page.getByText('word59').first().waitFor()
    expect(elsewhere.page.url()).toBe(address)

    await member.page.goto(at('/me/sessions'))
    await heading(member.page, accountWording.sessions.title)
    await member.page.getByRole('button', { name: new RegExp(`^${accountWording.sessions.signOut}`) }).click()
    await member.page.getByText(accountWording.sessions.none).waitFor()
    await elsewhere.page.getByRole('dialog', { name: accountWording.signIn.ended }).waitFor()
    await elsewhere.context.close()
    await member.page.goto(address)
    await member.page.getByText('word59').first().waitFor()
  })

  test('a new role shows at once, and two changes in a row are both made', async () => {
    await admin.page.goto(at('/admin/people'))
    const role = admin.page.getByLabel(adminWording.people.roleOf(grace.name))
    await role.selectOption('viewer')
    await role.selectOption('admin')
    await member.page.getByRole('button', { name: grace.name }).click()
    await member.page.getByRole('link', { name: pageWording.member.people }).waitFor()
    await admin.page.getByLabel(adminWording.people.roleOf(grace.name)).selectOption('member')
    await member.page.getByRole('link', { name: pageWording.member.people }).waitFor({ state: 'detached' })
    await member.page.keyboard.press('Escape')
  })

  test('a session that an admin ends in mid-answer goes on after the sign-in', async () => {
    const { page } = member
    await button(page, pageWording.threads.start).first().click()
    await composer(page).fill('Another story')
    await composer(page).press('Enter')
    await page.getByText('word3').first().waitFor()
    await composer(page).fill('A draft')
    await admin.page.goto(at('/admin/people'))
    await button(admin.page, adminWording.people.details(grace.name)).click()
    await button(admin.page, adminWording.people.signOut).click()
    const dialog = page.getByRole('dialog', { name: accountWording.signIn.ended })
    await dialog.waitFor()
    await dialog.getByLabel(accountWording.field.password, { exact: true }).fill(grace.password)
    await page.keyboard.press('Enter')
    await dialog.waitFor({ state: 'detached' })
    await page.getByText(story.join('').trim()).first().waitFor()
    expect(await composer(page).inputValue()).toBe('A draft')
  })

  test('signing in at a provider leads back to what was asked for', async () => {
    const { context, page } = await newBrowser()
    await page.goto(at('/me/sessions'))
    await heading(page, accountWording.signIn.heading)
    await page.getByRole('link', { name: accountWording.signIn.with('The Lab') }).click()
    await page.getByLabel('Account').fill('mary')
    const first = page.url()
    await button(page, 'Continue').click()
    // The issuer asks whether Mary agrees.
    await page.waitForURL(({ href }) => href.startsWith(issuer.url) && href !== first)
    await button(page, 'Continue').click()
    await heading(page, accountWording.sessions.title)
    await page.getByRole('button', { name: 'Mary Jackson' }).waitFor()
    await context.close()
  })

  test('a link from an admin sets a new password, and a disabled person is signed out', async () => {
    await admin.page.reload()
    await button(admin.page, adminWording.people.details(grace.name)).click()
    await button(admin.page, adminWording.people.link).click()
    const link = await field(admin.page, adminWording.invite.link).inputValue()
    await button(admin.page, adminWording.invite.done).click()
    const other = await newBrowser()
    await other.page.goto(link)
    await heading(other.page, accountWording.invite.headingReset)
    await field(other.page, accountWording.field.password).fill('another good password')
    await button(other.page, accountWording.invite.submitReset).click()
    await composer(other.page).waitFor()
    await button(admin.page, adminWording.people.disable).click()
    await other.page.getByRole('dialog', { name: accountWording.signIn.ended }).waitFor()
    await other.context.close()
  })

  test('signing out leaves nothing of the person in the browser', async () => {
    const { page } = admin
    await page.goto(at('/'))
    await composer(page).fill('Only for me')
    await page.getByRole('button', { name: ada.name }).click()
    await button(page, pageWording.member.signOut).click()
    await heading(page, accountWording.signIn.heading)
    expect(await page.evaluate(() => Object.keys(sessionStorage))).toEqual([])
  })
})
