import { describe, expect, it } from 'vitest'
import { type Scope, type Spender, scopeOf } from '../core/scope.ts'
import { plainRules } from '../routing/rules.ts'
import type { SettingsOf } from '../store/settings.ts'
import { modelWording } from '../wording/commands-models.ts'
import { createTurnRules } from './turn-rules.ts'

const ann: Spender = { platform: 'slack', workspaceId: 'T1', channelId: 'C1', userId: 'U1' }

async function rules(set: [Scope, SettingsOf][]) {
  return await createTurnRules({ read: async () => new Map(set) })(ann)
}

describe('the rules of a question', () => {
  it('have defaults if nothing is set', async () => {
    expect(await rules([])).toEqual(plainRules)
  })

  it('say for whom a model is pinned, by the narrowest scope that pins one', async () => {
    const everybody: [Scope, SettingsOf] = ['all', { 'models.pinned': 'openai/a' }]
    const channel: [Scope, SettingsOf] = [scopeOf.channel(ann), { 'models.pinned': 'openai/b' }]
    const person: [Scope, SettingsOf] = [scopeOf.user(ann), { 'models.pinned': 'openai/c' }]
    expect((await rules([everybody])).pinned).toEqual({ model: 'openai/a', by: modelWording.pinnedBy.all })
    expect((await rules([everybody, channel])).pinned).toEqual({ model: 'openai/b', by: modelWording.pinnedBy.channel })
    expect((await rules([everybody, channel, person])).pinned).toEqual({
      model: 'openai/c',
      by: modelWording.pinnedBy.user,
    })
  })

  it('contain the restrictions and the persona', async () => {
    const set: [Scope, SettingsOf][] = [
      ['all', { 'policy.atLimit': 'refuse', 'models.disabled': ['openai/x'], 'persona.instructions': 'Be kind.' }],
      [
        scopeOf.channel(ann),
        {
          'policy.localOnly': true,
          'policy.allowedModels': ['ollama/y'],
          'models.default': 'ollama/y',
          'persona.instructions': 'Be short.',
          'persona.language': 'German',
          'persona.temperature': 0.2,
        },
      ],
    ]
    expect(await rules(set)).toEqual({
      policy: {
        localOnly: true,
        atLimit: 'refuse',
        web: 'auto',
        memory: true,
        tools: true,
        approvals: 'asker',
        disabled: ['openai/x'],
        allowed: ['ollama/y'],
      },
      defaultModel: 'ollama/y',
      aliases: {},
      persona: { instructions: ['Be kind.\n\nBe short.'], language: 'German', temperature: 0.2 },
    })
  })
})
