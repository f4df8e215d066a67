import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLog } from '../../src/core/log.ts'
import { createLocalQuota } from '../../src/store/quota.ts'
import { slackWording } from '../../src/wording/slack.ts'
import { fakeIntake } from '../../test/fakes/intake.ts'
import { memoryRecords } from '../../test/fakes/records.ts'
import { serveMounts } from '../../test/servers/mounts.ts'
import { startSlack } from '../../test/servers/slack.ts'
import { addPeople, settingsFor } from '../../test/servers/slack-rig.ts'
import { bot } from '../../test/servers/slack-state.ts'
import type { SlackStandIn } from '../../test/servers/slack-types.ts'
import { createSlack } from './platform.ts'
import { botEvents, botScopes, scopes } from './settings.ts'
import { createManifest, createSetup } from './setup.ts'

describe('the manifest', () => {
  it('uses Socket Mode if Slack cannot reach Parley, and HTTP if it can', () => {
    expect(createManifest({}).settings).toMatchObject({
      socket_mode_enabled: true,
      interactivity: { is_enabled: true },
    })
    const http = createManifest({
      publicUrl: 'https://parley.example.com',
      oauth: { clientId: 'c', clientSecret: 's' },
    })
    const request_url = 'https://parley.example.com/slack/events'
    expect(http.settings).toMatchObject({
      socket_mode_enabled: false,
      event_subscriptions: { request_url },
      interactivity: { request_url },
    })
    expect(http.features.slash_commands).toMatchObject([{ command: '/parley', url: request_url }])
    expect(http.oauth_config).toEqual({
      redirect_urls: ['https://parley.example.com/slack/oauth_redirect'],
      scopes: { bot: botScopes },
    })
  })

  it('has every scope that Parley uses, the names of user groups too', () => {
    expect(createManifest({}).oauth_config.scopes.bot).toEqual(Object.keys(scopes))
    expect(botScopes).toContain('usergroups:read')
  })

  it.each([
    ['events over HTTP', {}],
    ['installation by several workspaces', { appToken: 'xapp-1', oauth: { clientId: 'c', clientSecret: 's' } }],
  ])('is refused with a sentence for %s at an http:// address', (_, more) => {
    const publicUrl = 'http://parley.example.com'
    const refusal = { code: 'config_invalid', userMessage: slackWording.manifest.httpsOnly(publicUrl) }
    expect(() => createManifest({ publicUrl, ...more })).toThrow(expect.objectContaining(refusal))
  })

  it('uses Socket Mode also where Parley has an http:// address for other uses', () => {
    const manifest = createManifest({ publicUrl: 'http://localhost:8787', appToken: 'xapp-1' })
    expect(manifest.settings.socket_mode_enabled).toBe(true)
    expect(JSON.stringify(manifest)).not.toContain('http://')
  })

  it("respects Slack's limits, and subscribes to every event that Parley handles", () => {
    const { features, settings } = createManifest({})
    expect(features.agent_view.suggested_prompts.length).toBeLessThanOrEqual(4)
    expect(features.agent_view.agent_description.length).toBeLessThanOrEqual(300)
    expect(features.shortcuts[0]?.name.length).toBeLessThanOrEqual(24)
    expect(settings.event_subscriptions.bot_events).toEqual(botEvents)
    // Without it, Slack does not know that the app understands the agent view, and every direct message is flat.
    expect(settings.event_subscriptions.bot_events).toContain('app_context_changed')
  })
})

describe('the doctor', () => {
  let slack: SlackStandIn
  beforeEach(async () => {
    slack = await startSlack()
    addPeople(slack)
  })
  afterEach(() => slack[Symbol.asyncDispose]())
  const messageText = async (settings: Parameters<typeof createSetup>[0]) =>
    Object.fromEntries(
      (await createSetup(settings).examine()).map(({ name, ok, userMessage }) => [
        name,
        `${ok ? '✓' : '✗'} ${userMessage}`,
      ]),
    )

  it('finds no problem, over HTTP and over Socket Mode', async () => {
    slack.addFile({ name: 'a.pdf', mimetype: 'application/pdf', content: Buffer.from('%PDF-') })
    const settings = settingsFor(slack, 'http')
    const platform = createSlack({ settings, records: memoryRecords(), quota: createLocalQuota(), log: silentLog })
    const http = await serveMounts(platform.listen(fakeIntake()).mounts)
    const found = await messageText({ ...settings, publicUrl: http.url })
    await http.close()
    expect(found.token).toContain('Acme')
    const { doctor } = slackWording
    expect(found.scopes).toBe(`✓ ${doctor.scopesGranted(botScopes.length)}`)
    expect(found.channels).toBe(`✓ ${doctor.channels(1, ['#general'])}`)
    expect(found.files).toBe(`✓ ${doctor.filesReadable}`)
    expect(found['request URL']).toBe(`✓ ${doctor.addressAnswers(`${http.url}/slack/events`)}`)
    expect((await messageText(settingsFor(slack, 'socket')))['Socket Mode']).toBe(`✓ ${doctor.socketAccepted}`)
  })

  it('says how to fix a bad token, scope, channel, file, request URL and socket', async () => {
    slack.options = { granted: ['chat:write'], channels: [], without: { 'files.list': 'missing_scope' } }
    const found = await messageText({ ...settingsFor(slack, 'http'), publicUrl: 'http://127.0.0.1:9' })
    const { doctor, errors } = slackWording
    const missing = Object.entries(scopes).filter(([scope]) => scope !== 'chat:write')
    expect(missing).toHaveLength(botScopes.length - 1)
    expect(found.scopes).toBe(
      `✗ ${doctor.scopesMissing(missing.map(([scope, why]) => `${scope} (${why})`).join(', '))}`,
    )
    expect(found.channels).toBe(`✗ ${doctor.noChannels}`)
    expect(found.files).toBe(`✗ ${errors.missingScope('files.list', 'assistant:write')}`)
    expect(found['request URL']).toBe(`✗ ${doctor.addressUnreachable('http://127.0.0.1:9/slack/events')}`)
    expect((await messageText({ ...settingsFor(slack, 'http'), botToken: 'xoxb-gone' })).token).toBe(
      `✗ ${errors.tokenRefused}`,
    )
    expect(
      (await messageText({ botToken: bot.token, apiUrl: slack.apiUrl, appToken: 'xapp-gone' }))['Socket Mode'],
    ).toBe(`✗ ${errors.tokenRefused} ${doctor.socketAdvice}`)
  })
})
