import { randomUUID } from 'node:crypto'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { type AdminRig, adminRig, here, people } from '../../test/fakes/admin.ts'
import { knowBlobs } from '../../test/fixtures/blobs.ts'
import type { Author, IncomingMessage } from '../core/message.ts'
import type { Spender } from '../core/scope.ts'
import { createLedger } from '../store/ledger.ts'
import { forgetWording, permissionWording } from '../wording/commands.ts'
import { usageWording, whyWording } from '../wording/commands-money.ts'
import { drawChart } from './chart.ts'
import { projected, windowOfSpan } from './commands/usage.ts'
import { loadLetters } from './providers/chart-png.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server.dispose())

const { root, owner, manager, member } = people

interface Asked {
  who?: { id: string; name: string }
  channelId?: string
  model?: string
  cost?: bigint
  state?: 'done' | 'failed'
  opinion?: 'good' | 'bad'
  totalMs?: number
  thoughts?: string
  /** Default: the channel in Slack. */
  platform?: { platform: string; workspaceId: string }
}

/** A question that was asked, paid for and answered, written by the real stores. */
async function answered({ deps, database }: AdminRig, asked: Asked): Promise<string> {
  const {
    who = member,
    channelId = 'C1',
    model = 'gpt-5',
    cost = 1_000_000n,
    state = 'done',
    totalMs = 1000,
    platform,
    thoughts,
  } = asked
  const conversation = { ...here, ...platform, channelId }
  const message: IncomingMessage = {
    id: randomUUID(),
    conversation,
    author: who,
    text: 'How much?',
    kind: 'mention',
    attachments: [],
    replyTarget: { conversation, data: null },
    sentAt: new Date().toISOString(),
  }
  const { turns } = deps
  const { dispatch } = await turns.accept(message)
  const { turnId } = dispatch
  await turns.claim(turnId, 'w', 10_000)
  const { platform: name, workspaceId } = conversation
  const spender: Spender = { platform: name, workspaceId, channelId, userId: who.id }
  const ledger = createLedger(database)
  const id = randomUUID()
  const usage = { input: 1000, output: 200, cacheRead: 0, cacheWrite: 0, reasoning: 0, source: 'provider' as const }
  const call = { id, turnId, spender, kind: 'answer' as const, provider: 'openai', model, worst: cost * 2n, price: {} }
  await ledger.reserve(call, [], { leaseMs: 60_000 })
  await ledger.settle(id, {
    cost,
    usage,
    estimated: false,
    outcome: state === 'done' ? 'ok' : 'failed',
    ms: 900,
    firstTokenMs: 300,
  })
  const receipt = {
    model,
    provider: 'openai',
    reason: `${model} is the default.`,
    attachments: [],
    usage,
    attempts: 1,
    notices: [],
    thoughts,
    costNanoUsd: cost.toString(),
    ms: { queued: 10, firstText: 400, total: totalMs },
  }
  await turns.finish(turnId, 'w', { text: 'So much.', citations: [], state, receipt }, new Date())
  if (asked.opinion !== undefined)
    await database.pool.query('insert into feedback (turn_id, by, value) values ($1, $2, $3)', [
      turnId,
      who.id,
      asked.opinion,
    ])
  return turnId
}

async function aBusyDay(): Promise<AdminRig> {
  const rig = await adminRig(server)
  await answered(rig, { cost: 1_234_567_891n, opinion: 'good' })
  await answered(rig, { cost: 7n, model: 'gpt-5-mini', opinion: 'bad', totalMs: 3000 })
  await answered(rig, { who: manager, cost: 500_000_000n, state: 'failed' })
  await answered(rig, { who: owner, channelId: 'C2', cost: 250_000_000n })
  return rig
}

const onlyManagers = (who: string) => permissionWording.scope(who, permissionWording.managersAndAdmins)
const onlyAdmins = (who: string) => permissionWording.scope(who, permissionWording.workspaceAdmins)
const textOf = (data: Uint8Array | undefined) => new TextDecoder().decode(data)

