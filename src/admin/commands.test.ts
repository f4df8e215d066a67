import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { adminRig, here, localModels, people } from '../../test/fakes/admin.ts'
import { silentLog } from '../core/log.ts'
import { reference } from './reference.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server.dispose())

const { root, owner, manager, member } = people

/** Lines that work, and what is answered; each on a fresh database. */
const good: [line: string, answer: RegExp][] = [
  ['', /Type one of these after `\/parley`.*`\/parley help <command>`/s],
  ['help', /`models` list · enable · disable/],
  ['/parley help models pin', /models pin <model> \[for\].*For everybody.*`\/parley models pin gpt-5-mini`/s],
  ['help policy', /`policy local-only <on\|off> \[for\]`/],
  ['models', /4 models:.*`gpt-5-mini`: \*\*default\*\*, openai, medium, sees pictures.*\$0\.25 in, \$2 out/s],
  ['models list local', /2 models of 4:\n\n- `llama3\.2`: local, small/],
  ['models disable gpt-5', /`gpt-5` does not answer everywhere any more/],
  ['Models Disable openai/gpt-5 for channel', /`gpt-5` does not answer for this channel any more/],
  ['models disable gpt-5 --for=workspace', /for this workspace any more/],
  ['models disable gpt-5 --for <#C2|random>', /for <#C2> any more/],
  ['models pin GPT-5', /`gpt-5` is asked first for you/],
  ['models pin gpt-5 for <@UMEMBER>', /`gpt-5` is asked first for <@UMEMBER>/],
  ['models default auto', /No default is set everywhere/],
  ['models alias fast gpt-5-mini', /`fast` now means `gpt-5-mini`/],
  ['models price gpt-5', /`gpt-5`: \$0\.25 in, \$2 out per million tokens/],
  ['policy local-only on', /Only models on own hardware answer everywhere from now on/],
  ['policy local-only yes for channel:slack/T9/C9', /for the channel slack\/T9\/C9/],
  ['policy models gpt-5, llama3.2', /Only `openai\/gpt-5` and `ollama\/llama3\.2` may answer everywhere/],
  ['policy models channel gpt-5', /Only `openai\/gpt-5` may answer for this channel/],
  ['policy', /What holds for you here/],
  ['budget', /No budgets are set\. `\/parley budget set workspace 100 month` sets one/],
  [
    'budget set channel 20 month',
    /^This channel: \$20\.00 a month\. Spent \$0, left \$20\.00; it resets on .* at 00:00 \(UTC\)$/,
  ],
  ['budget set for channel --amount 20 --period month', /This channel: \$20\.00 a month/],
  ['budget set <@U9> $1.50 day', /^<@U9>: \$1\.50 a day/],
  ['budget set everywhere 0,50 week', /Everywhere: \$0\.50 a week/],
  ['budget set model:gpt-5 5 day', /The model gpt-5: \$5\.00 a day/],
  ['budget remove channel month', /This channel has no budget for a month\. `\/parley budget list`/],
  ['limits set rate 10 channel', /At most 10 questions a minute for this channel/],
  ['limits set turns off', /No limit on answers at the same time everywhere any more/],
  ['limits', /No limits are set by command here/],
  ['timezone Europe/Berlin', /Days begin by Europe\/Berlin everywhere: it is .*\(Europe\/Berlin\)/],
  ['timezone', /Days begin by UTC/],
  ['alerts', /Alerts are told nowhere/],
  ['alerts here', /come here from now on/],
  ['alerts show', /Alerts are told nowhere/],
  ['roles', /owners, and nobody else\n- Managers of this channel: <@UMANAGER>/],
  ['roles set <@U7|eve> manager', /<@U7> is now manager of this channel/],
  ['roles set <@U7> admin', /<@U7> is now admin of this workspace/],
  ['roles set <@UMANAGER> member', /<@UMANAGER> is no manager of this channel any more/],
  ['roles set <@U7> admin everywhere', /<@U7> is now admin of everywhere/],
  ['audit', /changed `roles` for this channel from nothing to “UMANAGER manager”/],
  ['budget show', /No budgets are set/],
  ['persona list', /Nothing special is set/],
  ['keys', /There are no keys/],
  ['keys create website 20 month', /may spend \$20\.00 a month\. Keep it now.*`parley-[\w-]{43}`/s],
  ['persona', /Nothing special is set/],
  ['persona instructions Be brief. Cite pages.', /Noted for you: “Be brief\. Cite pages\.”/],
  ['persona instructions channel "Be brief."', /Noted for this channel: “Be brief\.”/],
  ['persona language "Brazilian Portuguese" for channel', /answers in Brazilian Portuguese for this channel/],
  ['persona temperature 0.2', /The temperature is 0\.2 for you/],
  ['persona clear language', /Nothing was set for you/],
  ['templates', /No templates are saved/],
  [
    'templates save summary Summarise {{document}} in five lines.',
    /Saved for you\. To use it: `\/parley templates use summary document=…`/,
  ],
]

/** Lines that do not, and how they are mended. */
const bad: [line: string, answer: RegExp][] = [
  ['modles list', /no command `modles`\. Did you mean `models`\?/],
  ['weather', /no command `weather`\. `\/parley help` lists all/],
  ['models lsit', /`models` has no `lsit`\. Did you mean `\/parley models list`\?/],
  ['models fly', /`models` has no `fly`\. It has `list`, `enable`/],
  ['models disable', /wants the model .*For example: `\/parley models disable gpt-5-mini`/],
  ['models disable gpt-5-mimi', /No model is called “gpt-5-mimi”\. Did you mean openai\/gpt-5-mini/],
  ['models pin gpt-5 gpt-5-mini', /channel, workspace, everywhere, me, or a mention/],
  ['models unpin channel now', /`now` is one word too many/],
  ['models pin gpt-5 --loud', /has no `--loud`/],
  ['models pin gpt-5 --for', /`--for` wants a value/],
  ['models alias two words gpt-5', /`gpt-5` is one word too many/],
  ['models alias gpt-5 gpt-5-mini', /is itself a model/],
  ['models price gpt-5 cheap 2', /the input must be an amount in USD, such as 20 or 0\.50, not `cheap`/],
  ['models price gpt-5 1', /A price is two amounts/],
  ['policy local-only maybe', /the state must be on or off, not `maybe`/],
  ['policy guests refsue', /the what must be one of answer, refuse, not `refsue`\. Did you mean `refuse`\?/],
  ['policy local-only on for space', /channel, workspace, everywhere, me/],
  ['budget set channel twenty month', /the amount must be an amount in USD, such as 20 or 0\.50, not `twenty`/],
  ['budget set channel 20', /`budget set`: it wants the period/],
  ['budget set channel 20 fortnight', /the period must be one of day, week, month, not `fortnight`/],
  ['budget set key:nobody 20 month', /no key `nobody`/],
  ['budget set channel -5 month', /the amount must be an amount in USD/],
  ['limits set rate 0 channel', /a whole number from 1, or off, not `0`/],
  ['timezone Mars/Olympus', /no time zone/],
  ['roles set <@U7> manager workspace', /Managers are of a channel/],
  ['keys create "my site" 5 day', /one word/],
  ['keys revoke nobody', /No key in use is called `nobody`/],
  ['persona temperature 3', /a number from 0 to 2/],
  ['persona length 2', /a whole number from 16 to 100,000/],
  ['templates use nothing', /no template `nothing` here/],
  ['templates save {{x}} y', /A template's name is one word/],
  ['help modesl', /Did you mean `\/parley help models`\?/],
]

describe('a command line', () => {
  it.for(good)('%j works', async ([line, answer]) => {
    await using rig = await adminRig(server)
    expect((await rig.say(line)).text).toMatch(answer)
  })

  it('that does not is mended, and changes nothing', async () => {
    await using rig = await adminRig(server)
    for (const [line, answer] of bad) {
      const notice = await rig.say(line)
      expect(notice.text, line).toMatch(answer)
      expect(notice.private, line).toBe(true)
    }
    expect(await rig.deps.audit.list({ limit: 5 })).toHaveLength(1)
  })

  it('every example of the table works for who may call it', async () => {
    const ran: unknown[] = []
    const log = { ...silentLog, info: (fields: object) => void ran.push(fields) }
    await using rig = await adminRig(server, { log, local: localModels() })
    for (const { name, examples } of rig.commands.commands)
      for (const line of examples) {
        for (const before of needs(line)) await rig.say(before)
        const { text } = await rig.say(line)
        expect(ran.at(-1), `${line}: ${text}`).toMatchObject({ command: name })
        ran.length = 0
      }
  })

  it('docs/COMMANDS.md tells the table as it is', async () => {
    await using rig = await adminRig(server)
    await expect(reference(rig.commands.commands)).toMatchFileSnapshot('../../docs/COMMANDS.md')
  })

  it('is limited in length, and what is odd in it does no harm', async () => {
    await using rig = await adminRig(server)
    expect((await rig.say(`help ${'x'.repeat(20_000)}`)).text).toMatch(/at most 12,000 characters/)
    expect((await rig.say('__proto__ constructor')).text).toMatch(/no command/)
    expect((await rig.say('models pin gpt-5 --constructor x')).text).toMatch(/has no `--constructor`/)
    expect((await rig.say('models alias __proto__ gpt-5')).text).toMatch(/one word/)
  })
})

/** What has to be there for an example to work. */
function needs(line: string): string[] {
  if (line.startsWith('models unalias')) return ['models alias fast gpt-5-mini']
  if (line.startsWith('keys revoke')) return ['keys create website 20 month']
  if (line.startsWith('keys create')) return ['keys revoke website']
  if (line.startsWith('templates use')) return ['templates save summary Summarise {{document}}.']
  if (/^models (?:test|compare)/.test(line))
    return ['models enable gpt-5-mini', 'models enable gpt-5-mini for channel', 'policy local-only off']
  if (/^budget (?:remove|grant)/.test(line)) return ['budget set channel 20 month']
  return []
}

describe('who may', () => {
  const lines = {
    'models list': 'everybody',
    'models pin gpt-5': 'everybody',
    'policy show': 'everybody',
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
    'budget list': 'everybody',
    'budget set channel 5 day': 'manager',
    'budget set workspace 5 day': 'owner',
    'budget set <@U9> 5 day': 'owner',
    'budget set model:gpt-5 5 day': 'root',
    'budget grant workspace 5 day': 'owner',
    'limits set rate 5 channel': 'manager',
    'limits set rate 5 workspace': 'owner',
    timezone: 'everybody',
    'timezone UTC for channel': 'manager',
    'alerts here for channel': 'manager',
    'alerts here for workspace': 'owner',
    'roles list': 'everybody',
    'roles set <@U9> manager': 'owner',
    'roles set <@U9> admin everywhere': 'root',
    'audit channel': 'manager',
    'audit workspace': 'owner',
    'audit everywhere': 'root',
    'keys list': 'root',
    'keys create site 5 day': 'root',
    'persona instructions me Be brief.': 'everybody',
    'persona instructions channel Be brief.': 'manager',
    'persona instructions workspace Be brief.': 'owner',
    'persona instructions <@U9> Be brief.': 'owner',
    'templates save me1 Hello.': 'everybody',
    'templates save everybodys workspace Hello.': 'owner',
  }
  const ranks = { everybody: 0, manager: 1, owner: 2, root: 3 }
  it.for(Object.entries(lines))('%s: %s', async ([line, least]) => {
    await using rig = await adminRig(server)
    for (const [who, person] of Object.entries({ everybody: member, manager, owner, root })) {
      const { text } = await rig.say(line, person)
      const allowed = ranks[who as keyof typeof ranks] >= ranks[least as keyof typeof ranks]
      if (allowed) expect(text, who).not.toMatch(/only\. Ask one of them|is for/)
      else expect(text, who).toMatch(/(?:only|is for .*)\. Ask one of them; `\/parley roles list` names them/)
    }
  })

  it('a manager manages no other channel', async () => {
    await using rig = await adminRig(server)
    expect((await rig.say('policy local-only on', manager)).text).toMatch(/for this channel/)
    expect((await rig.say('policy local-only on', manager, { channelId: 'C2' })).text).toMatch(/is for managers/)
  })
})

describe('a change', () => {
  it('has its effect once and one answer, however often it is delivered', async () => {
    await using rig = await adminRig(server)
    const first = await rig.say('models disable gpt-5', root, { id: 'E1' })
    await rig.say('models enable gpt-5')
    expect(await rig.say('models disable gpt-5', root, { id: 'E1' })).toEqual(first)
    expect((await rig.say('models list')).text).not.toMatch(/\*\*off/)
  })

  it('says by whom in the audit log', async () => {
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
  it('knows models, aliases, places and choices, within 10 ms', async () => {
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
    const began = performance.now()
    for (let n = 0; n < 20; n += 1) await suggest(call, 'models pin', 'model', 'gpt')
    expect((performance.now() - began) / 20).toBeLessThan(10)
  })
})
