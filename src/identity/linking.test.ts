import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestAccounts } from '../../test/accounts-rig.ts'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { discordAccount, slackAccount } from '../../test/people.ts'
import type { Notice } from '../core/command.ts'
import { consoleIdOf, type IdentityKey, type SignedIn } from '../core/person.ts'
import { createLinkCodes } from '../store/link-codes.ts'
import { linkWording } from '../wording/linking.ts'
import { createLinking, linkLine, mostTries, type Typist } from './linking.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server.dispose())

async function rig(publicUrl: string | null = 'https://parley.example') {
  const accounts = openTestAccounts(await server.createDatabase())
  const ada = await accounts.setUp()
  const told: { to: string; notice: Notice }[] = []
  const linking = createLinking({
    codes: createLinkCodes(accounts.database),
    people: accounts.people,
    publicUrl: publicUrl ?? undefined,
    notify: async ({ conversation }, notice) => void told.push({ to: conversation.channelId, notice }),
  })
  /** A browser of theirs. */
  async function signedIn(personId: string): Promise<SignedIn> {
    const secret = await accounts.sessions.create(personId, { userAgent: 'Firefox', address: '192.0.2.1' })
    const found = await accounts.sessions.find(secret)
    if (found === null) throw new Error('not signed in')
    return found
  }
  const confirm = (person: SignedIn) =>
    linking.confirm(person, { id: consoleIdOf(person.personId), name: person.name, via: 'page' })
  return { ...accounts, ada, told, linking, signedIn, confirm, [Symbol.asyncDispose]: () => accounts.database.close() }
}

function typing(account: IdentityKey | undefined, { name = 'Ben', direct = true } = {}): Typist {
  const { provider = 'console', issuer = 'local', subject = 'x' } = account ?? {}
  const conversation = { platform: provider, workspaceId: issuer, channelId: `D-${subject}` }
  const by = { id: `${provider}/${issuer}/${subject}`, name, via: 'command' }
  return { account, name, direct, replyTarget: { conversation, data: null }, by }
}

const ben = slackAccount('UBEN')
const mallory = slackAccount('UMALLORY')

