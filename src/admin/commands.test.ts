import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { type AdminRig, adminRig, here, localModels, people } from '../../test/fakes/admin.ts'
import { knowBlobs } from '../../test/fixtures/blobs.ts'
import { call, cost, scopesFor } from '../../test/ledger-rig.ts'
import { addPerson, slackAccount } from '../../test/people.ts'
import { shareFiles } from '../../test/share-files.ts'
import { silentLog } from '../core/log.ts'
import { usd } from '../core/money.ts'
import type { Period } from '../core/window.ts'
import {
  alertWording,
  auditWording,
  helpWording,
  limitWording,
  permissionWording,
  personaWording,
  roleWording,
  commandWording as say,
  templateWording,
  timeZoneWording,
} from '../wording/commands.ts'
import { modelWording, policyWording } from '../wording/commands-models.ts'
import { budgetWording, keyWording } from '../wording/commands-money.ts'
import { reference } from './commands/help.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server.dispose())

const { root, owner, manager, member } = people

const wanted = say.wanted
const noSpending = { spent: 0n, reserved: 0n, extra: 0n }
/** The answer up to the time of the reset. */
const budgetSet = (who: string, amount: string, period: Period) =>
  budgetWording.set(who, { ...noSpending, amount: usd(amount), left: usd(amount), period }, null, '')
const price = '$0.25 in, $2 out per million tokens'

