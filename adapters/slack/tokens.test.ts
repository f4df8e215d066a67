/** What an operator reads when Slack does not accept a token at the start: one sentence, and Parley goes on trying. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ConnectionReport } from '../../src/core/connection.ts'
import { silentLog } from '../../src/core/log.ts'
import { createLocalQuota } from '../../src/store/quota.ts'
import { slackWording } from '../../src/wording/slack.ts'
import { fakeIntake } from '../../test/fakes/intake.ts'
import { memoryRecords } from '../../test/fakes/records.ts'
import { startSlack } from '../../test/servers/slack.ts'
import { settingsFor } from '../../test/servers/slack-rig.ts'
import type { SlackStandIn } from '../../test/servers/slack-types.ts'
import { createSlack } from './platform.ts'
import type { SlackSettings } from './settings.ts'

let slack: SlackStandIn
const opened: { stop(): Promise<void> }[] = []
beforeEach(async () => {
  slack = await startSlack()
})
afterEach(async () => {
  for (const each of opened.splice(0)) await each.stop()
  await slack[Symbol.asyncDispose]()
})

async function started(own: Partial<SlackSettings> = {}) {
  const settings = { ...settingsFor(slack, 'socket'), ...own }
  const deps = { settings, records: memoryRecords(), quota: createLocalQuota(), log: silentLog }
  const platform = createSlack({ ...deps, pauses: { firstMs: 5, mostMs: 20 } })
  const listener = platform.listen(fakeIntake())
  opened.push(listener)
  await listener.start()
  const of = (name: string) => listener.connections().find((each) => each.name === name)
  return { of, sentence: (name: string) => sentenceOf(of(name)) }
}
const sentenceOf = (report: ConnectionReport | undefined) =>
  report !== undefined && 'userMessage' in report.state ? report.state.userMessage : undefined

describe('an app-level token that Slack does not accept', () => {
  it.each(['invalid_auth', 'not_allowed_token_type', 'missing_scope', 'token_revoked', 'account_inactive'])(
    'because of %s is named with its setting, and tried again until it works',
    async (code) => {
      slack.options.without = { 'apps.connections.open': code }
      const { of, sentence } = await started()
      expect(sentence('Socket Mode')).toBe(slackWording.errors.socketRefused(code))
      expect(slackWording.errors.socketRefused(code)).toContain('SLACK_APP_TOKEN')
      slack.options.without = {}
      await expect.poll(() => of('Socket Mode')?.state.is).toBe('connected')
    },
  )

  it('because it is another one does not stop the bot token from working', async () => {
    const { of, sentence } = await started({ appToken: 'xapp-of-another-app' })
    expect(sentence('Socket Mode')).toBe(slackWording.errors.socketRefused('invalid_auth'))
    expect(of('bot token')?.state.is).toBe('connected')
  })
})

describe('a bot token that Slack does not accept', () => {
  it.each(['invalid_auth', 'token_revoked', 'account_inactive'])('because of %s is named', async (code) => {
    slack.options.without = { 'auth.test': code }
    const { of, sentence } = await started()
    expect(sentence('bot token')).toBe(slackWording.errors.tokenRefused)
    slack.options.without = {}
    await expect.poll(() => of('bot token')?.state.is).toBe('connected')
  })
})
