/** What may be spent, and by which keys, from the typed line to the database. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { adminRig, people } from '../../test/fakes/admin.ts'
import type { Author } from '../core/message.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server.dispose())

const { root, owner, member } = people

describe('budgets by command', () => {
  it('show only what concerns a member, and everything below to an admin of the workspace', async () => {
    await using rig = await adminRig(server)
    for (const place of ['channel', '<#C2>', '<@UMEMBER>', '<@U9>', 'workspace:slack/T2', 'workspace', 'everywhere'])
      await rig.say(`budget set ${place} 5 day`)
    const shown = async (who: Author) => (await rig.say('budget list', who)).text.match(/^- [^:]+/gm)?.toSorted()
    expect(await shown(member)).toEqual(['- Everywhere', '- This channel', '- This workspace', '- You'])
    expect(await shown(owner)).toEqual([
      '- <#C2>',
      '- <@U9>',
      '- <@UMEMBER>',
      '- Everywhere',
      '- This channel',
      '- This workspace',
    ])
    expect(await shown(root)).toHaveLength(7)
  })

  it('are audited with before and after, grants included, and a grant delivered twice is one', async () => {
    await using rig = await adminRig(server)
    await rig.say('budget set channel 20 month')
    await rig.say('budget set channel 30 month')
    for (let n = 0; n < 3; n += 1) await rig.say('budget grant channel 5 month', root, { id: 'E5' })
    // Its process died before it answered, and the event comes again.
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
})

describe('keys', () => {
  it('open until they are revoked; their secret is shown once and lies nowhere', async () => {
    await using rig = await adminRig(server)
    const made = await rig.say('keys create website 20 month', root, { id: 'E1' })
    const secret = /parley-[\w-]{43}/.exec(made.text)?.[0] ?? ''
    expect(made.private).toBe(true)
    const found = await rig.deps.keys.find(secret)
    expect(found).toMatchObject({ name: 'website' })
    expect((await rig.deps.budgets.list([`key:${found?.id}`])).map(({ amount }) => amount)).toEqual([20_000_000_000n])
    expect((await rig.say('keys create website 20 month', root, { id: 'E1' })).text).toMatch(
      /was shown when it was made/,
    )
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
