/** Persons, teams and what their roles allow, as commands. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { type AdminRig, adminRig, people } from '../../test/fakes/admin.ts'
import { addPerson, discordAccount, slackAccount } from '../../test/people.ts'
import type { ConversationRef } from '../core/message.ts'
import { spenderOf } from '../core/scope.ts'
import { createDirectoryRows } from '../store/directory.ts'
import { forgetWording, permissionWording } from '../wording/commands.ts'
import { teamCommandWording as teams } from '../wording/people.ts'
import { effectiveFor } from './effective.ts'
import { grantsOf, roleHere } from './grants.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server.dispose())

const elsewhere = { channelId: 'C2' }

/** Mia manages Research, which has channel C2 and the member Max. Val views amounts. */
async function withTeam(rig: AdminRig) {
  const mia = await addPerson(rig.database, 'Mia', { accounts: [slackAccount('UMIA')] })
  const max = await addPerson(rig.database, 'Max', { accounts: [slackAccount(people.member.id)] })
  const val = await addPerson(rig.database, 'Val', { role: 'viewer', accounts: [slackAccount('UVAL')] })
  await rig.say('team add Research')
  await rig.say('team member Research Mia manager')
  await rig.say('team member Research <@UMEMBER> member')
  await rig.say('team place Research for channel', people.root, elsewhere)
  return { mia: { id: 'UMIA', name: 'Mia' }, val: { id: 'UVAL', name: 'Val' }, ids: { mia, max, val } }
}

describe('a team', () => {
  it('has places of chats only: the terminal and the page are none', async () => {
    await using rig = await adminRig(server)
    await rig.say('team add Research')
    const refused = await rig.say('team place Research for channel:console/local/1')
    expect(refused).toMatchObject({ failed: true, text: teams.notAPlace })
  })

  it('has people and places, and its manager manages those and nothing else', async () => {
    await using rig = await adminRig(server)
    const { mia } = await withTeam(rig)
    const shown = (await rig.say('team show research', mia)).text
    expect(shown).toContain('Max (member) and Mia (manager)')
    expect(shown).toContain('<#C2>')
    expect((await rig.say('budget set 5 month for team:Research', mia)).failed).toBeUndefined()
    expect((await rig.say('budget set 5 month for channel', mia, elsewhere)).failed).toBeUndefined()
    expect((await rig.say('budget set 5 month for <#C2>', mia)).failed).toBeUndefined()
    expect((await rig.say('budget set 5 month for @Max', mia)).text).toContain('Max')
    for (const line of [
      'budget set 5 month for <#C3>',
      'budget set 5 month for workspace',
      'budget set 5 month for @Val',
      'team member Research @Val manager',
      'team place Research for workspace',
      'people role Mia admin',
    ])
      expect((await rig.say(line, mia)).failed, line).toBe(true)
    expect((await rig.say('team show Research', people.manager)).text).toBe(teams.notYours('Research'))
  })

  it('loses the link that an admin made in a chat when they are an admin no more', async () => {
    await using rig = await adminRig(server)
    const boss = { id: 'UBOSS', name: 'Boss' }
    await addPerson(rig.database, 'Boss', { role: 'admin', accounts: [slackAccount('UBOSS')] })
    const root = await addPerson(rig.database, 'Root', { role: 'admin' })
    await rig.database.pool.query('insert into installation (one, person_id) values (true, $1)', [root])
    const open = async () => (await rig.database.pool.query('select created_by from invitation')).rows
    expect((await rig.say('people invite Zoe admin', boss)).text).toContain('https://parley.example/invite/')
    expect(await open()).toHaveLength(1)
    await rig.say('people role Boss member')
    expect(await open()).toEqual([])
  })

  it('gives its manager no rights over answers and approvals in places that are not its own', async () => {
    await using rig = await adminRig(server)
    const { mia } = await withTeam(rig)
    const rows = createDirectoryRows(rig.database, [])
    const people = { ...rows, standing: (personId: string) => rows.find({ personId }) }
    const roleIn = async (channelId: string) => {
      const conversation = { platform: 'slack', workspaceId: 'T1', channelId }
      const author = await rig.know(mia, conversation)
      const { settings, admins } = rig.deps
      return roleHere(await grantsOf({ conversation, author }, { settings, admins, people }))
    }
    expect([await roleIn('C2'), await roleIn('C3')]).toEqual(['manager', 'member'])
  })

  it('gives its instructions to answers in its places, and to its members elsewhere, the narrowest last', async () => {
    await using rig = await adminRig(server)
    const { mia } = await withTeam(rig)
    await rig.say('persona instructions for everywhere "Be polite."')
    await rig.say('team instructions Research Name your sources.', mia)
    await rig.say('persona instructions Be brief.', people.member)
    const instructionsFor = async (id: string, channelId: string) => {
      const at = { platform: 'slack', workspaceId: 'T1', channelId }
      const author = await rig.know({ id }, at)
      return (await effectiveFor(rig.deps.settings, spenderOf(at, author))).persona.instructions
    }
    const [all, team, own] = ['Be polite.', 'Name your sources.', 'Be brief.']
    expect(await instructionsFor('USTRANGER', 'C2')).toBe([all, team].join('\n\n'))
    expect(await instructionsFor(people.member.id, 'C1')).toBe([all, team, own].join('\n\n'))
    expect(await instructionsFor('USTRANGER', 'C1')).toBe(all)
  })

  it('ends the rights of its manager at once when they leave', async () => {
    await using rig = await adminRig(server)
    const { mia } = await withTeam(rig)
    expect((await rig.say('budget set 5 month for team:Research', mia)).failed).toBeUndefined()
    await rig.say('team member Research Mia none')
    expect((await rig.say('budget set 6 month for team:Research', mia)).text).toContain(
      permissionWording.callers.manager,
    )
  })
})