describe('usage', () => {
  it('shows cost, questions, tokens, times and ratings', async () => {
    await using rig = await aBusyDay()
    const { text } = await rig.say('usage today', root)
    expect(text).toContain(`Cost: ${usageWording.cost(1_984_567_898n)}`)
    expect(text).toContain(`${usageWording.questions(4)}: 75% answered, 1 failed`)
    expect(text).toContain(usageWording.tokens(4000n, 800n))
    expect(text).toContain(usageWording.fullAnswer({ median: 1000, p95: 2800 }))
    expect(text).toContain('usually 1.0 s, seldom more than 2.8 s')
    expect(text).toContain(usageWording.firstWords({ median: 400, p95: 400 }))
    expect(text).toContain('1 of 2 ratings positive')
  })

  it('splits by user, channel and model, the most expensive first', async () => {
    await using rig = await aBusyDay()
    const lines = async (line: string) => (await rig.say(line, root)).text.match(/^- .*?(?=, )/gm)
    expect(await lines('usage by user')).toEqual([
      '- <@UMEMBER>: **$1.23**',
      '- <@UMANAGER>: **$0.50**',
      '- <@UOWNER>: **$0.25**',
    ])
    expect(await lines('usage by channel')).toEqual(['- this channel: **$1.73**', '- <#C2>: **$0.25**'])
    expect(await lines('usage by model today')).toEqual([
      '- GPT-5: **$1.98**',
      '- `openai/gpt-5-mini`: **$0.000000007**',
    ])
  })

  it('names keys, people and places of other platforms as people know them', async () => {
    await using rig = await adminRig(server)
    await rig.say('keys create website 20 month')
    const [key] = await rig.deps.keys.list()
    const id = key?.id ?? ''
    const api = { platform: 'api', workspaceId: 'api' }
    const page = { platform: 'console', workspaceId: 'local' }
    await answered(rig, { platform: api, channelId: id, who: { id, name: 'website' }, cost: 3_000_000_000n })
    for (const thread of [randomUUID(), randomUUID()])
      await answered(rig, {
        platform: page,
        channelId: thread,
        who: { id: 'local', name: 'You' },
        cost: 1_000_000_000n,
      })
    const elsewhere = { platform: 'discord', workspaceId: 'G1' }
    await answered(rig, { platform: elsewhere, channelId: 'C7', who: { id: 'D1', name: 'Dana' }, cost: 500_000_000n })
    const lines = async (line: string) => (await rig.say(line, root)).text.match(/^- .*?\*\*.*?\*\*/gm)
    expect(await lines('usage by channel everywhere')).toEqual([
      '- the key `website`: **$3.00**',
      `- ${usageWording.page}: **$2.00**`,
      '- the channel discord/G1/C7: **$0.50**',
    ])
    expect(await lines('usage by user everywhere')).toEqual([
      '- the key `website`: **$3.00**',
      '- the user of the page: **$2.00**',
      '- Dana (discord/G1): **$0.50**',
    ])
  })

  it('shows members their own usage, managers the channel, owners the workspace', async () => {
    await using rig = await aBusyDay()
    const cost = async (who: Author, line = 'usage') => /\*\*\$([\d.]+)\*\*/.exec((await rig.say(line, who)).text)?.[1]
    expect(await cost(member)).toBe('1.23')
    expect(await cost(manager)).toBe('1.73')
    expect(await cost(owner)).toBe('1.98')
    expect((await rig.say('usage for channel', member)).text).toContain(onlyManagers('this channel'))
    expect((await rig.say('usage for <@UMEMBER>', manager)).text).toContain(onlyAdmins('<@UMEMBER>'))
  })

  it('exports exact sums as CSV and JSON, without formulas', async () => {
    await using rig = await aBusyDay()
    await answered(rig, { who: { id: 'UEVIL', name: '=HYPERLINK("x")' }, cost: 1n })
    const { files = [] } = await rig.say('usage by user --csv --json', root)
    const csv = textOf(files.find(({ name }) => name === 'usage.csv')?.data)
    expect(csv).toContain('UMEMBER,Max,2,0,0,2,2,1.234567898,0,2000,400')
    expect(csv).toContain(`"'=HYPERLINK(""x"")"`)
    const json = JSON.parse(textOf(files.find(({ name }) => name === 'usage.json')?.data))
    const sum = json.rows.reduce((all: bigint, row: { costUsd: string }) => all + nanos(row.costUsd), 0n)
    expect(sum).toBe(1_984_567_899n)
  })

  it('comes with a chart and its description', async () => {
    await using rig = await aBusyDay()
    const { files } = await rig.say('usage by model', root)
    const picture = files?.[0]
    expect(await sharp(Buffer.from(picture?.data ?? [])).metadata()).toMatchObject({ format: 'png', width: 1440 })
    expect(picture?.alt).toBe(
      usageWording.chart.alt(usageWording.chart.costBy('model', usageWording.spans.month), [
        { label: 'GPT-5', value: '$1.98' },
        { label: 'openai/gpt-5-mini', value: '$0.000000007' },
      ]),
    )
    expect((await rig.say('usage', root)).files?.[0]?.alt).toContain(
      usageWording.chart.costOverTime('day', usageWording.spans.month, 1_984_567_898n),
    )
  })

  it('says so if there were no questions', async () => {
    await using rig = await adminRig(server)
    expect(await rig.say('usage yesterday', root)).toEqual({
      text: usageWording.nothing(usageWording.title(usageWording.spans.yesterday, null)),
    })
  })
})

