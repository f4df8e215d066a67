/** The router's rules, one line each: the situation → who answers and who stands by → the reason that people read. */
import { describe, expect, it } from 'vitest'
import { model, ownModel, perMillion, quotingModel as quotes } from '../../test/fakes/model.ts'
import { usd } from '../core/money.ts'
import { describeDecision, RouteDecision } from '../core/route-decision.ts'
import type { Model } from '../models/catalogue.ts'
import { modelKey } from '../models/complete-model.ts'
import { judge, type QuestionShape } from './complexity.ts'
import type { Speed } from './health.ts'
import { openPolicy } from './policy.ts'
import type { RouteRequest } from './requested.ts'
import { type RouteInput, route } from './router.ts'

// Three of one provider, three of another, two on own hardware, in the catalogue's order.
const mini = model('openai/mini', { price: perMillion('0.25', '2') })
const nano = model('openai/nano', { tier: 'small', price: perMillion('0.05', '0.4') })
const gpt = model('openai/gpt', { tier: 'large', price: perMillion('1.25', '10'), contextWindow: 400_000 })
const haiku = model('anthropic/haiku', { tier: 'small', aliases: ['quick'] })
const sonnet = model('anthropic/sonnet', { price: perMillion('3', '15'), audio: true })
const opus = model('anthropic/opus', { tier: 'large', price: perMillion('5', '25') })
const llama = ownModel('ollama/llama', { tier: 'small' })
const qwen = ownModel('ollama/qwen', { tier: 'large', vision: true, contextWindow: 128_000 })
const mystery = model('openai/mystery', { price: undefined as never, priceSource: 'unknown' })
delete mystery.price
const cloud = [mini, nano, gpt, haiku, sonnet, opus]
const all = [...cloud, llama, qwen]

const isDefault = (of: Model): Model => ({ ...of, isDefault: true, origin: 'configured' })
const without = (models: Model[], ...gone: Model[]) => models.filter((each) => !gone.includes(each))

// Questions.
const nothing: QuestionShape = {
  questionTokens: 12,
  fileTokens: 0,
  pages: 0,
  images: 0,
  files: 0,
  asks: 1,
  code: false,
}
function question(shape: Partial<QuestionShape> = {}, more: Partial<RouteRequest> = {}): RouteRequest {
  const whole = { ...nothing, ...shape }
  const likely = 900 + whole.questionTokens + whole.fileTokens
  return { tokensIn: 1_000, tokensLikely: likely, images: whole.images, complexity: judge(whole), ...more }
}
const plain = question()
const program = question({ code: true })
const report = question({ pages: 40, fileTokens: 24_000, files: 1 })
const reports = question({ pages: 300, fileTokens: 60_000, files: 5 })
const picture = question({ images: 1, files: 1 })
const long = question({}, { tokensIn: 250_000 })
const tooLong = question({}, { tokensIn: 900_000 })

const ill =
  (...names: Model[]) =>
  (of: Model) =>
    names.some((each) => modelKey(each) === modelKey(of)) ? 'failed a moment ago' : undefined
const left = (amount: string | null, models: Model[] = all) =>
  new Map(models.map((each) => [modelKey(each), amount === null ? null : usd(amount)]))
const speed = (of: Record<string, Speed>) => (each: Model) => of[each.id]

interface Case extends Omit<RouteInput, 'request' | 'models'> {
  models: Model[]
  ask: RouteRequest
}
type Row = [situation: string, given: Case, order: string, reason: string]