describe('the role of a person', () => {
  it('admin holds in chats at once, and ends at once', async () => {
    await using rig = await adminRig(server)
    const { mia } = await withTeam(rig)
    expect((await rig.say('models disable gpt-5 for everywhere', mia)).failed).toBe(true)
    await rig.say('people role Mia admin')
    expect((await rig.say('models disable gpt-5 for everywhere', mia)).failed).toBeUndefined()
    await rig.say('people role Mia member')
    expect((await rig.say('models enable gpt-5 for everywhere', mia)).failed).toBe(true)
  })

  it('viewer reads all amounts and changes nothing', async () => {
    await using rig = await adminRig(server)
    const { val } = await withTeam(rig)
    await rig.say('budget set 7 month for everywhere')
    expect((await rig.say('budget list', val)).text).toContain('$7')
    expect((await rig.say('usage for everywhere', val)).failed).toBeUndefined()
    expect((await rig.say('budget set 8 month for everywhere', val)).failed).toBe(true)
    expect((await rig.say('models disable gpt-5', val)).failed).toBe(true)
  })

  it('disabled leaves no rights', async () => {
    await using rig = await adminRig(server)
    const { mia } = await withTeam(rig)
    await rig.say('people disable Mia')
    expect((await rig.say('budget set 5 month for team:Research', mia)).failed).toBe(true)
  })
})

describe('the budget of a person', () => {
  it('is set by mention or name, named in answers, and read by them as their own', async () => {
    await using rig = await adminRig(server)
    await withTeam(rig)
    expect((await rig.say('budget set 5 month for <@UMEMBER>')).text).toContain('Max')
    expect((await rig.say('budget set 1 day for @max')).text).toContain('Max')
    const own = (await rig.say('budget list', people.member)).text
    expect(own).toContain('- You: $5.00 a month')
    expect(own).not.toContain('person:')
    expect((await rig.say('budget list')).text).toContain('Max')
  })
})

describe('forgetting everywhere', () => {
  it('deletes what a person asked with all linked accounts, after a preview, and nothing of others', async () => {
    await using rig = await adminRig(server)
    await addPerson(rig.database, 'Max', { accounts: [slackAccount(people.member.id), discordAccount('99')] })
    const ask = async (conversation: ConversationRef, id: string) =>
      await rig.deps.turns.accept({
        id: `${conversation.workspaceId}-${id}`,
        conversation,
        author: { id },
        text: 'A secret',
        kind: 'mention',
        attachments: [],
        replyTarget: { conversation, data: null },
        sentAt: '2026-01-01T00:00:00Z',
      })
    const guild = { platform: 'discord', workspaceId: '42', channelId: '7' }
    await ask({ platform: 'slack', workspaceId: 'T1', channelId: 'C9' }, people.member.id)
    await ask(guild, '99')
    await ask({ ...guild, workspaceId: '43' }, '99')
    await ask(guild, '100')
    const left = async () => (await rig.database.pool.query(`select message ->> 'id' as id from inbound`)).rows
    const preview = await rig.say('forget everywhere', people.member)
    expect(preview.text).toContain('3 messages')
    expect(preview.buttons?.[0]?.action).toEqual({ kind: 'command', text: 'forget everywhere --yes' })
    expect(await left()).toHaveLength(4)
    await rig.say('forget everywhere --yes', people.member)
    expect(await left()).toEqual([{ id: '42-100' }])
    expect((await rig.say('forget everywhere', people.member)).text).toBe(
      forgetWording.nothing(forgetWording.allAccounts),
    )
  })
})