/** Lines that work, and a part of the answer; each on a fresh database. */
const good: [line: string, answer: string][] = [
  ['', helpWording.overview(['']).split('\n\n')[0] ?? ''],
  ['help', '`models` list · enable · disable'],
  ['/parley help models pin', helpWording.examples(['models pin gpt-5-mini', 'models pin gpt-5-mini for channel'])],
  ['help usage', `\`[user|channel|model]\`${helpWording.optional}: How to split it`],
  ['help models pin', '**`models pin <model> [for <place>]`**'],
  ['help policy', '`policy local-only <on|off> [for <place>]`'],
  ['help budget set', '**`budget set <amount> <day|week|month> for <place>`**'],
  ['models', modelWording.list(4, undefined, [])],
  ['models', `\`gpt-5-mini\`: **default**, openai, medium, ${modelWording.facts.vision}`],
  ['models', price],
  ['models list local', `${modelWording.list(2, 4, [])}- \`llama3.2\`: local, small`],
  ['models disable gpt-5', modelWording.disabled('gpt-5', 'everyone')],
  ['Models Disable openai/gpt-5 for channel', modelWording.disabled('gpt-5', 'this channel')],
  ['models disable gpt-5 --for=workspace', modelWording.disabled('gpt-5', 'this workspace')],
  ['models disable gpt-5 --for <#C2|random>', modelWording.disabled('gpt-5', '<#C2>')],
  ['models pin GPT-5', modelWording.pinned('gpt-5', 'you')],
  ['models pin gpt-5 for <@UMEMBER>', modelWording.pinned('gpt-5', '<@UMEMBER>')],
  ['models default auto', modelWording.noDefault('everyone', null)],
  ['models alias fast gpt-5-mini', modelWording.alias('fast', 'gpt-5-mini', null)],
  ['models price gpt-5', `\`gpt-5\`: ${price}`],
  ['models price llama3.2 --per-hour 2', modelWording.priceSource.admin],
  ['policy local-only on', policyWording.localOnly('everyone')],
  ['policy local-only yes for channel:slack/T9/C9', policyWording.localOnly('the channel slack/T9/C9')],
  ['policy models gpt-5, llama3.2', policyWording.allowed('everyone', ['openai/gpt-5', 'ollama/llama3.2'])],
  ['policy models channel gpt-5', policyWording.allowed('this channel', ['openai/gpt-5'])],
  ['policy guests refuse for channel', policyWording.guests('this channel', 'refuse')],
  ['policy', policyWording.heading],
  ['budget', budgetWording.none],
  ['budget set channel 20 month', budgetSet('this channel', '20', 'month')],
  ['budget set channel 20 month', 'at 00:00 (UTC)'],
  ['budget set for channel --amount 20 --period month', budgetSet('this channel', '20', 'month')],
  ['budget set 20 month for channel', budgetSet('this channel', '20', 'month')],
  ['budget set 20 for channel month', budgetSet('this channel', '20', 'month')],
  ['budget set for channel 20 month', budgetSet('this channel', '20', 'month')],
  ['budget set 20 month channel', budgetSet('this channel', '20', 'month')],
  ['budget set <@U9> $1.50 day', budgetSet('<@U9>', '1.50', 'day')],
  ['budget set everywhere 0,50 week', budgetSet('everyone', '0.50', 'week')],
  ['budget set model:gpt-5 5 day', budgetSet('the model GPT-5', '5', 'day')],
  ['budget remove channel month', budgetWording.missing('this channel', 'month')],
  ['limits set rate 10 channel', limitWording.set('this channel', 'rate', 10, null)],
  ['limits set turns off', limitWording.removed('everyone', 'turns', null)],
  ['limits', limitWording.none],
  ['timezone Europe/Berlin', timeZoneWording.set('everyone', 'Europe/Berlin')],
  ['timezone', timeZoneWording.current('UTC')],
  ['alerts', alertWording.off],
  ['alerts here', alertWording.here('everyone')],
  ['alerts off', alertWording.wasOff('everyone')],
  ['alerts show', alertWording.off],
  ['roles', `${roleWording.workspace([], true)}\n- ${roleWording.channel(['<@UMANAGER>'])}`],
  ['roles set <@U7|eve> manager', roleWording.set('U7', 'manager', 'this channel')],
  ['roles set <@U7> admin', roleWording.set('U7', 'admin', 'this workspace')],
  ['roles set <@UMANAGER> member', roleWording.removed('UMANAGER', 'manager', 'this channel')],
  ['roles set <@U7> admin everywhere', roleWording.set('U7', 'admin', 'everyone')],
  ['audit', auditWording.change('roles', 'this channel', null, { UMANAGER: 'manager' })],
  ['budget show', budgetWording.none],
  ['persona list', personaWording.none],
  ['keys', keyWording.none],
  ['keys create website 20 month', keyWording.created('website', usd('20'), 'month')],
  ['persona', personaWording.none],
  ['persona instructions Be brief. Cite pages.', personaWording.instructions('you', 'Be brief. Cite pages.', null)],
  ['persona instructions channel "Be brief."', personaWording.instructions('this channel', 'Be brief.', null)],
  [
    'persona language "Brazilian Portuguese" for channel',
    personaWording.language('this channel', 'Brazilian Portuguese'),
  ],
  ['persona temperature 0.2', personaWording.temperature('you', 0.2)],
  ['persona clear language', personaWording.nothingSet('you')],
  ['templates', templateWording.none],
  [
    'templates save summary Summarize {{document}} in five lines.',
    templateWording.saved('you', '/parley templates use summary document=…', false),
  ],
]