describe('an account of a chat', () => {
  it('is linked after the code was typed, agreed to, and confirmed in the same browser', async () => {
    await using at = await rig()
    const ada = await at.signedIn(at.ada)
    expect(await at.linking.state(ada)).toEqual({ state: 'none' })
    const { code } = await at.linking.create(ada)
    expect(code).toMatch(/^[B-Z2-9]{4}-[B-Z2-9]{4}$/)
    expect(await at.linking.state(ada)).toMatchObject({ state: 'waiting' })
    await expect(at.confirm(ada)).rejects.toMatchObject({ userMessage: linkWording.nothingToConfirm })

    const asked = await at.linking.type(code.toLowerCase(), false, typing(ben))
    expect(asked).toMatchObject({ private: true })
    expect(asked.text).toContain('**Ada Lovelace** (ada@example.com)')
    expect(asked.buttons?.[0]?.action).toEqual({ kind: 'command', text: `link ${code} yes` })
    // Neither side is enough.
    await expect(at.confirm(ada)).rejects.toMatchObject({ userMessage: linkWording.nothingToConfirm })
    expect(await at.people.personOf(ben)).toBeNull()

    const agreed = await at.linking.type(code, true, typing(ben))
    const state = await at.linking.state(ada)
    expect(state).toMatchObject({ state: 'agreed', joins: null })
    // Both sides show the same number.
    const number = 'label' in state ? /^Slack: Ben \(T1\) · (\d\d)$/.exec(state.label)?.[1] : undefined
    expect(agreed.text).toBe(linkWording.confirmOnPage(Number(number)))
    expect(await at.people.personOf(ben)).toBeNull()
    await at.confirm(ada)
    expect(await at.people.personOf(ben)).toBe(at.ada)
    expect(at.told).toEqual([{ to: 'D-UBEN', notice: { text: linkWording.linked('Ada Lovelace'), private: true } }])
    const [entry] = await at.audit.list({ scopes: [`person:${at.ada}`], limit: 1 })
    expect(entry).toMatchObject({ name: 'person account', by: { id: consoleIdOf(at.ada), via: 'page' } })
    // One use.
    expect(await at.linking.state(ada)).toEqual({ state: 'none' })
    expect((await at.linking.type(code, false, typing(mallory))).text).toBe(linkWording.unknownCode)
  })

  it('is shown with the others by `link`, which holds no secret', async () => {
    await using at = await rig()
    expect(await at.linking.explain(typing(ben))).toEqual({
      text: linkWording.howTo('https://parley.example/link'),
      private: true,
    })
    await at.people.link(at.ada, { ...ben, name: 'Ben' }, typing(ben).by)
    await at.people.link(at.ada, { ...discordAccount('99'), name: 'ben#1' }, typing(ben).by)
    const { text } = await at.linking.explain(typing(ben))
    expect(text).toContain('Slack: Ben (T1)')
    expect(text).toContain('Discord: ben#1')
    expect(text).toContain('**Ada Lovelace**')
  })

  it('that agreed is not linked when the page says that it is somebody else', async () => {
    await using at = await rig()
    const ada = await at.signedIn(at.ada)
    const { code } = await at.linking.create(ada)
    await at.linking.type(code, false, typing(mallory, { name: 'Mallory' }))
    await at.linking.type(code, true, typing(mallory, { name: 'Mallory' }))
    expect(await at.linking.state(ada)).toMatchObject({
      label: expect.stringMatching(/^Slack: Mallory \(T1\) · \d\d$/),
    })
    await at.linking.refuse(ada)
    await expect(at.confirm(ada)).rejects.toMatchObject({ code: 'request_invalid' })
    expect(await at.people.personOf(mallory)).toBeNull()
    expect(at.told.at(-1)?.notice.text).toBe(linkWording.refusedOnPage)
  })

  it('becomes one person with whoever it belonged to, so that somebody who used the chat first keeps what they asked', async () => {
    await using at = await rig()
    const chat = await at.fromChat('Ben in Slack', ben)
    await at.people.link(chat, discordAccount('99'), typing(ben).by)
    const page = await at.signedIn(await at.invited('Ben'))
    const { code } = await at.linking.create(page)
    expect((await at.linking.type(code, false, typing(ben))).text).toContain('**Ben in Slack** becomes part')
    await at.linking.type(code, true, typing(ben))
    expect(await at.linking.state(page)).toMatchObject({ joins: 'Ben in Slack' })
    await at.confirm(page)
    expect(await at.people.find(chat)).toBeNull()
    expect(await at.people.personOf(ben)).toBe(page.personId)
    expect(await at.people.personOf(discordAccount('99'))).toBe(page.personId)
    expect((await at.audit.list({ scopes: [`person:${page.personId}`], limit: 1 }))[0]?.name).toBe('person merged')
  })

  it('does not bring the page of its person along: whoever has a chat account has not proven more', async () => {
    await using at = await rig()
    const bea = await at.invited('Bea')
    await at.people.link(bea, ben, typing(ben).by)
    const page = await at.signedIn(await at.invited('Mallory'))
    const { code } = await at.linking.create(page)
    expect(await at.linking.type(code, false, typing(ben))).toMatchObject({
      text: linkWording.hasPage('Bea'),
      failed: true,
    })
    expect(await at.linking.state(page)).toEqual({ state: 'none' })
    // Nor if they sign in for the first time while the code is typed.
    const chat = await at.fromChat('Cy', mallory)
    const second = await at.linking.create(page)
    await at.linking.type(second.code, false, typing(mallory))
    await at.linking.type(second.code, true, typing(mallory))
    await at.database.pool.query('update person set signed_in_at = now() where id = $1', [chat])
    await expect(at.confirm(page)).rejects.toMatchObject({ userMessage: linkWording.hasPage('Cy') })
    expect(await at.people.find(chat)).not.toBeNull()
    expect(await at.people.personOf(ben)).toBe(bea)
  })

  it('reads no address that the person of the page only wrote themselves', async () => {
    await using at = await rig()
    const mallory = await at.invited('Mallory')
    await at.people.setProfile(mallory, { name: 'Ben\u202e \u200bBoss', email: 'ben.boss@example.com' })
    const { code } = await at.linking.create(await at.signedIn(mallory))
    const { text } = await at.linking.type(code, false, typing(ben))
    expect(text).toContain('**Ben Boss** (nobody has checked an e-mail address)')
    expect(text).not.toContain('ben.boss@example.com')
  })

  it('of a guest stays: unlinked, it would be no guest’s any more', async () => {
    await using at = await rig()
    await at.people.link(await at.invited('Gus', 'guest'), ben, typing(ben).by)
    await expect(at.linking.unlink(true, typing(ben))).rejects.toMatchObject({ code: 'request_invalid' })
    expect(await at.people.personOf(ben)).not.toBeNull()
  })

  it('is unlinked from the chat, after a question', async () => {
    await using at = await rig()
    expect((await at.linking.unlink(true, typing(ben))).text).toBe(linkWording.notLinked)
    await at.people.link(at.ada, ben, typing(ben).by)
    expect((await at.linking.unlink(false, typing(ben))).buttons).toHaveLength(1)
    expect(await at.people.personOf(ben)).toBe(at.ada)
    expect((await at.linking.unlink(true, typing(ben))).text).toBe(linkWording.unlinked('Ada Lovelace'))
    expect(await at.people.personOf(ben)).toBeNull()
  })
})