describe('why', () => {
  it('shows what the model thought where answers cannot, as text that does nothing', async () => {
    await using rig = await adminRig(server)
    const thoughts = `Ask <@U1>? \`\`\` ${'and '.repeat(1_000)}`
    await answered(rig, { thoughts })
    const { text } = await rig.say('why', member)
    expect(text).toContain(whyWording.thoughts(thoughts))
    expect(text.length).toBeLessThan(2_000)
    expect(text.split('```')).toHaveLength(3)
    await using folds = await adminRig(server, { showsThoughts: () => true })
    await answered(folds, { thoughts })
    expect((await folds.say('why', member)).text).not.toContain('Ask <@U1>')
  })

  it('shows the model, reason, cost, tokens and times of the last own answer, only to the person who asks', async () => {
    await using rig = await aBusyDay()
    const { text, private: hidden } = await rig.say('why', member)
    expect(text).toContain(`${whyWording.model('openai/gpt-5-mini')} gpt-5-mini is the default.`)
    expect(text).toContain(
      `${whyWording.cost(7n, [])}. ${whyWording.tokens({ input: 1000, output: 200, cacheRead: 0, reasoning: 0 }, false)}`,
    )
    expect(text).toContain(whyWording.time({ total: 3000, firstText: 400, queued: 10 }))
    expect(hidden).toBe(true)
    expect((await rig.say('why last', member)).text).toContain(whyWording.model('openai/gpt-5'))
    expect((await rig.say('why', member, { channelId: 'C9' })).text).toBe(whyWording.nothingYet)
  })
})

describe('forget', () => {
  it('previews what it deletes, and its button deletes all but the costs', async () => {
    await using rig = await aBusyDay()
    await rig.say('persona language German', member)
    const counts = forgetWording.counts({ questions: 2, answers: 2, files: 0 }, 1)
    const asked = await rig.say('forget me', member)
    expect(asked.text).toBe(forgetWording.preview(counts, 'you'))
    expect(asked.buttons?.[0]?.action).toEqual({ kind: 'command', text: 'forget me --yes' })
    expect((await rig.say('forget me --yes', member)).text).toBe(forgetWording.done(counts, 'you'))
    expect((await rig.say('forget me', member)).text).toBe(forgetWording.nothing('you'))
    const { rows } = await rig.database.pool.query(
      'select count(*)::int as left, (select count(*)::int from ledger) as books from inbound',
    )
    expect(rows[0]).toEqual({ left: 2, books: 4 })
    expect(await rig.deps.audit.list({ scopes: ['user:slack/T1/UMEMBER'], limit: 1 })).toMatchObject([
      { name: 'forget' },
    ])
  })

  it('lets members delete their own messages, managers a channel, owners a person', async () => {
    await using rig = await aBusyDay()
    expect((await rig.say('forget channel --yes', member)).text).toContain(onlyManagers('this channel'))
    expect((await rig.say('forget <@UOWNER> --yes', manager)).text).toContain(onlyAdmins('<@UOWNER>'))
    expect((await rig.say('forget workspace', root)).text).toBe(forgetWording.sayWhat)
    expect((await rig.say('forget <@UMEMBER> --yes', owner)).text).toBe(
      forgetWording.done(forgetWording.counts({ questions: 2, answers: 2, files: 0 }, 0), '<@UMEMBER>'),
    )
    expect((await rig.say('forget channel --yes', manager)).text).toBe(
      forgetWording.done(forgetWording.counts({ questions: 1, answers: 1, files: 0 }, 0), 'this channel'),
    )
    expect((await rig.say('usage today', owner)).text).toMatch(/\$1\.98/)
  })

  it('deletes a file only if nobody else has shared it', async () => {
    await using rig = await aBusyDay()
    const ids = [await answered(rig, {}), await answered(rig, { who: owner })]
    await knowBlobs(rig.database.pool, 'h1', 'own0', 'own1')
    for (const [n, turnId] of ids.entries()) {
      await rig.database.pool.query(
        `insert into turn_attachment (id, turn_id, position, attachment, state, content_hash) values ($1, $2, 0, '{}', 'read', 'h1'), ($3, $2, 1, '{}', 'read', $4)`,
        [`a${n}`, turnId, `b${n}`, `own${n}`],
      )
      await rig.database.pool.query(
        `insert into blob_ref (hash, owner_kind, owner_id) values ('h1', 'attachment', $1), ($3, 'attachment', $2)`,
        [`a${n}`, `b${n}`, `own${n}`],
      )
    }
    await rig.say('forget me --yes', member)
    expect(rig.removed).toEqual(['own0'])
    await rig.say('forget me --yes', owner)
    expect(rig.removed.toSorted()).toEqual(['h1', 'own0', 'own1'])
  })
})