const tables: Record<string, Row[]> = {
  'without a default, the tier that the structure wants': [
    [
      'a plain question goes to the cheapest small model, and another provider stands by first',
      { models: cloud, ask: plain },
      'nano, haiku, mini, extractive',
      'A plain question wants a small model: nano is the cheapest of 2, at about $0.00024.',
    ],
    [
      'program code wants a medium one',
      { models: cloud, ask: program },
      'mini, sonnet, gpt, extractive',
      'The question wants a medium model (program code): mini is the cheapest of 2, at about $0.0012.',
    ],
    [
      'a report of forty pages wants a medium one',
      { models: cloud, ask: report },
      'mini, sonnet, gpt, extractive',
      'The question wants a medium model (about 24,000 tokens of files, 40 pages): mini is the cheapest of 2, at about $0.0072.',
    ],
    [
      'five long reports want a large one',
      { models: cloud, ask: reports },
      'gpt, opus, mini, extractive',
      'The question wants a large model (about 60,000 tokens of files, 300 pages, 5 files to be compared): gpt is the cheapest of 2, at about $0.081.',
    ],
    [
      'own hardware costs nothing and wins its tier',
      { models: all, ask: plain },
      'llama, nano, haiku, extractive',
      'A plain question wants a small model: llama is the cheapest of 3, at about $0.',
    ],
    [
      'where the wanted tier is missing, the next better one is taken',
      { models: [mini, gpt], ask: plain },
      'mini, gpt',
      'A plain question wants a small model and none is at hand: mini, a medium one, comes nearest.',
    ],
    [
      'where nothing better is there, the next lesser one',
      { models: [nano, mini], ask: reports },
      'mini, nano',
      'The question wants a large model (about 60,000 tokens of files, 300 pages, 5 files to be compared) and none is at hand: mini, a medium one, comes nearest.',
    ],
    [
      'the only one of its tier says so',
      { models: [nano, mini], ask: plain },
      'nano, mini',
      'A plain question wants a small model: nano is the only one, at about $0.00024.',
    ],
    [
      'equal in price, the faster one',
      {
        models: [ownModel('a/slow'), ownModel('b/fast')],
        ask: program,
        speed: speed({
          slow: { firstTokenMs: 3_000, tokensPerSecond: 10 },
          fast: { firstTokenMs: 300, tokensPerSecond: 90 },
        }),
      },
      'fast, slow',
      'The question wants a medium model (program code): fast is the fastest of 2, at about $0.',
    ],
    [
      'a little dearer and much faster wins',
      {
        models: [model('a/slow', { price: perMillion('1', '5') }), model('b/fast', { price: perMillion('1.2', '6') })],
        ask: program,
        speed: speed({
          slow: { firstTokenMs: 20_000, tokensPerSecond: 10 },
          fast: { firstTokenMs: 300, tokensPerSecond: 90 },
        }),
      },
      'fast, slow',
      'The question wants a medium model (program code): fast is the best of 2 by price and speed, at about $0.0040.',
    ],
    [
      'much dearer and a little faster does not',
      {
        models: [mini, sonnet],
        ask: program,
        speed: speed({
          mini: { firstTokenMs: 900, tokensPerSecond: 70 },
          sonnet: { firstTokenMs: 700, tokensPerSecond: 90 },
        }),
      },
      'mini, sonnet',
      'The question wants a medium model (program code): mini is the cheapest of 2, at about $0.0012.',
    ],
    [
      'equal in price and never measured, the catalogue’s order',
      { models: [ownModel('a/one'), ownModel('b/two')], ask: program },
      'one, two',
      'The question wants a medium model (program code): one is the first of 2 that cost the same, at about $0.',
    ],
    [
      'at most two stand by beside quoting',
      { models: [...all, quotes], ask: plain },
      'llama, nano, haiku, extractive',
      'A plain question wants a small model: llama is the cheapest of 3, at about $0.',
    ],
  ],

  'the default is the floor': [
    [
      'it answers plain questions, though a lesser one were cheaper',
      { models: [isDefault(mini), ...without(cloud, mini)], ask: plain },
      'mini, sonnet, gpt, extractive',
      'mini is the configured default.',
    ],
    [
      'it answers what its own tier is wanted for, though another were cheaper',
      { models: [isDefault(sonnet), ...without(cloud, sonnet)], ask: report },
      'sonnet, mini, gpt, extractive',
      'sonnet is the configured default.',
    ],
    [
      'it makes room where the structure wants more',
      { models: [isDefault(mini), ...without(cloud, mini)], ask: reports },
      'gpt, opus, mini, extractive',
      'The question wants a large model (about 60,000 tokens of files, 300 pages, 5 files to be compared): gpt is the cheapest of 2, at about $0.081.',
    ],
    [
      'it stays where nothing more is at hand',
      { models: [isDefault(mini), nano], ask: reports },
      'mini, nano',
      'The question wants a large model (about 60,000 tokens of files, 300 pages, 5 files to be compared) and none is at hand: mini, a medium one, comes nearest.',
    ],
    [
      'a larger one whose price nobody knows is nothing more',
      { models: [isDefault(mini), { ...mystery, tier: 'large' }], ask: reports },
      'mini',
      'The question wants a large model (about 60,000 tokens of files, 300 pages, 5 files to be compared) and none is at hand: mini, a medium one, comes nearest.',
    ],
    [
      'a large one answers everything',
      { models: [isDefault(opus), ...without(cloud, opus)], ask: plain },
      'opus, gpt, mini, extractive',
      'opus is the configured default.',
    ],
    [
      'a channel’s own default wins over the catalogue’s',
      { models: [isDefault(mini), haiku], defaultModel: 'anthropic/haiku', ask: plain },
      'haiku, mini',
      'haiku is the configured default.',
    ],
    [
      'one that is gone leaves the catalogue’s',
      { models: [isDefault(mini), haiku], defaultModel: 'anthropic/gone', ask: plain },
      'mini, haiku',
      'mini is the configured default.',
    ],
    [
      'when it cannot answer, another of its tier does rather than a lesser one',
      { models: [isDefault(mini), ...without(cloud, mini)], ask: plain, health: ill(mini) },
      'sonnet, gpt, opus, extractive',
      'mini cannot be asked because it failed a moment ago. So sonnet answers instead.',
    ],
    [
      'quoting may be the default',
      { models: [isDefault(quotes), mini], ask: plain },
      'extractive, mini',
      'Quoting is the configured default.',
    ],
  ],

  'what the message asks for': [
    [
      'wins over everything',
      {
        models: [isDefault(mini), ...without(cloud, mini)],
        ask: { ...plain, requested: 'opus', pinned: { model: 'openai/gpt', by: 'for you' }, sticky: haiku },
      },
      'opus, gpt, haiku, extractive',
      'opus was asked for.',
    ],
    [
      'may be named with its provider',
      { models: cloud, ask: { ...plain, requested: 'anthropic/opus' } },
      'opus, nano, haiku, extractive',
      'opus was asked for.',
    ],
    [
      'may be named by an alias',
      { models: cloud, ask: { ...plain, requested: 'Quick' } },
      'haiku, nano, mini, extractive',
      'haiku was asked for.',
    ],
    [
      'is told when it does not exist',
      { models: [isDefault(mini), haiku], ask: { ...plain, requested: 'gone' } },
      'mini, haiku',
      'gone is not available. So mini answers instead.',
    ],
    [
      'is told when the policy is against it',
      {
        models: [isDefault(mini), haiku],
        ask: { ...plain, requested: 'haiku' },
        policy: { ...openPolicy, disabled: ['anthropic/haiku'] },
      },
      'mini',
      'haiku is disabled by an admin. So mini answers instead.',
    ],
    [
      'may be quoting',
      { models: [isDefault(mini), quotes], ask: { ...plain, requested: 'extractive' } },
      'extractive, mini',
      'Quoting was asked for.',
    ],
  ],

  'what is pinned': [
    [
      'answers, whatever the structure wants',
      {
        models: [isDefault(mini), ...without(cloud, mini)],
        ask: { ...reports, pinned: { model: 'openai/nano', by: 'for you' } },
      },
      'nano, opus, gpt, extractive',
      'nano is pinned for you.',
    ],
    [
      'for a channel says so',
      { models: cloud, ask: { ...plain, pinned: { model: 'anthropic/sonnet', by: 'for this channel' } } },
      'sonnet, nano, haiku, extractive',
      'sonnet is pinned for this channel.',
    ],
    [
      'wins over the conversation’s model',
      { models: cloud, ask: { ...plain, pinned: { model: 'openai/gpt', by: 'for you' }, sticky: haiku } },
      'gpt, haiku, nano, extractive',
      'gpt is pinned for you.',
    ],
    [
      'yields where only other models are allowed',
      {
        models: all,
        ask: { ...plain, pinned: { model: 'openai/gpt', by: 'for you' } },
        policy: { ...openPolicy, allowed: ['anthropic/haiku'] },
      },
      'haiku, extractive',
      'gpt is not among the models that are allowed here. So haiku answers instead.',
    ],
    [
      'yields where only own hardware may answer',
      {
        models: all,
        ask: { ...plain, pinned: { model: 'openai/gpt', by: 'for you' } },
        policy: { ...openPolicy, localOnly: true },
      },
      'llama, qwen, extractive',
      'gpt does not run on own hardware, and only such models may answer here. So llama answers instead.',
    ],
    [
      'yields while it is ill, to whom the conversation had',
      {
        models: cloud,
        ask: { ...plain, pinned: { model: 'openai/gpt', by: 'for you' }, sticky: haiku },
        health: ill(gpt),
      },
      'haiku, nano, mini, extractive',
      'gpt cannot be asked because it failed a moment ago. haiku has answered this conversation so far.',
    ],
    [
      'to quoting only quotes',
      { models: [mini, quotes], ask: { ...plain, pinned: { model: 'extractive', by: 'for this channel' } } },
      'extractive, mini',
      'Quoting was asked for.',
    ],
  ],

  'a conversation': [
    [
      'keeps its model',
      { models: cloud, ask: { ...plain, sticky: sonnet } },
      'sonnet, nano, haiku, extractive',
      'sonnet has answered this conversation so far.',
    ],
    [
      'keeps it when a question wants more',
      { models: cloud, ask: { ...reports, sticky: nano } },
      'nano, opus, gpt, extractive',
      'nano has answered this conversation so far.',
    ],
    [
      'keeps it though it is not the default',
      { models: [isDefault(mini), ...without(cloud, mini)], ask: { ...plain, sticky: haiku } },
      'haiku, mini, sonnet, extractive',
      'haiku has answered this conversation so far.',
    ],
    [
      'that the default answers is the default’s',
      { models: [isDefault(mini), haiku], ask: { ...plain, sticky: mini } },
      'mini, haiku',
      'mini is the configured default.',
    ],
    [
      'changes it when a picture comes that it cannot see',
      { models: all, ask: { ...picture, sticky: llama } },
      'nano, haiku, mini, extractive',
      'llama cannot see images. So nano answers instead.',
    ],
    [
      'changes it when it has outgrown it',
      { models: all, ask: question({}, { tokensIn: 40_000, sticky: llama }) },
      'nano, haiku, mini, extractive',
      'llama reads at most 32,000 tokens and the question needs 40,256. So nano answers instead.',
    ],
    [
      'changes it when an admin disables it',
      { models: [nano, { ...haiku, enabled: false }], ask: { ...plain, sticky: haiku } },
      'nano',
      'haiku is disabled by an admin. So nano answers instead.',
    ],
    [
      'changes it while it is ill',
      { models: cloud, ask: { ...plain, sticky: sonnet }, health: ill(sonnet) },
      'nano, haiku, mini, extractive',
      'sonnet cannot be asked because it failed a moment ago. So nano answers instead.',
    ],
    [
      'does not hold on to quoting',
      { models: [nano, quotes], ask: { ...plain, sticky: quotes } },
      'nano, extractive',
      'A plain question wants a small model: nano is the only one, at about $0.00024.',
    ],
    [
      'whose model is gone goes on with another',
      { models: [nano], ask: { ...plain, sticky: { provider: 'openai', id: 'old' } } },
      'nano',
      'old is not available. So nano answers instead.',
    ],
  ],

  'a button under the answer': [
    [
      'cheaper goes one tier down',
      { models: cloud, ask: { ...plain, button: { towards: 'cheaper', from: gpt }, sticky: gpt } },
      'mini, haiku, gpt, extractive',
      'mini is the next cheaper one.',
    ],
    [
      'better goes one tier up, to the cheapest there',
      { models: cloud, ask: { ...plain, button: { towards: 'better', from: mini } } },
      'gpt, haiku, nano, extractive',
      'gpt is the next better one.',
    ],
    [
      'better skips a tier that is missing',
      { models: [nano, gpt], ask: { ...plain, button: { towards: 'better', from: nano } } },
      'gpt, nano',
      'gpt is the next better one.',
    ],
    [
      'cheaper within a tier where there is no lower one',
      { models: [haiku, nano], ask: { ...plain, button: { towards: 'cheaper', from: haiku } } },
      'nano, haiku',
      'nano is the next cheaper one.',
    ],
    [
      'better within a tier where there is no higher one',
      { models: [gpt, opus], ask: { ...plain, button: { towards: 'better', from: gpt } } },
      'opus, gpt',
      'opus is the next better one.',
    ],
    [
      'cheaper never costs more',
      { models: [qwen, nano], ask: { ...plain, button: { towards: 'cheaper', from: qwen } } },
      'qwen, nano',
      'qwen has no cheaper one beside it that could answer.',
    ],
    [
      'has nothing to offer',
      { models: [opus], ask: { ...plain, button: { towards: 'better', from: opus } } },
      'opus',
      'opus has no better one beside it that could answer.',
    ],
    [
      'wins over a pin, but not over the policy',
      {
        models: cloud,
        ask: { ...plain, button: { towards: 'better', from: mini }, pinned: { model: 'openai/mini', by: 'for you' } },
        policy: { ...openPolicy, disabled: ['openai/gpt'] },
      },
      'opus, mini, nano, extractive',
      'opus is the next better one.',
    ],
  ],

  pictures: [
    [
      'a picture goes to one that sees',
      { models: [isDefault(llama), nano], ask: picture },
      'nano',
      'llama cannot see images. So nano answers instead.',
    ],
    [
      'one that is known to see comes before one that may',
      {
        models: [model('a/may', { vision: undefined as never }), model('b/sees', { price: perMillion('9', '9') })],
        ask: picture,
      },
      'sees, may',
      'The question wants a small model (a picture) and none is at hand: sees, a medium one, comes nearest.',
    ],
    [
      'the default may try though nobody knows',
      { models: [isDefault(ownModel('a/may', { vision: undefined as never })), mini], ask: picture },
      'may, mini',
      'may is the configured default.',
    ],
    [
      'nobody sees: one that reads answers, and the pictures are left out',
      { models: [llama], ask: picture },
      'llama',
      'The question wants a small model (a picture): llama is the only one, at about $0. No model at hand can see images, so they were left out.',
    ],
    [
      'a seeing one that is ill comes before a blind one',
      { models: [llama, nano], ask: picture, health: ill(nano) },
      'nano',
      'The question wants a small model (a picture): nano is the only one, at about $0.00029.',
    ],
  ],

  length: [
    [
      'a long question goes to one that reads enough',
      { models: [isDefault(mini), ...without(cloud, mini)], ask: long },
      'gpt, extractive',
      'mini reads at most 200,000 tokens and the question needs 250,256. So gpt answers instead.',
    ],
    [
      'too long for all: quoting, which reads any length',
      { models: [isDefault(mini), gpt, quotes], ask: tooLong },
      'extractive',
      'mini reads at most 200,000 tokens and the question needs 900,256. So Parley quotes what fits best in the shared files.',
    ],
    [
      'too long for all, and no default to name',
      { models: [mini, gpt, quotes], ask: tooLong },
      'extractive',
      'The question is too long for every model. So Parley quotes what fits best in the shared files.',
    ],
    [
      'the room for the answer counts',
      { models: [llama, nano], ask: question({}, { tokensIn: 31_000, tokensOut: 2_000 }) },
      'nano',
      'A plain question wants a small model: nano is the only one, at about $0.00024.',
    ],
  ],

  policy: [
    [
      'local only',
      { models: all, ask: reports, policy: { ...openPolicy, localOnly: true } },
      'qwen, llama, extractive',
      'The question wants a large model (about 60,000 tokens of files, 300 pages, 5 files to be compared): qwen is the only one, at about $0.',
    ],
    [
      'local only, and nothing local',
      { models: [...cloud, quotes], ask: plain, policy: { ...openPolicy, localOnly: true } },
      'extractive',
      'Only models on own hardware may answer here, and there is none. So Parley quotes what fits best in the shared files.',
    ],
    [
      'allowed models only, the default not among them',
      {
        models: [isDefault(mini), haiku, opus],
        ask: plain,
        policy: { ...openPolicy, allowed: ['anthropic/haiku', 'anthropic/opus'] },
      },
      'haiku, opus',
      'mini is not among the models that are allowed here. So haiku answers instead.',
    ],
    [
      'everything disabled',
      { models: [{ ...mini, enabled: false }, quotes], ask: plain },
      'extractive',
      'Every language model is disabled. So Parley quotes what fits best in the shared files.',
    ],
    [
      'quoting is never forbidden',
      {
        models: [mini, quotes],
        ask: plain,
        policy: { ...openPolicy, allowed: [], disabled: ['extractive/extractive'] },
      },
      'extractive',
      'None of the models that are allowed here is available. So Parley quotes what fits best in the shared files.',
    ],
  ],

  'prices and budgets': [
    [
      'an unknown price is not free',
      { models: [mystery, opus], ask: plain },
      'opus',
      'A plain question wants a small model and none is at hand: opus, a large one, comes nearest.',
    ],
    [
      'not even for what was asked for',
      { models: [mystery, opus], ask: { ...plain, requested: 'mystery' } },
      'opus',
      'mystery has no known price, and nothing is spent blindly. So opus answers instead.',
    ],
    [
      'hardware by the hour is priced by how long it takes',
      {
        models: [model('gpu/own', { tier: 'small', price: { kind: 'hours', perHour: usd('2') } }), nano],
        ask: plain,
        speed: speed({ own: { firstTokenMs: 400, tokensPerSecond: 50 } }),
      },
      'nano, own',
      'A plain question wants a small model: nano is the cheapest of 2, at about $0.00024.',
    ],
    [
      'what the budget does not hold is not asked',
      { models: [isDefault(sonnet), ...without(cloud, sonnet)], ask: plain, left: left('0.05') },
      'mini, haiku, gpt, extractive',
      'sonnet may cost up to $0.068, and the budget has $0.050 left. So mini answers instead.',
    ],
    [
      'what costs nothing needs none',
      { models: all, ask: plain, left: left('0') },
      'llama, qwen, extractive',
      'A plain question wants a small model: llama is the only one, at about $0.',
    ],
    [
      'an overdrawn budget has nothing left',
      { models: [isDefault(mini), quotes], ask: plain, left: new Map([['openai/mini', -5n]]) },
      'extractive',
      'mini may cost up to $0.0087, and the budget has $0 left. So Parley quotes what fits best in the shared files.',
    ],
    [
      'no limit is no limit',
      { models: [opus], ask: plain, left: left(null) },
      'opus',
      'A plain question wants a small model and none is at hand: opus, a large one, comes nearest.',
    ],
    [
      'a model’s own budget gates that model alone',
      { models: cloud, ask: plain, left: new Map([...left(null), ['openai/nano', 0n]]) },
      'haiku, mini, sonnet, extractive',
      'A plain question wants a small model: haiku is the only one, at about $0.0034.',
    ],
  ],

  health: [
    [
      'who is ill stands by after who is well',
      { models: [nano, mini, haiku], ask: plain, health: ill(haiku) },
      'nano, mini, haiku',
      'A plain question wants a small model: nano is the only one, at about $0.00024.',
    ],
    [
      'when all are ill, the best of them is tried before quoting',
      { models: [isDefault(mini), haiku, quotes], ask: plain, health: ill(mini, haiku) },
      'mini, haiku, extractive',
      'mini is the configured default.',
    ],
    [
      'a whole provider that is ill leaves the other one',
      { models: cloud, ask: plain, health: ill(mini, nano, gpt) },
      'haiku, sonnet, opus, extractive',
      'A plain question wants a small model: haiku is the only one, at about $0.0034.',
    ],
  ],

  'nothing to choose from': [
    [
      'no model at all: quoting',
      { models: [quotes], ask: plain },
      'extractive',
      'No language model is configured, so Parley quotes what fits best in the shared files.',
    ],
  ],
}

