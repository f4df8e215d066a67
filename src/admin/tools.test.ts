/** Servers of tools as commands: who may do what, and what an admin sees before they approve. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { type AdminRig, adminRig, people } from '../../test/fakes/admin.ts'
import type { Author } from '../core/message.ts'
import type { ToolDefinition, ToolServer } from '../core/tool-servers.ts'
import { createToolServers } from '../store/tool-servers.ts'
import { permissionWording } from '../wording/commands.ts'
import { toolCommandWording as wording } from '../wording/tool-servers.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server.dispose())

const files: ToolServer = {
  name: 'files',
  at: { kind: 'stdio', command: 'files', args: [], env: [] },
  ...{ where: ['all'], roles: ['member'], local: false, seconds: 60 },
}
const definition = (name: string, more: Partial<ToolDefinition> = {}): ToolDefinition => ({
  ...{ name, description: `Does ${name}.`, inputSchema: { type: 'object' } },
  annotations: { readOnlyHint: name.startsWith('read') },
  ...more,
})
const list = async (rig: AdminRig, ...tools: ToolDefinition[]) =>
  await createToolServers(rig.database).list(
    'files',
    tools.map((each) => ({ name: each.name, hash: hash(each), definition: each })),
  )
const hash = ({ description = '' }: ToolDefinition) => Buffer.from(description).toString('hex').padEnd(64, '0')

let changes = 0
async function rigWithFiles() {
  const rig = await adminRig(server)
  rig.deps.toolServers.changed = () => {
    changes += 1
  }
  await rig.deps.toolServers.store.add(files, { id: 'test', via: 'test' })
  await list(rig, definition('read_file'), definition('write_file'))
  return rig
}
const states = async (rig: AdminRig) =>
  (await rig.deps.toolServers.store.tools(['files'])).map(({ name, hash, approved }) =>
    approved?.hash === hash ? `${name} ${approved.reads ? 'reads' : 'writes'}` : name,
  )

describe('tools', () => {
  it.each<[string, Author]>([
    ['an admin of the workspace', people.owner],
    ['a manager', people.manager],
    ['a member', people.member],
  ])('are nothing that %s can see or change', async (_who, author) => {
    await using rig = await rigWithFiles()
    for (const line of [
      'tools list',
      'tools show files',
      'tools approve files all',
      'tools revoke files read_file',
      'tools add a https://a.example/mcp',
      'tools remove files --yes',
    ]) {
      expect(await rig.say(line, author), line).toMatchObject({ failed: true, private: true })
    }
    expect(await states(rig)).toEqual(['read_file', 'write_file'])
    expect(await rig.deps.toolServers.store.servers()).toEqual([files])
  })

  it('are approved one by one or together, as reading only where their server says so', async () => {
    await using rig = await rigWithFiles()
    expect((await rig.say('tools list')).text).toContain('0 of 2 tools approved')
    expect((await rig.say('tools approve files write_file as read')).text).toBe(
      wording.doesNotRead('files', 'write_file'),
    )
    expect((await rig.say('tools approve files all as read')).text).toBe(wording.approved('files', ['read_file'], true))
    expect(await states(rig)).toEqual(['read_file reads', 'write_file'])
    expect((await rig.say('tools approve files all as read')).text).toBe(wording.nothingToApprove('files'))
    expect((await rig.say('tools approve files write_file')).text).toBe(
      wording.approved('files', ['write_file'], false),
    )
    expect(await states(rig)).toEqual(['read_file reads', 'write_file writes'])
    expect((await rig.say('tools list')).text).toContain('2 of 2 tools approved')
    await rig.say('tools revoke files read_file')
    expect(await states(rig)).toEqual(['read_file', 'write_file writes'])
    const audit = await rig.deps.audit.list({ limit: 3 })
    expect(audit.map(({ name, by }) => [name, by.id])).toEqual(
      Array.from({ length: 3 }, () => ['tool approval', 'slack/T1/UROOT']),
    )
  })

  it('show what has changed, and the button approves only what was shown', async () => {
    await using rig = await rigWithFiles()
    await rig.say('tools approve files read_file as read')
    await list(
      rig,
      definition('read_file', { description: 'Sends \u202efiles ``` <!channel>' }),
      definition('write_file'),
    )
    expect(await states(rig)).toEqual(['read_file', 'write_file'])
    expect((await rig.say('tools list')).text).toContain('**1 changed and off**')
    const shown = await rig.say('tools show files read_file')
    expect(shown.text).toContain('**Changed: description.** Approved was:\n```\nDoes read_file.\n```')
    expect(shown.text).toContain("```\nSends files ''' <!channel>")
    const [press] = shown.buttons ?? []
    const text = press?.action.kind === 'command' ? press.action.text : ''
    // As Discord counts it.
    expect(`command:${text}`.length).toBeLessThanOrEqual(100)
    await list(rig, definition('read_file', { description: 'Deletes files.' }))
    expect((await rig.say(text)).text).toBe(wording.changedMeanwhile('files'))
    const again = (await rig.say('tools show files read_file')).buttons?.[0]
    await rig.say(again?.action.kind === 'command' ? again.action.text : '')
    expect(await states(rig)).toEqual(['read_file reads'])
  })

  it('that a server does not list any more keep their approval for when it does; others are forgotten', async () => {
    await using rig = await rigWithFiles()
    await rig.say('tools approve files read_file as read')
    await list(rig)
    expect((await rig.say('tools show files')).text).toBe('- `read_file`: not offered by its server any more')
    await list(rig, definition('read_file'))
    expect((await rig.say('tools show files')).text).toBe('- `read_file`: approved as reading')
  })

  it('of a new server by its address; a program takes the terminal of the machine', async () => {
    await using rig = await rigWithFiles()
    const before = changes
    expect((await rig.say('tools add tickets <https://tickets.example/mcp> for channel')).text).toBe(
      wording.added('tickets'),
    )
    expect((await rig.say('tools add tickets https://tickets.example/mcp')).text).toBe(wording.taken('tickets'))
    expect((await rig.say('tools add other https://me:secret@tickets.example/mcp')).text).toBe(wording.badAddress)
    expect((await rig.say('tools add Other_1 https://tickets.example/mcp')).text).toBe(wording.badName)
    expect((await rig.say('tools add shell "sh -c id"')).text).toBe(wording.programsInTerminal)
    expect(await rig.deps.toolServers.store.servers()).toEqual([
      files,
      {
        ...files,
        name: 'tickets',
        at: { kind: 'http', url: 'https://tickets.example/mcp' },
        where: ['channel:slack/T1/C1'],
        roles: ['member', 'manager', 'admin'],
      },
    ])
    const asked = await rig.say('tools remove tickets')
    expect(asked.text).toBe(wording.askRemove('tickets'))
    expect((await rig.say('tools remove tickets --yes')).text).toBe(wording.removed('tickets'))
    expect((await rig.say('tools remove tickets --yes')).text).toBe(wording.noServer('tickets', ['files']))
    expect(changes - before).toBe(2)
  })

  it('name who may change them', async () => {
    await using rig = await rigWithFiles()
    expect((await rig.say('tools list', people.member)).text).toBe(permissionWording.command('tools list', 'admin'))
  })
})
