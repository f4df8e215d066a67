/** Budgets and API keys, from the typed line to the database. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { adminRig, people } from '../../test/fakes/admin.ts'
import type { Author } from '../core/message.ts'
import { usd } from '../core/money.ts'
import { auditWording } from '../wording/commands.ts'
import { budgetWording, keyWording } from '../wording/commands-money.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server.dispose())

const { root, owner, member } = people

describe('budgets by command', () => {
  it('show members their own budgets, and workspace admins everything in the workspace', async () => {
    await using rig = await adminRig(server)
    for (const place of ['channel', '<#C2>', '<@UMEMBER>', '<@U9>', 'workspace:slack/T2', 'workspace', 'everywhere'])
      await rig.say(`budget set ${place} 5 day`)
    const shown = async (who: Author) => (await rig.say('budget list', who)).text.match(/^- [^:]+/gm)?.toSorted()
    expect(await shown(member)).toEqual(['- Everyone', '- This channel', '- This workspace', '- You'])
    expect(await shown(owner)).toEqual([
      '- <#C2>',
      '- <@U9>',
      '- <@UMEMBER>',
      '- Everyone',
      '- This channel',
      '- This workspace',
    ])
    expect(await shown(root)).toHaveLength(7)
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
})