/** Lines that do not work, and a part of the answer, which says how to correct them. */
const bad: [line: string, answer: string][] = [
  ['modles list', `${say.noCommand('modles')} ${say.didYouMean('models')}`],
  ['weather', `${say.noCommand('weather')} ${say.listAll}`],
  ['models lsit', `${say.noSubcommand('models', 'lsit')} ${say.didYouMean('/parley models list')}`],
  ['models fly', `${say.noSubcommand('models', 'fly')} It has \`list\`, \`enable\``],
  ['models disable', say.example('models disable gpt-5-mini')],
  ['models disable', say.missing('model', 'A model, by name or alias')],
  ['models disable gpt-5-mimi', 'openai/gpt-5-mini'],
  ['models pin gpt-5 gpt-5-mini', say.mustBe('for', wanted.place, 'gpt-5-mini')],
  ['models unpin channel now', say.unexpected('now')],
  ['models pin gpt-5 --loud', say.noOption('loud')],
  ['models pin gpt-5 --for', say.optionNeedsValue('for')],
  ['models alias two words gpt-5', say.unexpected('gpt-5')],
  ['models alias gpt-5 gpt-5-mini', modelWording.aliasIsModel('gpt-5')],
  ['models price gpt-5 cheap 2', say.mustBe('input', wanted.usd, 'cheap')],
  ['models price gpt-5 1', modelWording.notAPrice],
  ['policy local-only maybe', say.mustBe('state', wanted.onOff, 'maybe')],
  [
    'policy guests refsue',
    `${say.mustBe('what', wanted.oneOf(['answer', 'refuse']), 'refsue')}. ${say.didYouMean('refuse')}`,
  ],
  ['policy local-only on for space', say.mustBe('for', wanted.place, 'space')],
  ['budget set channel twenty month', say.mustBe('amount', wanted.usd, 'twenty')],
  ['budget set channel 20', say.missing('period', 'How often it resets')],
  ['budget set channel 20 fortnight', say.mustBe('period', wanted.oneOf(['day', 'week', 'month']), 'fortnight')],
  ['budget set key:nobody 20 month', keyWording.unknown('nobody')],
  ['budget set channel -5 month', say.mustBe('amount', wanted.usd, '-5')],
  ['limits set rate 0 channel', limitWording.notALimit('0')],
  ['timezone Mars/Olympus', timeZoneWording.unknown('Mars/Olympus')],
  ['roles set <@U7> manager workspace', roleWording.managersAreOfChannels],
  ['keys create "my site" 5 day', keyWording.notOneWord('my site')],
  ['keys revoke nobody', keyWording.unknown('nobody')],
  ['persona temperature 3', wanted.between(false, 0, 2)],
  ['persona length 2', wanted.between(true, 16, 100_000)],
  ['templates use nothing', templateWording.unknown('nothing')],
  ['templates save {{x}} y', templateWording.notOneWord('{{x}}')],
  ['help modesl', say.didYouMean('/parley help models')],
]

/** A server of tools. */
async function offerFiles({ deps }: AdminRig): Promise<void> {
  const { store } = deps.toolServers
  const at = { kind: 'http' as const, url: 'https://files.example/mcp' }
  const by = { id: 'test', via: 'test' }
  await store.add({ name: 'files', at, where: ['all'], roles: ['member'], local: false, seconds: 60 }, by)
  const tools = ['read_text_file', 'list_directory', 'write_file'].map((name) => {
    const annotations = { readOnlyHint: name !== 'write_file' }
    return { name, hash: name, definition: { name, inputSchema: {}, annotations } }
  })
  await store.list('files', tools)
}

describe('a command line', () => {
  it.for(good)('%j works', async ([line, answer]) => {
    await using rig = await adminRig(server)
    expect((await rig.say(line)).text).toContain(answer)
  })

  it('with a mistake gets an example that works, and changes nothing', async () => {
    await using rig = await adminRig(server)
    for (const [line, answer] of bad) {
      const notice = await rig.say(line)
      expect(notice.text, line).toContain(answer)
      expect(notice.private, line).toBe(true)
    }
    expect(await rig.deps.audit.list({ limit: 5 })).toHaveLength(1)
  })

  it('runs every example of the table', async () => {
    const ran: unknown[] = []
    const log = { ...silentLog, info: (fields: object) => void ran.push(fields) }
    await using rig = await adminRig(server, { log, local: localModels() })
    const paid = call(usd('950'), { id: '1f0c9a52-0000-4000-8000-000000000000' })
    await rig.deps.ledger.reserve(paid, scopesFor(paid), { leaseMs: 60_000 })
    await rig.deps.ledger.settle(paid.id, cost(usd('950')))
    const ann = await addPerson(rig.database, 'Ann', { accounts: [slackAccount('U123')] })
    await rig.deps.teams.create('Research', { id: 'test', via: 'test' })
    await addPerson(rig.database, 'Root', { accounts: [slackAccount(people.root.id)] })
    await rig.database.prisma.installation.create({ data: { personId: ann } })
    const shared = { contentHash: 'a'.repeat(64), engine: 'pdf-1' }
    await knowBlobs(rig.database.pool, shared.contentHash)
    await shareFiles(rig.database, [shared], { names: ['price list.pdf'], conversation: here })
    await offerFiles(rig)
    for (const { name, examples } of rig.commands.commands)
      for (const line of examples) {
        for (const before of needs(line)) await rig.say(before)
        const { text } = await rig.say(line)
        expect(ran.at(-1), `${line}: ${text}`).toMatchObject({ command: name })
        ran.length = 0
      }
  })

  it('docs/COMMANDS.md is up to date', async () => {
    await using rig = await adminRig(server)
    await expect(reference(rig.commands.commands)).toMatchFileSnapshot('../../docs/COMMANDS.md')
  })

  it('is limited in length, and survives hostile input', async () => {
    await using rig = await adminRig(server)
    expect((await rig.say(`help ${'x'.repeat(20_000)}`)).text).toBe(say.tooLong(12_000))
    expect((await rig.say('__proto__ constructor')).text).toContain(say.noCommand('__proto__'))
    expect((await rig.say('models pin gpt-5 --constructor x')).text).toContain(say.noOption('constructor'))
    expect((await rig.say('models alias __proto__ gpt-5')).text).toBe(modelWording.aliasNotOneWord('__proto__'))
  })
})

