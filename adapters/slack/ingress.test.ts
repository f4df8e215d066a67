/** The signed HTTP ingress: recorded events are accepted or ignored on purpose, and forged ones are rejected. */
import { createHmac, randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { replayFolder } from '../../src/cli/replay.ts'
import { silentLog } from '../../src/core/log.ts'
import type { Intake } from '../../src/core/platform.ts'
import { createLocalQuota } from '../../src/store/quota.ts'
import { fakeIntake } from '../../test/fakes/intake.ts'
import { memoryRecords } from '../../test/fakes/records.ts'
import { serveMounts } from '../../test/servers/mounts.ts'
import { startSlack } from '../../test/servers/slack.ts'
import { addPeople, settingsFor } from '../../test/servers/slack-rig.ts'
import type { SlackStandIn } from '../../test/servers/slack-types.ts'
import { sign } from '../../test/servers/slack-wire.ts'
import { createSlack } from './platform.ts'

const shared = fileURLToPath(new URL('../../../shared/fixtures/slack', import.meta.url))
const own = join(import.meta.dirname, '../../test/fixtures/slack')

describe('recorded events, signed, at the real ingress', () => {
  const replayed = async (folder: string) => {
    const lines: { name: string; kind: string; summary: string }[] = []
    const print = (line: string) => void lines.push(JSON.parse(line))
    const failed = await replayFolder({ platform: 'slack', folder, json: true, print })
    return { failed, kinds: Object.fromEntries(lines.map(({ name, kind }) => [name.replace(/^.*#/, ''), kind])) }
  }

  it('of this repository are each accepted as their kind, or ignored', async () => {
    const { failed, kinds } = await replayed(own)
    expect(failed).toBe(0)
    const named = (kind: string) => Object.keys(kinds).filter((name) => kinds[name] === kind)
    expect(named('revision')).toEqual(['edited'])
    expect(named('action')).toEqual(['stop', 'why', 'good', 'approve', 'command', 'feedback'])
    expect(named('command')).toEqual(['slash', 'slashEmpty'])
    expect(named('message')).toHaveLength(15)
    expect(named('withdrawal')).toEqual(['deleted'])
    expect(named('place')).toEqual(['uninstalled', 'revoked'])
    expect(named('ignored')).toHaveLength(15)
  })

  const missing = existsSync(shared) ? undefined : 'no recorded payloads in ../shared/fixtures/slack'
  it.skipIf(missing)(
    `from other apps are accepted or ignored, none is rejected${missing ? ` (${missing})` : ''}`,
    async () => {
      const { failed, kinds } = await replayed(shared)
      expect(failed).toBe(0)
      const payloads = readdirSync(shared).flatMap((name) =>
        Object.values(JSON.parse(readFileSync(join(shared, name), 'utf8'))).filter((each) => typeof each === 'object'),
      )
      expect(Object.keys(kinds)).toHaveLength(payloads.length)
      expect(kinds).toMatchObject({
        mention: 'message',
        dmMessage: 'message',
        followUp: 'message',
        slashCommand: 'command',
        promptMessage: 'ignored',
      })
    },
  )
})

describe('a request that Slack did not sign', () => {
  let slack: SlackStandIn
  let http: Awaited<ReturnType<typeof serveMounts>>
  let taken = 0
  const warnings: unknown[] = []
  const body = JSON.stringify({
    type: 'event_callback',
    team_id: 'T0PARLEY01',
    event_id: 'Ev1',
    event: { type: 'app_mention', user: 'U0ALICE001', channel: 'C0GENERAL1', ts: '1.0', text: '<@U0PARLEY01> hi' },
  })

  beforeAll(async () => {
    slack = await startSlack()
    addPeople(slack)
    const count = async () => {
      taken += 1
      return { turnId: 't', kind: 'new' } as const
    }
    const intake: Intake = fakeIntake({
      receive: count,
      act: async () => ({ turnId: (await count()).turnId }),
      command: async () => ({ text: (await count()).turnId }),
    })
    const platform = createSlack({
      settings: settingsFor(slack, 'http'),
      records: memoryRecords(),
      quota: createLocalQuota(),
      log: { ...silentLog, warn: (fields: unknown) => void warnings.push(fields) },
    })
    const listener = platform.listen(intake)
    http = await serveMounts(listener.mounts)
    await listener.start()
  })
  afterAll(async () => {
    await http?.close()
    await slack?.[Symbol.asyncDispose]()
  })

  const send = (headers: Record<string, string>, text = body) =>
    fetch(`${http.url}/slack/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: text,
    })
  const now = () => Math.floor(Date.now() / 1000)
  const signed = (at = now(), text = body, secret = slack.signingSecret) => ({
    'x-slack-request-timestamp': String(at),
    'x-slack-signature': sign(secret, String(at), text),
  })

  it('is refused in a thousand variants: unsigned, stale, wrong secret, body or time, cut, doubled', async () => {
    const hex = (bytes: number) => randomBytes(bytes).toString('hex')
    const variant = fc.oneof(
      fc.constant(() => ({ headers: {} })),
      fc.constant(() => ({ headers: { 'x-slack-request-timestamp': String(now()) } })),
      fc.constant(() => ({ headers: { 'x-slack-signature': signed()['x-slack-signature'] } })),
      fc.integer({ min: 310, max: 10_000_000 }).map((age) => () => ({ headers: signed(now() - age) })),
      fc.string({ minLength: 1 }).map((secret) => () => ({ headers: signed(now(), body, `${secret}.`) })),
      fc.constant(() => ({ headers: { ...signed(), 'x-slack-signature': `v0=${hex(32)}` } })),
      fc
        .integer({ min: 1, max: 60 })
        .map((shift) => () => ({ headers: { ...signed(), 'x-slack-request-timestamp': String(now() - shift) } })),
      fc.nat(body.length - 1).map((at) => () => ({
        headers: signed(),
        text: `${body.slice(0, at)}${body[at] === ' ' ? 'x' : ' '}${body.slice(at + 1)}`,
      })),
      fc.nat(60).map((cut) => () => ({
        headers: { ...signed(), 'x-slack-signature': signed()['x-slack-signature'].slice(0, 5 + cut) },
      })),
      fc.constantFrom('v1=', 'V0=', '', 'sha256=').map((version) => () => ({
        headers: { ...signed(), 'x-slack-signature': signed()['x-slack-signature'].replace('v0=', version) },
      })),
      fc.constantFrom('NaN', '', '1e99', '-1', 'Infinity', '4000000000').map((time) => () => {
        const signature = createHmac('sha256', slack.signingSecret).update(`v0:${time}:${body}`).digest('hex')
        return { headers: { 'x-slack-request-timestamp': time, 'x-slack-signature': `v0=${signature}` } }
      }),
    )
    let refused = 0
    await fc.assert(
      fc.asyncProperty(fc.array(variant, { minLength: 20, maxLength: 20 }), async (variants) => {
        const answers = await Promise.all(
          variants
            .map((make) => make())
            .map(({ headers, text }: { headers: Record<string, string>; text?: string }) => send(headers, text)),
        )
        for (const { status } of answers) expect(status).toBe(401)
        refused += answers.length
      }),
      { numRuns: 55 },
    )
    expect(refused).toBeGreaterThanOrEqual(1000)
    expect(taken).toBe(0)
  })

  it('cannot smuggle in a payload with a connection check', async () => {
    const smuggled = new URLSearchParams({ ssl_check: '1', payload: body }).toString()
    const answer = await send({ 'content-type': 'application/x-www-form-urlencoded' }, smuggled)
    expect(answer.status).toBe(200)
    expect(taken).toBe(0)
  })

  it('is refused if it is too long or not JSON', async () => {
    expect((await send({}, 'x'.repeat(2_100_000))).status).toBe(413)
    expect((await send(signed(now(), '{nonsense'), '{nonsense')).status).toBe(400)
    expect(taken).toBe(0)
  })

  it('cannot tell of a limit; a genuine notice of one is acknowledged and logged', async () => {
    const notice = JSON.stringify({ type: 'app_rate_limited', team_id: 'T0PARLEY01', minute_rate_limited: 1 })
    expect((await send({}, notice)).status).toBe(401)
    expect((await send(signed(now(), notice, 'another secret'), notice)).status).toBe(401)
    expect(warnings).toEqual([])
    expect((await send(signed(now(), notice), notice)).status).toBe(200)
    expect(warnings).toEqual([{ workspace: 'T0PARLEY01' }])
    expect(taken).toBe(0)
  })

  it('is accepted when it is genuine', async () => {
    expect((await send(signed())).status).toBe(200)
    expect(taken).toBe(1)
  })
})
