import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { adminRig, here, people } from '../../test/fakes/admin.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server.dispose())

const { root, owner, manager, member } = people

/** Lines that work, and what is answered; each on a fresh database. */
const good: [line: string, answer: RegExp][] = [
  ['', /Type one of these.*`help <command>`/s],
  ['help', /`models` list · enable · disable/],
  ['/parley help models pin', /models pin <model> \[for\].*For everybody.*`models pin gpt-5-mini`/s],
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
]

/** Lines that do not, and how they are mended. */
const bad: [line: string, answer: RegExp][] = [
  ['modles list', /no command `modles`\. Did you mean `models`\?/],
  ['weather', /no command `weather`\. `help` lists all/],
  ['models lsit', /`models` has no `lsit`\. Did you mean `models list`\?/],
  ['models fly', /`models` has no `fly`\. It has `list`, `enable`/],
  ['models disable', /wants the model .*For example: `models disable gpt-5-mini`/],
  ['models disable gpt-5-mimi', /No model is called “gpt-5-mimi”\. Did you mean openai\/gpt-5-mini/],
  ['models pin gpt-5 gpt-5-mini', /channel, workspace, everywhere, me, or a mention/],
  ['models unpin channel now', /`now` is one word too many/],
  ['models pin gpt-5 --loud', /has no `--loud`/],
  ['models pin gpt-5 --for', /`--for` wants a value/],
  ['models alias two words gpt-5', /`gpt-5` is one word too many/],
  ['models alias gpt-5 gpt-5-mini', /is itself a model/],
  ['models price gpt-5 cheap 2', /the input is an amount in USD, such as 20 or 0\.50, not `cheap`/],
  ['models price gpt-5 1', /A price is two amounts/],
  ['policy local-only maybe', /the state is on or off, not `maybe`/],
  ['policy outsiders refsue', /the what is one of answer, refuse, not `refsue`\. Did you mean `refuse`\?/],
  ['policy search on for space', /channel, workspace, everywhere, me/],
  ['help modesl', /Did you mean `help models`\?/],
]

describe('a command line', () => {
  it.for(good)('%j works', async ([line, answer]) => {
    await using rig = await adminRig(server)
    expect((await rig.say(line)).text).toMatch(answer)
  })

  it.for(bad)('%j is mended', async ([line, answer]) => {
    await using rig = await adminRig(server)
    const notice = await rig.say(line)
    expect(notice.text).toMatch(answer)
    expect(notice.private).toBe(true)
    expect(await rig.deps.audit.list({ limit: 5, workspace: 'workspace:slack/T2' })).toEqual([])
  })

  it('every example of the table works for who may call it', async () => {
    await using rig = await adminRig(server)
    for (const { examples } of rig.commands.commands)
      for (const line of examples) {
        // What an example takes away or goes back to was set before.
        if (/unalias/.test(line)) await rig.say('models alias fast gpt-5-mini')
        const { private: hidden, text } = await rig.say(line)
        expect(`${hidden === true ? 'refused' : 'ok'} ${line}: ${text}`).toMatch(/^ok/)
      }
  })

  it('is limited in length, and what is odd in it does no harm', async () => {
    await using rig = await adminRig(server)
    expect((await rig.say(`help ${'x'.repeat(20_000)}`)).text).toMatch(/at most 12,000 characters/)
    expect((await rig.say('__proto__ constructor')).text).toMatch(/no command/)
    expect((await rig.say('models pin gpt-5 --constructor x')).text).toMatch(/has no `--constructor`/)
    expect((await rig.say('models alias __proto__ gpt-5')).text).toMatch(/one word/)
  })
})

describe('who may', () => {
  const lines = {
    'models list': 'everybody',
    'models pin gpt-5': 'everybody',
    'policy show': 'everybody',
    'policy search off for channel': 'manager',
    'policy search off': 'manager',
    'models pin gpt-5 for channel': 'manager',
    'policy search off for workspace': 'owner',
    'policy search off for <#C2>': 'owner',
    'models pin gpt-5 for <@UOTHER>': 'owner',
    'policy search off for everywhere': 'root',
    'policy search off for workspace:slack/T2': 'root',
    'models price gpt-5 1 2': 'root',
    'models alias fast gpt-5': 'root',
  }
  const ranks = { everybody: 0, manager: 1, owner: 2, root: 3 }
  const cases = Object.entries(lines).flatMap(([line, least]) =>
    Object.entries({ everybody: member, manager, owner, root }).map(
      ([who, person]) =>
        [line, person, ranks[who as keyof typeof ranks] >= ranks[least as keyof typeof ranks]] as const,
    ),
  )
  it.for(cases)('%s, %o: %s', async ([line, person, allowed]) => {
    await using rig = await adminRig(server)
    const { text } = await rig.say(line, person)
    if (allowed) expect(text).not.toMatch(/only\. Ask one of them|is for/)
    else expect(text).toMatch(/(?:only|is for .*)\. Ask one of them; `roles list` names them/)
  })

  it('a manager manages no other channel', async () => {
    await using rig = await adminRig(server)
    expect((await rig.say('policy search off', manager)).text).toMatch(/for this channel/)
    expect((await rig.say('policy search off', manager, { channelId: 'C2' })).text).toMatch(/is for managers/)
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
    await rig.say('policy search off for channel', manager)
    const [entry] = await rig.deps.audit.list({ scopes: ['channel:slack/T1/C1'], limit: 1 })
    expect(entry).toMatchObject({
      by: { id: 'slack/T1/UMANAGER', name: 'Mara', via: 'command' },
      name: 'policy.search',
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
    expect(await suggest(call, 'help', 'command', 'pol')).toContain('policy search')
    expect(await suggest(call, 'nothing', 'model', '')).toEqual([])
    const began = performance.now()
    for (let n = 0; n < 20; n += 1) await suggest(call, 'models pin', 'model', 'gpt')
    expect((performance.now() - began) / 20).toBeLessThan(10)
  })
})