/** Lines to run before an example so that it works. */
function needs(line: string): string[] {
  if (line.startsWith('models unalias')) return ['models alias fast gpt-5-mini']
  if (/^keys revoke|^budget bookings key/.test(line)) return ['keys create website 20 month']
  if (line.startsWith('keys create')) return ['keys revoke website']
  if (/^collections .* 2$/.test(line))
    return ['learn https://docs.example.com/ as handbook', 'learn https://www.example.com/ as handbook']
  if (line.startsWith('collections share handbook for <#C123>')) return ['collections share handbook for <#C123>']
  if (line.startsWith('templates use')) return ['templates save summary Summarize {{document}}.']
  if (/^models (?:test|compare)/.test(line))
    return ['models enable gpt-5-mini', 'models enable gpt-5-mini for channel', 'policy local-only off']
  if (/^budget (?:remove|grant)/.test(line)) return ['budget set channel 20 month']
  return []
}

describe('permissions', () => {
  const lines = {
    'models list': 'member',
    'models pin gpt-5': 'member',
    'policy show': 'member',
    'policy local-only on for channel': 'manager',
    'policy local-only on': 'manager',
    'models pin gpt-5 for channel': 'manager',
    'policy local-only on for workspace': 'owner',
    'policy local-only on for <#C2>': 'owner',
    'models pin gpt-5 for <@UOTHER>': 'owner',
    'policy local-only on for everywhere': 'root',
    'policy local-only on for workspace:slack/T2': 'root',
    'models price gpt-5 1 2': 'root',
    'models alias fast gpt-5': 'root',
    'budget list': 'member',
    'budget set channel 5 day': 'manager',
    'budget set workspace 5 day': 'owner',
    'budget set <@U9> 5 day': 'owner',
    'budget set model:gpt-5 5 day': 'root',
    'budget grant workspace 5 day': 'owner',
    'limits set rate 5 channel': 'manager',
    'limits set rate 5 workspace': 'owner',
    timezone: 'member',
    'timezone UTC for channel': 'manager',
    'alerts here for channel': 'manager',
    'alerts here for workspace': 'owner',
    'roles list': 'member',
    'roles set <@U9> manager': 'owner',
    'roles set <@U9> admin everywhere': 'root',
    'audit channel': 'manager',
    'audit workspace': 'owner',
    'audit everywhere': 'root',
    'keys list': 'root',
    'keys create site 5 day': 'root',
    'persona instructions me Be brief.': 'member',
    'persona instructions channel Be brief.': 'manager',
    'persona instructions workspace Be brief.': 'owner',
    'persona instructions <@U9> Be brief.': 'owner',
    'templates save me1 Hello.': 'member',
    'templates save team1 workspace Hello.': 'owner',
  }
  const ranks = { member: 0, manager: 1, owner: 2, root: 3 }
  it.for(Object.entries(lines))('%s: %s', async ([line, least]) => {
    await using rig = await adminRig(server)
    for (const [who, person] of Object.entries({ member, manager, owner, root })) {
      const { text } = await rig.say(line, person)
      const allowed = ranks[who as keyof typeof ranks] >= ranks[least as keyof typeof ranks]
      if (allowed) expect(text, who).not.toContain(permissionWording.askThem)
      else expect(text, who).toContain(permissionWording.askThem)
    }
  })

  it('a manager cannot change another channel', async () => {
    await using rig = await adminRig(server)
    expect((await rig.say('policy local-only on', manager)).text).toContain(policyWording.localOnly('this channel'))
    expect((await rig.say('policy local-only on', manager, { channelId: 'C2' })).text).toBe(
      permissionWording.command('policy local-only', 'manager'),
    )
  })
})