describe.each(Object.entries(tables))('%s', (_, rows) => {
  it.for(rows)('%s', ([, { models, ask, ...rest }, order, reason]) => {
    const chosen = route({
      models:
        order.includes('extractive') && !models.some(({ kind }) => kind === 'extractive')
          ? [...models, quotes]
          : models,
      request: ask,
      ...rest,
    })
    expect([chosen.model, ...chosen.fallbacks].map(({ id }) => id).join(', ')).toBe(order)
    expect(chosen.reason).toBe(reason)
    expect(chosen.provider).toBe(chosen.model.provider)
  })
})
it('has at least sixty rows', () => {
  expect(Object.values(tables).flat().length).toBeGreaterThanOrEqual(60)
})

it('never names a model twice, and throws where there is none at all', () => {
  const ask = { ...picture, overrides: 'opus', pinned: { model: 'openai/mini', by: 'for you' }, sticky: opus }
  const { model: first, fallbacks } = route({ models: [...all, quotes], request: ask })
  expect(new Set([first, ...fallbacks]).size).toBe(1 + fallbacks.length)
  expect(() => route({ models: [], request: plain })).toThrow(RangeError)
})

it('says what to do where rules let nobody answer and there is nothing to quote', () => {
  const refusal = (models: Model[], more: Partial<RouteInput> = {}) =>
    route({ models: [...models, quotes], request: plain, ...more }).refusal
  expect(refusal(cloud, { policy: { ...openPolicy, localOnly: true } })).toEqual({
    code: 'model_not_allowed',
    userMessage: 'Only models on own hardware may answer here, and there is none. Ask an admin to connect one.',
  })
  expect(refusal([mystery])?.code).toBe('model_price_unknown')
  expect(refusal([mini], { request: tooLong })?.code).toBe('model_context_overflow')
  expect(refusal([mini], { left: left('0') })?.code).toBe('budget_exhausted')
  expect(refusal([mini])).toBeUndefined()
  expect(refusal([]), 'nothing is configured: the quoting itself says what to do').toBeUndefined()
})

