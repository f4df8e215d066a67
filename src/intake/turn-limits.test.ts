import { describe, expect, it } from 'vitest'
import type { Scope, Spender } from '../core/scope.ts'
import type { Room, TurnLimit } from '../store/limits.ts'
import type { SettingsOf } from '../store/settings.ts'
import { admissionWording, progressWording } from '../wording/answers.ts'
import { createTurnLimits, limitsFor } from './turn-limits.ts'

const ann: Spender = { platform: 'slack', workspaceId: 'T1', channelId: 'C1', userId: 'U1' }
const user: Scope = 'user:slack/T1/U1'
const channel: Scope = 'channel:slack/T1/C1'
const workspace: Scope = 'workspace:slack/T1'
const perMinute = (count: number): SettingsOf => ({ 'limits.requestsPerMinute': count })
const concurrent = (count: number): SettingsOf => ({ 'limits.concurrentTurns': count })

describe('the limits of a turn', () => {
  it.each<[string, [Scope, SettingsOf][], TurnLimit[]]>([
    ['nothing set, no limit', [], []],
    ['set for everybody, each person by themselves', [['all', perMinute(5)]], [{ scope: user, requestsPerMinute: 5 }]],
    [
      'set for the workspace, its people',
      [
        ['all', perMinute(5)],
        [workspace, perMinute(3)],
      ],
      [{ scope: user, requestsPerMinute: 3 }],
    ],
    [
      'set for the person, a wider one too',
      [
        ['all', perMinute(5)],
        [user, perMinute(50)],
      ],
      [{ scope: user, requestsPerMinute: 50 }],
    ],
    ['set for the channel, all of it together', [[channel, concurrent(2)]], [{ scope: channel, concurrentTurns: 2 }]],
    [
      'both kinds at once',
      [
        ['all', { ...perMinute(5), ...concurrent(1) }],
        [channel, concurrent(4)],
      ],
      [
        { scope: user, requestsPerMinute: 5, concurrentTurns: 1 },
        { scope: channel, concurrentTurns: 4 },
      ],
    ],
  ])('%s', (_, set, expected) => {
    const values = new Map(set)
    expect(limitsFor(values, ann)).toEqual(expected)
  })

  const entering = (room: Room) =>
    createTurnLimits({
      settings: { read: async () => new Map() },
      limits: { used: async () => new Map(), enter: async () => room },
    }).enter('t', ann)

  it('name the limit, its owner and the time of the next try', async () => {
    const by: TurnLimit = { scope: 'channel:slack/T1/C1', requestsPerMinute: 20 }
    await expect(entering({ kind: 'full', by, againMs: 12_300 })).rejects.toMatchObject({
      code: 'rate_limited',
      retryAfterMs: 12_300,
      userMessage: admissionWording.rateLimited('channel', 20, 13),
    })
    expect(await entering({ kind: 'in' })).toBe('in')
  })

  it.for([
    [{ scope: 'user:slack/T1/U1', concurrentTurns: 3 }, progressWording.waiting(3, 'your')],
    [{ scope: 'channel:slack/T1/C1', concurrentTurns: 1 }, progressWording.waiting(1, 'channel')],
  ] as const)('of turns at a time say for whom the next one waits', async ([by, waiting]) => {
    expect(await entering({ kind: 'wait', by })).toEqual({ waiting })
  })
})
