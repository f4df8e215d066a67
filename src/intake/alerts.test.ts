import { describe, expect, it } from 'vitest'
import { createFakePlatform } from '../../test/fakes/platform.ts'
import { ParleyError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { silentLog } from '../core/log.ts'
import type { ReplyTarget } from '../core/message.ts'
import type { Scope } from '../core/scope.ts'
import type { SettingsOf } from '../store/settings.ts'
import { createAlerts, scopesAbove } from './alerts.ts'

const targetIn = (channelId: string): ReplyTarget => ({
  conversation: { platform: 'slack', workspaceId: 'T1', channelId },
  data: { channelId },
})

function alerts(targets: Partial<Record<Scope, string>>, known = true) {
  const fake = createFakePlatform()
  const sent: string[] = []
  const logged: unknown[] = []
  const transport: typeof fake.platform.transport = {
    ...fake.platform.transport,
    notify: async ({ conversation }, { text }, { key }) => void sent.push(`${conversation.channelId} ${key}: ${text}`),
  }
  const settings = {
    async read(scopes: readonly Scope[]) {
      return new Map(
        scopes.flatMap((scope): [Scope, SettingsOf][] => {
          const channel = targets[scope]
          return channel === undefined ? [] : [[scope, { 'alerts.target': targetIn(channel) }]]
        }),
      )
    },
  }
  const platform = () => {
    if (known) return { ...fake.platform, transport }
    throw new ParleyError('platform_rejected', 'The platform slack is not configured here.')
  }
  const log: Log = { ...silentLog, warn: (fields: object) => void logged.push(fields) }
  return { ...createAlerts({ settings, platform, log }), sent, logged }
}

describe('notices for admins', () => {
  it('go to the nearest channel that is chosen for alerts', async () => {
    const { send, sent } = alerts({ all: 'money', 'workspace:slack/T1': 'team-money' })
    await send('channel:slack/T1/C1', { text: 'Half is used.' }, 'k1')
    await send('user:slack/T2/U1', { text: 'Half is used.' }, 'k2')
    await send('model:openai/gpt-5', { text: 'Half is used.' }, 'k3')
    expect(sent).toEqual(['team-money k1: Half is used.', 'money k2: Half is used.', 'money k3: Half is used.'])
  })

  it.each([
    ['no channel is chosen', {}, true],
    ['its platform is gone', { all: 'money' }, false],
  ] as const)('are in the log where %s', async (_, targets, known) => {
    const { send, sent, logged } = alerts(targets, known)
    expect(await send('all', { text: 'Half is used.' }, 'k')).toBe('logged')
    expect(sent).toEqual([])
    expect(logged).toContainEqual({ scope: 'all', notice: 'Half is used.' })
  })

  it('a scope lies in its workspace and in all of it', () => {
    expect(scopesAbove('channel:slack/T1/C1')).toEqual(['all', 'workspace:slack/T1', 'channel:slack/T1/C1'])
    expect(scopesAbove('workspace:slack/T1')).toEqual(['all', 'workspace:slack/T1'])
    expect(scopesAbove('key:k1')).toEqual(['all', 'key:k1'])
    expect(scopesAbove('all')).toEqual(['all'])
  })
})
