/** Apps with token rotation: their tokens expire after 12 hours, and nobody notices. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Json } from '../../src/core/json.ts'
import { type Log, silentLog } from '../../src/core/log.ts'
import { createLocalQuota } from '../../src/store/quota.ts'
import { slackWording } from '../../src/wording/slack.ts'
import { fakeIntake } from '../../test/fakes/intake.ts'
import { memoryRecords } from '../../test/fakes/records.ts'
import { startSlack } from '../../test/servers/slack.ts'
import { addPeople } from '../../test/servers/slack-rig.ts'
import { bot, team } from '../../test/servers/slack-state.ts'
import type { SlackStandIn } from '../../test/servers/slack-types.ts'
import { createInstallations, type Installations } from './installations.ts'
import { createSlack } from './platform.ts'

const hours = 3_600_000
const lifeSeconds = 43_200
const key = `installation/${team}`

let slack: SlackStandIn
let records: ReturnType<typeof memoryRecords>
let secrets: Set<string>
let quota: ReturnType<typeof createLocalQuota>
let errors: string[]

beforeEach(async () => {
  slack = await startSlack({ rotationSeconds: lifeSeconds })
  addPeople(slack)
  records = memoryRecords()
  const { put } = records
  secrets = new Set()
  records.put = async (name, value, options) => {
    if (options?.secret) secrets.add(name)
    await put(name, value, options)
  }
  quota = createLocalQuota()
  errors = []
})
afterEach(() => slack[Symbol.asyncDispose]())

const log: Log = { ...silentLog, error: (_fields: unknown, text?: string) => void errors.push(text ?? '') }
const deps = () => ({
  settings: {
    apiUrl: slack.apiUrl,
    signingSecret: slack.signingSecret,
    oauth: { clientId: 'client', clientSecret: 'client-secret' },
  },
  ...{ records, quota, log, now: slack.state.now },
})
/** A process of its own: it shares nothing with others but records and rate limits. */
const process = (): Installations => createInstallations(deps())
const renewals = () =>
  slack.calls.filter(({ method, args }) => method === 'oauth.v2.access' && args.grant_type === 'refresh_token')
const stored = () => records.peek(key) as { [name: string]: Json }

/** Somebody installs the app, as a browser does it. */
async function install(installations: Installations): Promise<void> {
  const answer = (await (
    await fetch(`${slack.apiUrl}oauth.v2.access`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ code: 'stand-in-code', client_secret: 'client-secret' }),
    })
  ).json()) as { access_token: string; refresh_token: string; expires_in: number }
  await installations.save({
    token: answer.access_token,
    refreshToken: answer.refresh_token,
    expiresAt: slack.state.now() / 1000 + answer.expires_in,
    ...{ botId: bot.id, botUserId: bot.user, teamId: team, name: 'Acme', scopes: [] },
  })
}

const works = async (installations: Installations) => {
  const { api } = await installations.of(team)
  return (await api.call('auth.test', {})).ok
}

