import { describe, expect, it } from 'vitest'
import type { Model } from '../models/catalogue.ts'
import { type RouteInput, route } from './router.ts'

const model = (id: string, more: Partial<Model> = {}): Model => ({
  id,
  provider: 'local',
  contextWindow: 8_192,
  maxOutputTokens: 1_024,
  aliases: [],
  priceSource: 'unknown',
  tier: 'medium',
  local: false,
  enabled: true,
  origin: 'discovered',
  ...more,
})
const quoting = model('extractive', { provider: 'extractive', vision: false, origin: 'builtin' })
const main = model('main', { isDefault: true, origin: 'configured' })
const small = model('small', { contextWindow: 4_096, isDefault: true, origin: 'configured' })
const big = model('big', { contextWindow: 200_000 })
const eyes = model('eyes', { vision: true })
const blind = model('blind', { vision: false, isDefault: true, origin: 'configured' })
const ask = { tokensIn: 1_000, images: 0 }

const table: [name: string, input: RouteInput, order: string[], reason: string][] = [
  [
    'the configured default',
    { models: [main, big, quoting], request: ask },
    ['main', 'big', 'extractive'],
    'main is the configured default.',
  ],
  [
    'what was asked for',
    { models: [main, big, quoting], request: { ...ask, pinned: 'big' } },
    ['big', 'main', 'extractive'],
    'big was asked for.',
  ],
  [
    'quoting when it was asked for',
    { models: [main, quoting], request: { ...ask, pinned: 'extractive' } },
    ['extractive', 'main'],
    'Quoting was asked for.',
  ],
  [
    'the default when what was asked for is gone',
    { models: [main, quoting], request: { ...ask, pinned: 'gone' } },
    ['main', 'extractive'],
    'gone is not available. So main answers instead.',
  ],
  [
    'the first configured one',
    { models: [model('c', { origin: 'configured' }), big, quoting], request: ask },
    ['c', 'big', 'extractive'],
    'c is the first configured model that fits.',
  ],
  [
    'the first discovered one',
    { models: [big, eyes, quoting], request: ask },
    ['big', 'eyes', 'extractive'],
    'No default is configured; big is the first model that local offers and that fits.',
  ],
  [
    'one that reads enough',
    { models: [small, big, quoting], request: { tokensIn: 50_000, images: 0 } },
    ['big', 'extractive'],
    'small reads at most 4,096 tokens and the question needs 50,256. So big answers instead.',
  ],
  [
    'one that sees',
    { models: [blind, eyes, quoting], request: { ...ask, images: 2 } },
    ['eyes', 'extractive'],
    'blind cannot see images. So eyes answers instead.',
  ],
  [
    'one known to see before one that may',
    { models: [big, eyes, quoting], request: { ...ask, images: 1 } },
    ['eyes', 'big', 'extractive'],
    'eyes can see images.',
  ],
  [
    'one that is well, and the ailing one after it',
    {
      models: [main, big, quoting],
      request: ask,
      health: ({ id }) => (id === 'main' ? 'failed a moment ago' : undefined),
    },
    ['big', 'main', 'extractive'],
    'main cannot be asked because it failed a moment ago. So big answers instead.',
  ],
  [
    'the ailing one before quoting',
    { models: [main, quoting], request: ask, health: () => 'is busy' },
    ['main', 'extractive'],
    'main is the configured default.',
  ],
  [
    'quoting when nothing is configured',
    { models: [quoting], request: ask },
    ['extractive'],
    'No language model is configured, so Parley quotes what fits best in the shared files.',
  ],
  [
    'quoting when nothing reads enough',
    { models: [small, quoting], request: { tokensIn: 90_000, images: 0 } },
    ['extractive'],
    'small reads at most 4,096 tokens and the question needs 90,256. So Parley quotes what fits best in the shared files.',
  ],
]

describe('the router chooses', () => {
  it.for(table)('%s', ([, input, order, reason]) => {
    const chosen = route(input)
    expect([chosen.model, ...chosen.fallbacks].map(({ id }) => id)).toEqual(order)
    expect(chosen.reason).toBe(reason)
    expect(chosen.provider).toBe(chosen.model.provider)
  })

  it('a model that reads when none can see, and says that the images are left out', () => {
    const chosen = route({ models: [blind, quoting], request: { ...ask, images: 1 } })
    expect(chosen).toMatchObject({ model: blind, withoutImages: true })
    expect(chosen.reason).toBe(
      'blind is the configured default. No model at hand can see images, so they were left out.',
    )
    expect(route({ models: [eyes, quoting], request: { ...ask, images: 1 } }).withoutImages).toBe(false)
  })

  it('never the same model twice, and never none', () => {
    const { model: first, fallbacks } = route({
      models: [main, big, eyes, quoting],
      request: { ...ask, pinned: 'eyes', images: 1 },
    })
    expect(new Set([first, ...fallbacks]).size).toBe(4)
    expect(() => route({ models: [], request: ask })).toThrow(RangeError)
  })
})
