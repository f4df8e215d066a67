import { describe, expect, it } from 'vitest'
import type { Scope } from '../core/scope.ts'
import type { SettingsOf } from '../store/settings.ts'
import { type Effective, effective } from './effective.ts'

const scopes: Scope[] = ['all', 'workspace:slack/T1', 'channel:slack/T1/C1', 'user:slack/T1/U1']
const of = (...values: SettingsOf[]) => effective(scopes, new Map(values.map((each, n) => [scopes[n] ?? 'all', each])))

type Case = [name: string, settings: SettingsOf[], holds: (what: Effective) => unknown, expected: unknown]
const table: Case[] = [
  [
    'without settings nothing is restricted',
    [],
    ({ policy }) => [policy.localOnly, policy.allowedModels, policy.guests],
    [false, undefined, 'answer'],
  ],
  [
    'local-only for the workspace also applies in a channel that turns it off',
    [{}, { 'policy.localOnly': true }, { 'policy.localOnly': false }],
    ({ policy }) => policy.localOnly,
    true,
  ],
  [
    'local-only for a channel applies there',
    [{}, {}, { 'policy.localOnly': true }],
    ({ policy }) => policy.localOnly,
    true,
  ],
  [
    'allowed lists intersect',
    [{ 'policy.allowedModels': ['a', 'b', 'c'] }, {}, { 'policy.allowedModels': ['b', 'c', 'd'] }],
    ({ policy }) => policy.allowedModels,
    new Set(['b', 'c']),
  ],
  [
    'lists without a common model allow nothing',
    [{ 'policy.allowedModels': ['a'] }, { 'policy.allowedModels': ['b'] }],
    ({ policy }) => policy.allowedModels,
    new Set(),
  ],
  [
    'disabled models unite',
    [{ 'models.disabled': ['a'] }, { 'models.disabled': ['b'] }, { 'models.disabled': ['a', 'c'] }],
    ({ models }) => models.disabled,
    new Set(['a', 'b', 'c']),
  ],
  [
    'guests refused by a wider scope stay refused',
    [{}, { 'policy.guests': 'refuse' }, { 'policy.guests': 'answer' }],
    ({ policy }) => policy.guests,
    'refuse',
  ],
  [
    'the narrowest scope decides what happens at a limit',
    [{ 'policy.atLimit': 'refuse' }, {}, { 'policy.atLimit': 'cheaper' }],
    ({ policy }) => policy.atLimit,
    'cheaper',
  ],
  [
    'the narrowest pinned model wins',
    [{ 'models.pinned': 'a' }, {}, { 'models.pinned': 'b' }, { 'models.pinned': 'c' }],
    ({ models }) => models.pinned,
    'c',
  ],
  [
    'the narrowest default wins',
    [{ 'models.default': 'a' }, { 'models.default': 'b' }],
    ({ models }) => models.default,
    'b',
  ],
  [
    'aliases unite, and the narrower scope wins for the same word',
    [{ 'models.aliases': { fast: 'a', big: 'b' } }, { 'models.aliases': { fast: 'c' } }],
    ({ models }) => models.aliases,
    { fast: 'c', big: 'b' },
  ],
  [
    'instructions are joined from wide to narrow',
    [
      { 'persona.instructions': 'Be kind.' },
      {},
      { 'persona.instructions': 'Cite.' },
      { 'persona.instructions': 'Be brief.' },
    ],
    ({ persona }) => persona.instructions,
    'Be kind.\n\nCite.\n\nBe brief.',
  ],
  [
    'for language, temperature and length the narrowest scope wins',
    [
      { 'persona.language': 'German', 'persona.temperature': 0 },
      { 'persona.maxOutputTokens': 500 },
      { 'persona.temperature': 1 },
      { 'persona.language': 'Greek' },
    ],
    ({ persona }) => [persona.language, persona.temperature, persona.maxOutputTokens],
    ['Greek', 1, 500],
  ],
  [
    'templates unite',
    [{ 'persona.templates': { a: '1', b: '1' } }, {}, {}, { 'persona.templates': { b: '2' } }],
    ({ persona }) => persona.templates,
    { a: '1', b: '2' },
  ],
  ['without a time zone, the one of the configuration applies', [], ({ timezone }) => timezone, undefined],
]

describe('settings of several scopes', () => {
  it.for(table)('%s', ([, settings, holds, expected]) => {
    expect(holds(of(...settings))).toEqual(expected)
  })
})