describe('a token that expires', () => {
  it('is used as it is while it is fresh', async () => {
    const one = process()
    await install(one)
    slack.state.advance(9 * hours)
    expect(await works(process())).toBe(true)
    expect(renewals()).toEqual([])
  })

  it.each([
    ['two hours before it expires', 10.5],
    ['after a weekend without questions', 60],
  ])('is renewed %s, and the new one is kept as a secret', async (_, later) => {
    await install(process())
    const before = stored()
    slack.state.advance(later * hours)
    expect(await works(process())).toBe(true)
    expect(renewals()).toHaveLength(1)
    expect(stored()).toMatchObject({ name: 'Acme', botUserId: bot.user })
    expect(stored().token).not.toBe(before.token)
    expect(stored().refreshToken).not.toBe(before.refreshToken)
    expect(stored()).not.toHaveProperty('renewingUntil')
    expect([...secrets]).toEqual([key])
    // The next twelve hours begin.
    expect(await works(process())).toBe(true)
    expect(renewals()).toHaveLength(1)
  })

  it('is renewed by one of many processes, and all of them go on with the new one', async () => {
    await install(process())
    slack.state.advance(13 * hours)
    const all = await Promise.all(Array.from({ length: 8 }, () => works(process())))
    expect(all).toEqual(Array(8).fill(true))
    expect(renewals()).toHaveLength(1)
  })

  it('is renewed by another process when the one that began has died', async () => {
    await install(process())
    slack.state.advance(13 * hours)
    await records.put(key, { ...stored(), renewingUntil: slack.state.now() - 1 }, { secret: true })
    expect(await works(process())).toBe(true)
    expect(renewals()).toHaveLength(1)
  })

  it('that Slack does not renew is used until its end, with an error in the log', async () => {
    await install(process())
    slack.options.without = { 'oauth.v2.access': 'invalid_refresh_token' }
    slack.state.advance(11 * hours)
    expect(await works(process())).toBe(true)
    expect(errors).toEqual(['Slack does not renew a token'])
    slack.state.advance(2 * hours)
    await expect(process().of(team)).rejects.toMatchObject({
      code: 'platform_rejected',
      userMessage: slackWording.errors.tokenNotRenewed('Acme', 'invalid_refresh_token'),
    })
  })

  it('is renewed at the next try when Slack was away', async () => {
    await install(process())
    slack.options.without = { 'oauth.v2.access': 'internal_error' }
    slack.state.advance(13 * hours)
    const one = process()
    await expect(one.of(team)).rejects.toMatchObject({ code: 'platform_unreachable' })
    slack.options.without = {}
    quota = createLocalQuota()
    expect(await works(process())).toBe(true)
    expect(errors).toEqual([])
  })

  /** The database takes nothing new of the workspace; `meanwhile` runs at the first try to store the new token. */
  function refuseRenewed(meanwhile?: () => Promise<void>): { refuses: boolean } {
    const { put } = records
    const old = stored().token
    const storage = { refuses: true }
    let first = meanwhile
    records.put = async (name, value, options) => {
      if (!storage.refuses || (value as { token?: Json }).token === old) return await put(name, value, options)
      storage.refuses = false
      await first?.()
      first = undefined
      storage.refuses = true
      throw new Error('the disk is full')
    }
    return storage
  }

  it('is used though it cannot be stored, and stored when that works again', async () => {
    const one = process()
    await install(one)
    const before = stored()
    slack.state.advance(13 * hours)
    const storage = refuseRenewed()
    expect(await works(one)).toBe(true)
    expect(stored()).toMatchObject({ token: before.token, renewingUntil: expect.any(Number) })
    await one.renew()
    expect(renewals()).toHaveLength(1)
    storage.refuses = false
    await one.renew()
    expect(stored().token).not.toBe(before.token)
    expect(await works(process())).toBe(true)
    expect(renewals()).toHaveLength(1)
  })

  it('is not stored over the one of an app that was installed again meanwhile', async () => {
    const one = process()
    await install(one)
    slack.state.advance(11 * hours)
    let installed: Json | undefined
    const storage = refuseRenewed(async () => {
      await install(process())
      installed = stored().token
    })
    expect((await one.of(team)).token).toBe(installed)
    storage.refuses = false
    await one.renew()
    expect(stored().token).toBe(installed)
  })

  it('is not stored for a workspace that removed the app meanwhile', async () => {
    const one = process()
    await install(one)
    slack.state.advance(11 * hours)
    const storage = refuseRenewed(() => one.remove(team))
    await one.of(team)
    storage.refuses = false
    await one.renew()
    expect(records.peek(key)).toBeUndefined()
  })

  it('that Slack does not renew does not come back after the app was removed', async () => {
    const one = process()
    await install(one)
    slack.state.advance(11 * hours)
    slack.options.refuses = (method) => {
      if (method !== 'oauth.v2.access') return undefined
      void records.remove(key)
      return 'invalid_refresh_token'
    }
    await one.of(team)
    expect(records.peek(key)).toBeUndefined()
  })

  it('is renewed without any question, and health names a workspace whose token cannot be', async () => {
    await install(process())
    slack.state.advance(11 * hours)
    const pauses = { firstMs: 10, mostMs: 20, probeEveryMs: 20, steadyMs: 10 }
    const listener = createSlack({ ...deps(), pauses }).listen(fakeIntake())
    await listener.start()
    const state = () => listener.connections().find(({ name }) => name === 'installed tokens')?.state
    try {
      await slack.until(() => renewals().length === 1, 'the renewal')
      expect(state()?.is).toBe('connected')
      slack.options.without = { 'oauth.v2.access': 'invalid_refresh_token' }
      slack.state.advance(13 * hours)
      const userMessage = slackWording.errors.tokenNotRenewed('Acme', 'invalid_refresh_token')
      await expect.poll(state).toMatchObject({ is: 'waiting', userMessage })
    } finally {
      await listener.stop()
    }
  })
})