it('keeps the whole decision as JSON, for why and for the dry run', () => {
  const { decision } = route({
    models: [isDefault(mini), nano, gpt, { ...haiku, enabled: false }, mystery, llama, quotes],
    request: { ...reports, sticky: haiku },
    policy: { ...openPolicy, disabled: ['openai/nano'] },
    health: ill(llama),
    speed: speed({ gpt: { firstTokenMs: 800, tokensPerSecond: 61.5 } }),
  })
  expect(RouteDecision.parse(JSON.parse(JSON.stringify(decision)))).toEqual(decision)
  const shown = describeDecision(decision)
  for (const part of [
    '**openai/gpt** was chosen by tier, price and speed. haiku is disabled by an admin. So gpt answers instead.',
    '**Complexity** 7, which wants a large model',
    '- about 60,000 tokens of files: 3',
    '- Disabled here: openai/nano.',
    '1. openai/gpt: large, about $0.081, first word after 0.8 s, 62 tokens/s',
    '2. openai/mini: medium, about $0.016',
    '- openai/nano, anthropic/haiku: is disabled by an admin',
    '- openai/mystery: has no known price, and nothing is spent blindly',
    '- ollama/llama: cannot be asked because it failed a moment ago',
    '**Stand by** openai/mini, ollama/llama, extractive/extractive',
  ])
    expect(shown).toContain(part)
})

it('keeps a decision small, however many models there are', () => {
  const many = Array.from({ length: 500 }, (_, at) => ({ ...mystery, id: `m${at}` }))
  const { decision } = route({ models: [...many, mini, quotes], request: plain })
  expect(decision.gated).toHaveLength(1)
  expect(decision.gated[0]?.models.length).toBe(20)
  expect(decision.gated[0]?.more).toBe(480)
  expect(JSON.stringify(decision).length).toBeLessThan(3_000)
})