describe('the admins of a workspace', () => {
  const listOn = async (rig: Awaited<ReturnType<typeof adminRig>>, platform: string) => {
    const conversation = { ...here, platform }
    const target = { conversation, data: null }
    const call = { id: platform, conversation, author: member, text: 'roles list', replyTarget: target }
    return (await rig.commands.command(call)).text
  }

  it('are its owners only where the platform says who they are', async () => {
    await using rig = await adminRig(server)
    expect(await listOn(rig, 'slack')).toContain('Admins of this workspace: its owners')
    expect(await listOn(rig, 'teams')).toContain('Admins of this workspace: none. An admin of the whole installation')
    await rig.deps.settings.change('workspace:teams/T1', 'roles', () => ({ U7: 'admin' }), { id: 'a', via: 'test' })
    const named = 'Admins of this workspace: <@U7>\n'
    const conversation = { ...here, platform: 'teams' }
    const again = {
      id: 'again',
      conversation,
      author: member,
      text: 'roles',
      replyTarget: { conversation, data: null },
    }
    expect((await rig.commands.command(again)).text).toContain(named)
  })
})

describe('a change', () => {
  it('runs once and gets one answer, however often it is delivered', async () => {
    await using rig = await adminRig(server)
    const first = await rig.say('models disable gpt-5', root, { id: 'E1' })
    await rig.say('models enable gpt-5')
    expect(await rig.say('models disable gpt-5', root, { id: 'E1' })).toEqual(first)
    expect((await rig.say('models list')).text).not.toMatch(/\*\*off/)
  })

  it('is in the audit log with the person who made it', async () => {
    await using rig = await adminRig(server)
    await rig.say('policy local-only on for channel', manager)
    const [entry] = await rig.deps.audit.list({ scopes: ['channel:slack/T1/C1'], limit: 1 })
    expect(entry).toMatchObject({
      by: { id: 'slack/T1/UMANAGER', name: 'Mara', via: 'command' },
      name: 'policy.localOnly',
    })
  })
})

describe('completion', () => {
  it('names keys only to their owners and to admins', async () => {
    await using rig = await adminRig(server)
    await rig.say('keys create website 20 month')
    const named = (author: { id: string }) =>
      rig.commands.suggest({ conversation: here, author }, 'keys revoke', 'name', '')
    expect(await named(root)).toEqual(['website'])
    expect(await named(member)).toEqual([])
    const personId = await addPerson(rig.database, 'Ann')
    expect(await named({ ...member, personId } as typeof member)).toEqual([])
  })

  it('suggests models, aliases, places and choices', async () => {
    await using rig = await adminRig(server)
    await rig.say('models alias fast gpt-5-mini')
    const call = { conversation: here, author: member }
    const { suggest } = rig.commands
    expect(await suggest(call, 'models pin', 'model', 'gpt')).toEqual(['gpt-5-mini', 'gpt-5'])
    expect(await suggest(call, 'models pin', 'model', 'mini')).toEqual(['gpt-5-mini'])
    expect(await suggest(call, 'models pin', 'model', 'fa')).toEqual(['fast'])
    expect(await suggest(call, 'models pin', 'for', '')).toEqual(['channel', 'workspace', 'everywhere', 'me'])
    expect(await suggest(call, 'policy local-only', 'state', 'o')).toEqual(['on', 'off'])
    expect(await suggest(call, 'help', 'command', 'pol')).toContain('policy local-only')
    expect(await suggest(call, 'nothing', 'model', '')).toEqual([])
  })
})