describe('a code', () => {
  it('that was typed in a channel works nowhere any more', async () => {
    await using at = await rig()
    const ada = await at.signedIn(at.ada)
    const { code } = await at.linking.create(ada)
    expect(await at.linking.type(code, false, typing(ben, { direct: false }))).toMatchObject({
      text: linkWording.notInChannels,
      private: true,
    })
    expect((await at.linking.type(code, false, typing(ben))).text).toBe(linkWording.unknownCode)
    expect(await at.linking.state(ada)).toEqual({ state: 'none' })
  })

  it('that two accounts type ends: neither gets it', async () => {
    await using at = await rig()
    const ada = await at.signedIn(at.ada)
    const { code } = await at.linking.create(ada)
    await at.linking.type(code, false, typing(ben))
    expect((await at.linking.type(code, true, typing(mallory))).text).toBe(linkWording.unknownCode)
    expect((await at.linking.type(code, false, typing(mallory))).text).toBe(linkWording.unknownCode)
    expect((await at.linking.type(code, true, typing(ben))).text).toBe(linkWording.unknownCode)
    await expect(at.confirm(ada)).rejects.toMatchObject({ code: 'request_invalid' })
  })

  it('of 20 accounts at once goes to one at most', async () => {
    await using at = await rig()
    const { code } = await at.linking.create(await at.signedIn(at.ada))
    const typed = await Promise.all(
      Array.from({ length: 20 }, (_, n) => at.linking.type(code, false, typing(slackAccount(`U${n}`)))),
    )
    expect(typed.filter(({ failed }) => failed !== true)).toHaveLength(1)
  })

  it('belongs to its browser: another session of the same person cannot confirm it', async () => {
    await using at = await rig()
    const [here, elsewhere] = [await at.signedIn(at.ada), await at.signedIn(at.ada)]
    const { code } = await at.linking.create(here)
    await at.linking.type(code, false, typing(ben))
    await at.linking.type(code, true, typing(ben))
    expect(await at.linking.state(elsewhere)).toEqual({ state: 'none' })
    await expect(at.confirm(elsewhere)).rejects.toMatchObject({ code: 'request_invalid' })
    await at.sessions.endAll(at.ada)
    expect((await at.linking.type(code, true, typing(ben))).text).toBe(linkWording.unknownCode)
  })

  it('ends after 10 minutes, and when the page makes a new one', async () => {
    await using at = await rig()
    const ada = await at.signedIn(at.ada)
    const first = await at.linking.create(ada)
    const second = await at.linking.create(ada)
    expect((await at.linking.type(first.code, false, typing(ben))).failed).toBe(true)
    await at.database.pool.query(`update link_code set expires_at = now()`)
    expect((await at.linking.type(second.code, false, typing(ben))).failed).toBe(true)
  })

  it('cannot be guessed: an account has few tries', async () => {
    await using at = await rig()
    for (let n = 0; n < mostTries; n += 1)
      expect((await at.linking.type('BBBB-BBBB', false, typing(mallory))).text).toBe(linkWording.unknownCode)
    const { code } = await at.linking.create(await at.signedIn(at.ada))
    expect((await at.linking.type(code, false, typing(mallory))).text).toBe(linkWording.tooManyTries)
    expect((await at.linking.type(code, false, typing(ben))).failed).toBeUndefined()
  })

  it('is stored as a hash alone', async () => {
    await using at = await rig()
    const { code } = await at.linking.create(await at.signedIn(at.ada))
    const { rows } = await at.database.pool.query('select * from link_code')
    expect(JSON.stringify(rows)).not.toContain(code)
    expect(JSON.stringify(rows)).not.toContain(code.replace('-', ''))
  })

  it.each([
    ['link BCDF-2345', 'link BCDF-2345'],
    ['  /parley link bcdf-2345 yes ', 'link bcdf-2345 yes'],
    ['Link `BCDF–2345`.', 'link BCDF-2345'],
    ['link building', undefined],
    ['link long-term plans', undefined],
    ['How do I link BCDF-2345?', undefined],
  ])('in a message, %j, is no question', (text, line) => {
    expect(linkLine(text)).toBe(line)
  })
})

describe('linking says why it cannot', () => {
  it.each<[string, string | null, Typist, string]>([
    ['without an address of the page', null, typing(ben), linkWording.noAddress],
    ['where authors are no accounts', 'https://parley.example', typing(undefined), linkWording.notHere],
  ])('%s', async (_, publicUrl, typist, text) => {
    await using at = await rig(publicUrl)
    expect((await at.linking.explain(typist)).text).toBe(text)
    expect((await at.linking.type('BBBB-BBBB', false, typist)).text).toBe(text)
  })

  it('before set-up', async () => {
    await using at = await rig()
    await at.database.pool.query('delete from installation')
    const linking = createLinking({
      codes: createLinkCodes(at.database),
      people: { ...at.people, areSetUp: async () => false },
      publicUrl: 'https://parley.example',
      notify: async () => {},
    })
    expect((await linking.explain(typing(ben))).text).toBe(linkWording.noAccounts)
  })
})
