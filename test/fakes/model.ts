/** Models for tests, complete but for what a test cares about. */
import { usd } from '../../src/core/money.ts'
import type { Model } from '../../src/models/catalogue.ts'
import { free, type Price } from '../../src/models/price.ts'

/** Decimal USD per million tokens. */
export function perMillion(input: string, output: string): Price {
  return { kind: 'tokens', rates: { input: usd(input), output: usd(output) } }
}

/** `provider/id`: a medium model at $1 and $5 that sees and reads 200,000 tokens. */
export function model(name: string, more: Partial<Model> = {}): Model {
  const [provider = '', id = ''] = name.split('/')
  return {
    id,
    provider,
    kind: 'generative',
    aliases: [],
    contextWindow: 200_000,
    maxOutputTokens: 4_096,
    price: perMillion('1', '5'),
    priceSource: 'published',
    tier: 'medium',
    local: false,
    enabled: true,
    vision: true,
    origin: 'discovered',
    ...more,
  }
}

/** On own hardware: free, blind, and reads 32,000 tokens. */
export function ownModel(name: string, more: Partial<Model> = {}): Model {
  return model(name, {
    price: free,
    priceSource: 'hardware',
    local: true,
    vision: false,
    contextWindow: 32_000,
    ...more,
  })
}

export const quotingModel = model('extractive/extractive', {
  kind: 'extractive',
  price: free,
  priceSource: 'hardware',
  local: true,
  vision: false,
  origin: 'builtin',
  tier: 'small',
})