describe('a chart', () => {
  it('needs no system fonts, starts at zero, and fits long and foreign names', async () => {
    const points = [
      { label: 'a name that is far too long to fit beside its number, whatever happens', value: 3 },
      { label: 'Ωмега & <b>', value: 1 },
    ]
    const letters = await loadLetters()
    const { svg } = drawChart({ kind: 'bars', title: 'T', format: String, points }, letters)
    expect(svg).not.toMatch(/<text|font/)
    expect([...svg.matchAll(/<rect [^>]*fill="#2f6feb"/g)].map(([rect]) => /width="([\d.]+)"/.exec(rect)?.[1])).toEqual(
      ['664', '221.3'],
    )
    const columns = drawChart(
      { kind: 'columns', title: 'T', format: String, points: [{ label: 'x', value: 0 }] },
      letters,
    )
    expect(columns.svg).not.toContain('NaN')
  })

  it('has whole numbers on its axis', async () => {
    const letters = await loadLetters()
    for (const value of [1, 3, 7, 10, 45]) {
      const ticks: number[] = []
      const format = (tick: number) => String(ticks.push(tick))
      drawChart({ kind: 'columns', title: 'T', format, points: [{ label: 'x', value }] }, letters)
      expect(ticks.filter((tick) => !Number.isInteger(tick))).toEqual([])
      expect(Math.max(...ticks)).toBeGreaterThanOrEqual(value)
    }
  })
})

describe('periods', () => {
  const zone = 'Europe/Berlin'
  it('follow the time zone across a clock change', () => {
    const now = new Date('2026-10-25T12:00:00Z')
    expect(windowOfSpan('today', zone, now)).toMatchObject({
      from: new Date('2026-10-24T22:00:00Z'),
      to: new Date('2026-10-25T23:00:00Z'),
    })
    expect(windowOfSpan('last-month', zone, now)).toMatchObject({
      from: new Date('2026-08-31T22:00:00Z'),
      to: new Date('2026-09-30T22:00:00Z'),
    })
    expect(windowOfSpan('30d', zone, now).from).toEqual(new Date('2026-09-25T22:00:00Z'))
  })

  it('are projected from the elapsed time, but not too early', () => {
    const window = { from: new Date('2026-11-01T00:00:00Z'), to: new Date('2026-12-01T00:00:00Z') }
    expect(projected(3_000_000_001n, window, new Date('2026-11-11T00:00:00Z'))).toBe(9_000_000_003n)
    expect(projected(3n, window, new Date('2026-11-02T00:00:00Z'))).toBeNull()
    expect(projected(3n, window, new Date('2026-12-02T00:00:00Z'))).toBeNull()
  })
})

function nanos(decimal: string): bigint {
  const [whole = '0', fraction = ''] = decimal.split('.')
  return BigInt(whole) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'))
}
