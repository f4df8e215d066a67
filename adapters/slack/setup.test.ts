import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLog } from '../../src/core/log.ts'
import { createLocalQuota } from '../../src/store/quota-local.ts'
import { fakeIntake } from '../../test/fakes/intake.ts'
import { memoryRecords } from '../../test/fakes/records.ts'
import { serveMounts } from '../../test/servers/mounts.ts'
import { startSlack } from '../../test/servers/slack.ts'
import { addPeople, settingsFor } from '../../test/servers/slack-rig.ts'
import { bot } from '../../test/servers/slack-state.ts'
import type { SlackStandIn } from '../../test/servers/slack-types.ts'
import { createManifest } from './manifest.ts'
import { createSlack } from './platform.ts'
import { botEvents, botScopes } from './settings.ts'
import { createSetup } from './setup.ts'

describe('the manifest', () => {
  it('is for Socket Mode where Slack cannot reach Parley, and for HTTP where it can', () => {
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

  it("keeps Slack's limits, and asks for every event that is listened to", () => {
    const { features, settings } = createManifest({})
    expect(features.agent_view.suggested_prompts.length).toBeLessThanOrEqual(4)
    expect(features.agent_view.agent_description.length).toBeLessThanOrEqual(300)
    expect(features.shortcuts[0]?.name.length).toBeLessThanOrEqual(24)
    expect(settings.event_subscriptions.bot_events).toEqual(botEvents)
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

  it('finds everything as it should be, over HTTP and over Socket Mode', async () => {
    slack.addFile({ name: 'a.pdf', mimetype: 'application/pdf', content: Buffer.from('%PDF-') })
    const settings = settingsFor(slack, 'http')
    const platform = createSlack({ settings, records: memoryRecords(), quota: createLocalQuota(), log: silentLog })
    const http = await serveMounts(platform.listen(fakeIntake()).mounts)
    const found = await messageText({ ...settings, publicUrl: http.url })
    await http.close()
    expect(found.token).toContain('Acme')
    expect(found.scopes).toBe(`✓ all ${botScopes.length} are granted`)
    expect(found.channels).toBe('✓ in 1: #general')
    expect(found.files).toBe('✓ can be fetched')
    expect(found['request URL']).toContain(`✓ ${http.url}/slack/events answers`)
    expect((await messageText(settingsFor(slack, 'socket')))['Socket Mode']).toBe('✓ a connection is given')
  })

  it('says what to do about a token, a scope, a channel, a file, an address and a socket that are not', async () => {
    slack.options = { granted: ['chat:write'], channels: [], without: { 'files.list': 'missing_scope' } }
    const found = await messageText({ ...settingsFor(slack, 'http'), publicUrl: 'http://127.0.0.1:9' })
    expect(found.scopes).toMatch(/^✗ missing: .*users:read \(to tell members.*install the app again\.$/)
    expect(found.channels).toMatch(/^✗ in none: invite it/)
    expect(found.files).toMatch(/^✗ Slack refused files\.list: the app lacks the scope assistant:write/)
    expect(found['request URL']).toMatch(/^✗ http:\/\/127\.0\.0\.1:9\/slack\/events cannot be reached/)
    expect((await messageText({ ...settingsFor(slack, 'http'), botToken: 'xoxb-gone' })).token).toMatch(
      /^✗ Slack no longer accepts/,
    )
    expect(
      (await messageText({ botToken: bot.token, apiUrl: slack.apiUrl, appToken: 'xapp-gone' }))['Socket Mode'],
    ).toMatch(/^✗ .*connections:write/)
  })
})
