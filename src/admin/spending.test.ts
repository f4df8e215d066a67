/** Budgets and API keys, from the typed line to the database. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { adminRig, people } from '../../test/fakes/admin.ts'
import { addPerson, slackAccount } from '../../test/people.ts'
import type { Author } from '../core/message.ts'
import { usd } from '../core/money.ts'
import { raiseButton } from '../intake/raise-budget.ts'
import { auditWording, permissionWording } from '../wording/commands.ts'
import { budgetWording, keyWording } from '../wording/commands-money.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server.dispose())

const { root, owner, member } = people

describe('budgets by command', () => {
  it('show members what they alone spend, workspace admins the workspace, and nobody below what others spend', async () => {
    await using rig = await adminRig(server)
    for (const place of ['channel', '<#C2>', '<@UMEMBER>', '<@U9>', 'workspace:slack/T2', 'workspace', 'everywhere'])
      await rig.say(`budget set ${place} 5 day`)
    const shown = async (who: Author) => (await rig.say('budget list', who)).text.match(/^- [^:]+/gm)?.toSorted()
    expect(await shown(member)).toEqual(['- You'])
    expect(await shown(people.manager)).toEqual(['- This channel'])
    expect(await shown(owner)).toEqual(['- <#C2>', '- <@U9>', '- <@UMEMBER>', '- This channel', '- This workspace'])
    expect((await rig.say('budget list', { id: 'UNEW' })).text).toBe(budgetWording.noneForYou)
    expect(await shown(root)).toHaveLength(7)
  })

  it('can be raised by the button of the notice that they are used up', async () => {
    await using rig = await adminRig(server)
    for (const [place, scope] of [
      ['channel', 'channel:slack/T1/C1'],
      ['everywhere', 'all'],
      ['<@U9>', 'user:slack/T1/U9'],
      ['model:gpt-5', 'model:openai/gpt-5'],
    ] as const) {
      await rig.say(`budget set ${place} 20 month`)
      const { action } = raiseButton({ scope, period: 'month', limit: usd('20') })
      if (action.kind !== 'command') throw new Error('no command')
      await rig.say(action.text)
      const raised = (await rig.deps.budgets.list()).find((each) => each.scope === scope)
      expect([scope, raised?.extra]).toEqual([scope, usd('5')])
    }
    expect((await rig.say('budget grant everywhere 5 month', member)).failed).toBe(true)
  })

  it('are audited with before and after, and a grant that is delivered twice counts once', async () => {
    await using rig = await adminRig(server)
    await rig.say('budget set channel 20 month')
    await rig.say('budget set channel 30 month')
    for (let n = 0; n < 3; n += 1) await rig.say('budget grant channel 5 month', root, { id: 'E5' })
    // The process died before it answered, and the event arrives again.
    await rig.database.pool.query('delete from command_call')
    await rig.say('budget grant channel 5 month', root, { id: 'E5' })
    await rig.say('budget remove channel month')
    const log = await rig.deps.audit.list({ scopes: ['channel:slack/T1/C1'], limit: 10 })
    expect(log.filter(({ name }) => name.startsWith('budget')).map(({ before, after }) => [before, after])).toEqual([
      [{ amount: '30', timeZone: 'UTC', extra: '5' }, null],
      [
        { amount: '30', timeZone: 'UTC' },
        { amount: '30', timeZone: 'UTC', extra: '5' },
      ],
      [
        { amount: '20', timeZone: 'UTC' },
        { amount: '30', timeZone: 'UTC' },
      ],
      [null, { amount: '20', timeZone: 'UTC' }],
    ])
  })

  it('read as plain sentences in the audit log', async () => {
    await using rig = await adminRig(server)
    await rig.say('budget set everywhere 0.001 day')
    await rig.say('budget set everywhere 5 day')
    await rig.say('timezone Asia/Tokyo for everywhere')
    const removed = await rig.say('budget remove everywhere day')
    expect(removed.text).toBe(budgetWording.removed('everyone', 'day', usd('5')))
    const { text } = await rig.say('audit everywhere')
    const changes = text.split('\n').map((line) => line.replace(/^.*?\(UTC\): |^.*?\(Asia\/Tokyo\): /, ''))
    expect(changes).toEqual([
      `Root ${auditWording.change('budget day', 'everyone', { amount: '5', timeZone: 'Asia/Tokyo' }, null)}`,
      'Root moved the daily budget for everyone ($5) to the time zone Asia/Tokyo',
      'Root set the time zone for everyone to “Asia/Tokyo”',
      'Root set the daily budget for everyone to $5 (was $0.001)',
      'Root set the daily budget for everyone to $0.001',
      `test ${auditWording.change('roles', 'this channel', null, { UMANAGER: 'manager' })}`,
    ])
  })
})

describe('keys', () => {
  it('work until revoked; their secret is shown once and stored nowhere', async () => {
    await using rig = await adminRig(server)
    const made = await rig.say('keys create website 20 month', root, { id: 'E1' })
    const secret = /parley-[\w-]{43}/.exec(made.text)?.[0] ?? ''
    expect(made.private).toBe(true)
    const found = await rig.deps.keys.find(secret)
    expect(found).toMatchObject({ name: 'website' })
    expect((await rig.deps.budgets.list([`key:${found?.id}`])).map(({ amount }) => amount)).toEqual([20_000_000_000n])
    expect((await rig.say('keys create website 20 month', root, { id: 'E1' })).text).toContain(keyWording.shownOnce)
    const { rows } = await rig.database.pool.query(
      `select (select json_agg(k)::text from api_key k) || (select json_agg(a)::text from audit a) || (select json_agg(c)::text from command_call c) as everything`,
    )
    expect(rows[0].everything).toContain('website')
    expect(rows[0].everything).not.toContain(secret.slice(7))
    await rig.say('keys revoke website')
    expect(await rig.deps.keys.find(secret)).toBeNull()
    expect(await rig.deps.keys.find(`${secret}x`)).toBeNull()
  })

  it('of their own are for people with an account, who see, use up and revoke only those', async () => {
    await using rig = await adminRig(server)
    const ada = await addPerson(rig.database, 'Ada', { accounts: [slackAccount('UADA')] })
    await addPerson(rig.database, 'Ben', { accounts: [slackAccount('UBEN')] })
    const [asAda, asBen] = [{ id: 'UADA' }, { id: 'UBEN' }]
    await rig.say('keys create website 20 month', root)
    const made = await rig.say('keys create notebook 5 week --expires 30d --scopes ask,usage:read', asAda)
    expect(made.text).toMatch(/^Your key `notebook` can spend \$5\.00 a week until /)
    const key = await rig.deps.keys.find(/parley-[\w-]{43}/.exec(made.text)?.[0] ?? '')
    expect(key).toMatchObject({ name: 'notebook', ownerId: ada, scopes: ['ask', 'usage:read'] })
    const [about] = await rig.deps.keys.list(ada)
    expect((about?.expiresAt?.getTime() ?? 0) - (about?.createdAt.getTime() ?? 0)).toBeGreaterThan(29.9 * 86_400_000)

    expect((await rig.say('keys list', asAda)).text).toMatch(/notebook.*may do: ask, usage:read/)
    expect((await rig.say('keys list', asAda)).text).not.toContain('website')
    expect((await rig.say('keys list', asBen)).text).toBe(keyWording.none)
    const all = (await rig.say('keys list', root)).text
    expect(all).toContain('website')
    expect(all).toMatch(/notebook` \(\w+\) of Ada:/)
    expect((await rig.say('keys revoke notebook', asBen)).text).toBe(keyWording.unknown('notebook'))
    expect((await rig.say('keys revoke website', asAda)).text).toBe(keyWording.unknown('website'))
    expect((await rig.say('keys revoke notebook', asAda)).text).toBe(keyWording.revoked('notebook'))
    expect(await rig.deps.keys.isActive(key?.id ?? '')).toBe(false)
  })

  it('of their own are not for guests, nor for people that Parley does not know', async () => {
    await using rig = await adminRig(server)
    await addPerson(rig.database, 'Ada', { role: 'guest', accounts: [slackAccount('UADA')] })
    for (const who of [member, { id: 'UADA' }])
      expect((await rig.say('keys create notebook 5 week', who)).text).toContain(permissionWording.askThem)
    expect((await rig.say('keys create notebook 5 week --mine', member)).text).toBe(keyWording.personNeeded)
  })

  it('that run commands have an owner', async () => {
    await using rig = await adminRig(server)
    expect((await rig.say('keys create robot 5 week --scopes admin', root)).text).toBe(keyWording.adminNeedsOwner)
    await addPerson(rig.database, 'Ada', { role: 'admin', accounts: [slackAccount('UADA')] })
    const made = await rig.say('keys create robot 5 week --scopes admin --mine', { id: 'UADA' })
    expect(made.failed).toBeUndefined()
    for (const wrong of ['--scopes fly', '--expires soon', '--expires 3y'])
      expect((await rig.say(`keys create other 5 week ${wrong}`, root)).failed, wrong).toBe(true)
  })
})
