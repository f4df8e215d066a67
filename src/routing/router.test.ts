/** The router's rules, one line each: the situation → who answers and who stands by → the reason that people read. */
import { describe, expect, it } from 'vitest'
import { model, ownModel, perMillion, quotingModel as quotes } from '../../test/fakes/model.ts'
import { usd } from '../core/money.ts'
import { describeDecision, RouteDecision } from '../core/route-decision.ts'
import type { Model, Tier } from '../models/catalogue.ts'
import { modelKey } from '../models/complete-model.ts'
import {
  comparisonWording,
  gateWording,
  howWording,
  policyWording,
  reasonWording,
  shapeWording,
  whyWording,
} from '../wording/routing.ts'
import { judge, type QuestionShape } from './complexity.ts'
import type { Speed } from './health.ts'
import type { RouteRequest } from './requested.ts'
import { type RouteInput, route } from './router.ts'
import { openPolicy } from './rules.ts'

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

/** The reason for a model of the right size: its price as a decimal. */
const bySize = (tier: Tier, parts: string[], name: string, comparison: string, price: string) =>
  reasonWording.bySize(tier, parts, name, comparisonWording.withCost(comparison, usd(price)))

const reportsParts = [shapeWording.fileTokens(60_000), shapeWording.pages(300), shapeWording.files(5)]
const isDefault = (of: Model): Model => ({ ...of, isDefault: true, origin: 'configured' })
const without = (models: Model[], ...gone: Model[]) => models.filter((each) => !gone.includes(each))

// Questions.
const nothing: QuestionShape = {
  fileTokens: 0,
  pages: 0,
  images: 0,
  files: 0,
  asks: 1,
  code: false,
}
function question(shape: Partial<QuestionShape> = {}, more: Partial<RouteRequest> = {}): RouteRequest {
  const whole = { ...nothing, ...shape }
  const likely = 912 + whole.fileTokens
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
const quickAnswers: Speed = { firstTokenMs: 300, tokensPerSecond: 90 }
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
      bySize('small', [], 'nano', comparisonWording.cheapest(2), '0.00024'),
    ],
    [
      'program code wants a medium one',
      { models: cloud, ask: program },
      'mini, sonnet, gpt, extractive',
      bySize('medium', [shapeWording.code], 'mini', comparisonWording.cheapest(2), '0.0012'),
    ],
    [
      'a report of forty pages wants a medium one',
      { models: cloud, ask: report },
      'mini, sonnet, gpt, extractive',
      bySize(
        'medium',
        [shapeWording.fileTokens(24_000), shapeWording.pages(40)],
        'mini',
        comparisonWording.cheapest(2),
        '0.0072',
      ),
    ],
    [
      'five long reports want a large one',
      { models: cloud, ask: reports },
      'gpt, opus, mini, extractive',
      bySize(
        'large',
        [shapeWording.fileTokens(60_000), shapeWording.pages(300), shapeWording.files(5)],
        'gpt',
        comparisonWording.cheapest(2),
        '0.081',
      ),
    ],
    [
      'a model that holds the whole file comes before one of the right tier that does not',
      { models: [llama, gpt], ask: question({}, { tokensLikely: 60_000 }) },
      'gpt, llama',
      reasonWording.nearestSize('small', [], 'gpt', 'large'),
    ],
    [
      'the default that holds only part of the file is passed over, and the reason says so',
      { models: [isDefault({ ...mini, contextWindow: 16_000 }), sonnet], ask: question({}, { tokensLikely: 60_000 }) },
      'sonnet, mini',
      reasonWording.instead(reasonWording.narrow('mini', 16_000), 'sonnet'),
    ],
    [
      'a free model that takes a minute loses to a cheap and quick one',
      {
        models: [ownModel('ollama/slow', { tier: 'medium' }), mini],
        ask: program,
        speed: speed({
          slow: { firstTokenMs: 45_000, tokensPerSecond: 1 },
          mini: { firstTokenMs: 300, tokensPerSecond: 100 },
        }),
      },
      'mini, slow',
      bySize('medium', [shapeWording.code], 'mini', comparisonWording.best(2), '0.0012'),
    ],
    [
      'own hardware costs nothing and wins its tier',
      { models: all, ask: plain },
      'llama, nano, haiku, extractive',
      bySize('small', [], 'llama', comparisonWording.cheapest(3), '0'),
    ],
    [
      'where the right tier is missing, the next better one answers',
      { models: [mini, gpt], ask: plain },
      'mini, gpt',
      reasonWording.nearestSize('small', [], 'mini', 'medium'),
    ],
    [
      'where nothing better is there, the next lesser one',
      { models: [nano, mini], ask: reports },
      'mini, nano',
      reasonWording.nearestSize('large', reportsParts, 'mini', 'medium'),
    ],
    [
      'the only one of its tier says so',
      { models: [nano, mini], ask: plain },
      'nano, mini',
      bySize('small', [], 'nano', comparisonWording.only, '0.00024'),
    ],
    [
      'equal in price, the faster one',
      {
        models: [ownModel('a/slow'), ownModel('b/fast')],
        ask: program,
        speed: speed({ slow: { firstTokenMs: 3_000, tokensPerSecond: 10 }, fast: quickAnswers }),
      },
      'fast, slow',
      bySize('medium', [shapeWording.code], 'fast', comparisonWording.fastest(2), '0'),
    ],
    [
      'a little dearer and much faster wins',
      {
        models: [model('a/slow', { price: perMillion('1', '5') }), model('b/fast', { price: perMillion('1.2', '6') })],
        ask: program,
        speed: speed({ slow: { firstTokenMs: 20_000, tokensPerSecond: 10 }, fast: quickAnswers }),
      },
      'fast, slow',
      bySize('medium', [shapeWording.code], 'fast', comparisonWording.best(2), '0.0040'),
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
      bySize('medium', [shapeWording.code], 'mini', comparisonWording.cheapest(2), '0.0012'),
    ],
    [
      'equal in price and never measured, the catalogue’s order',
      { models: [ownModel('a/one'), ownModel('b/two')], ask: program },
      'one, two',
      bySize('medium', [shapeWording.code], 'one', comparisonWording.first(2), '0'),
    ],
    [
      'at most two stand by beside quoting',
      { models: [...all, quotes], ask: plain },
      'llama, nano, haiku, extractive',
      bySize('small', [], 'llama', comparisonWording.cheapest(3), '0'),
    ],
  ],

  'the default is the floor': [
    [
      'it answers plain questions, though a lesser one were cheaper',
      { models: [isDefault(mini), ...without(cloud, mini)], ask: plain },
      'mini, sonnet, gpt, extractive',
      reasonWording.isDefault('mini'),
    ],
    [
      'it answers what its own tier is wanted for, though another were cheaper',
      { models: [isDefault(sonnet), ...without(cloud, sonnet)], ask: report },
      'sonnet, mini, gpt, extractive',
      reasonWording.isDefault('sonnet'),
    ],
    [
      'it makes room where the structure wants more',
      { models: [isDefault(mini), ...without(cloud, mini)], ask: reports },
      'gpt, opus, mini, extractive',
      bySize(
        'large',
        [shapeWording.fileTokens(60_000), shapeWording.pages(300), shapeWording.files(5)],
        'gpt',
        comparisonWording.cheapest(2),
        '0.081',
      ),
    ],
    [
      'it stays where no larger model is available',
      { models: [isDefault(mini), nano], ask: reports },
      'mini, nano',
      reasonWording.nearestSize('large', reportsParts, 'mini', 'medium'),
    ],
    [
      'a larger one without a price does not count',
      { models: [isDefault(mini), { ...mystery, tier: 'large' }], ask: reports },
      'mini',
      reasonWording.nearestSize('large', reportsParts, 'mini', 'medium'),
    ],
    [
      'a large one answers everything',
      { models: [isDefault(opus), ...without(cloud, opus)], ask: plain },
      'opus, gpt, mini, extractive',
      reasonWording.isDefault('opus'),
    ],
    [
      'a channel’s own default wins over the catalogue’s',
      { models: [isDefault(mini), haiku], defaultModel: 'anthropic/haiku', ask: plain },
      'haiku, mini',
      reasonWording.isDefault('haiku'),
    ],
    [
      'one that is gone leaves the catalogue’s',
      { models: [isDefault(mini), haiku], defaultModel: 'anthropic/gone', ask: plain },
      'mini, haiku',
      reasonWording.isDefault('mini'),
    ],
    [
      'when it cannot answer, another of its tier does rather than a lesser one',
      { models: [isDefault(mini), ...without(cloud, mini)], ask: plain, health: ill(mini) },
      'sonnet, gpt, opus, extractive',
      reasonWording.instead(
        reasonWording.ruledOut('mini', gateWording.health.because('failed a moment ago')),
        'sonnet',
      ),
    ],
    [
      'quoting may be the default',
      { models: [isDefault(quotes), mini], ask: plain },
      'extractive, mini',
      reasonWording.quotesByDefault,
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
      reasonWording.requested('opus', howWording.request),
    ],
    [
      'may be named with its provider',
      { models: cloud, ask: { ...plain, requested: 'anthropic/opus' } },
      'opus, nano, haiku, extractive',
      reasonWording.requested('opus', howWording.request),
    ],
    [
      'may be named by an alias',
      { models: cloud, ask: { ...plain, requested: 'Quick' } },
      'haiku, nano, mini, extractive',
      reasonWording.requested('haiku', howWording.request),
    ],
    [
      'does not exist: the reason says so',
      { models: [isDefault(mini), haiku], ask: { ...plain, requested: 'gone' } },
      'mini, haiku',
      reasonWording.instead(reasonWording.unavailable('gone'), 'mini'),
    ],
    [
      'is forbidden by the policy: the reason says so',
      {
        models: [isDefault(mini), haiku],
        ask: { ...plain, requested: 'haiku' },
        policy: { ...openPolicy, disabled: ['anthropic/haiku'] },
      },
      'mini',
      reasonWording.instead(reasonWording.ruledOut('haiku', gateWording.disabled.because), 'mini'),
    ],
    [
      'may be quoting',
      { models: [isDefault(mini), quotes], ask: { ...plain, requested: 'extractive' } },
      'extractive, mini',
      reasonWording.quotesRequested,
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
      reasonWording.requested('nano', howWording.pin('for you')),
    ],
    [
      'for a channel says so',
      { models: cloud, ask: { ...plain, pinned: { model: 'anthropic/sonnet', by: 'for this channel' } } },
      'sonnet, nano, haiku, extractive',
      reasonWording.requested('sonnet', howWording.pin('for this channel')),
    ],
    [
      'wins over the conversation’s model',
      { models: cloud, ask: { ...plain, pinned: { model: 'openai/gpt', by: 'for you' }, sticky: haiku } },
      'gpt, haiku, nano, extractive',
      reasonWording.requested('gpt', howWording.pin('for you')),
    ],
    [
      'yields where only other models are allowed',
      {
        models: all,
        ask: { ...plain, pinned: { model: 'openai/gpt', by: 'for you' } },
        policy: { ...openPolicy, allowed: ['anthropic/haiku'] },
      },
      'haiku, extractive',
      reasonWording.instead(reasonWording.ruledOut('gpt', gateWording.allowed.because), 'haiku'),
    ],
    [
      'yields where only local models may answer',
      {
        models: all,
        ask: { ...plain, pinned: { model: 'openai/gpt', by: 'for you' } },
        policy: { ...openPolicy, localOnly: true },
      },
      'llama, qwen, extractive',
      reasonWording.instead(reasonWording.ruledOut('gpt', gateWording.local.because), 'llama'),
    ],
    [
      'yields while it is ill, to whom the conversation had',
      {
        models: cloud,
        ask: { ...plain, pinned: { model: 'openai/gpt', by: 'for you' }, sticky: haiku },
        health: ill(gpt),
      },
      'haiku, nano, mini, extractive',
      `${reasonWording.ruledOut('gpt', gateWording.health.because('failed a moment ago'))} ${reasonWording.requested('haiku', howWording.conversation)}`,
    ],
    [
      'to quoting only quotes',
      { models: [mini, quotes], ask: { ...plain, pinned: { model: 'extractive', by: 'for this channel' } } },
      'extractive, mini',
      reasonWording.quotesRequested,
    ],
  ],

  'a conversation': [
    [
      'keeps its model',
      { models: cloud, ask: { ...plain, sticky: sonnet } },
      'sonnet, nano, haiku, extractive',
      reasonWording.requested('sonnet', howWording.conversation),
    ],
    [
      'leaves it when a question wants more',
      { models: cloud, ask: { ...reports, sticky: nano } },
      'gpt, opus, mini, extractive',
      bySize('large', reportsParts, 'gpt', comparisonWording.cheapest(2), '0.081'),
    ],
    [
      'leaves it when the files do not fit',
      { models: [qwen, gpt], ask: { ...question({}, { tokensLikely: 150_000 }), sticky: qwen } },
      'gpt, qwen',
      reasonWording.nearestSize('small', [], 'gpt', 'large'),
    ],
    [
      'keeps it when a question wants less',
      { models: cloud, ask: { ...plain, sticky: opus } },
      'opus, nano, haiku, extractive',
      reasonWording.requested('opus', howWording.conversation),
    ],
    [
      'keeps it though it is not the default',
      { models: [isDefault(mini), ...without(cloud, mini)], ask: { ...plain, sticky: haiku } },
      'haiku, mini, sonnet, extractive',
      reasonWording.requested('haiku', howWording.conversation),
    ],
    [
      'that the default answers is the default’s',
      { models: [isDefault(mini), haiku], ask: { ...plain, sticky: mini } },
      'mini, haiku',
      reasonWording.isDefault('mini'),
    ],
    [
      'changes it when a picture comes that it cannot see',
      { models: all, ask: { ...picture, sticky: llama } },
      'nano, haiku, mini, extractive',
      reasonWording.instead(reasonWording.ruledOut('llama', gateWording.images.because), 'nano'),
    ],
    [
      'changes it when it has outgrown it',
      { models: all, ask: question({}, { tokensIn: 40_000, sticky: llama }) },
      'nano, haiku, mini, extractive',
      reasonWording.instead(reasonWording.ruledOut('llama', gateWording.window.because(32_000, 40_256)), 'nano'),
    ],
    [
      'changes it when an admin disables it',
      { models: [nano, { ...haiku, enabled: false }], ask: { ...plain, sticky: haiku } },
      'nano',
      reasonWording.instead(reasonWording.ruledOut('haiku', gateWording.disabled.because), 'nano'),
    ],
    [
      'changes it while it is ill',
      { models: cloud, ask: { ...plain, sticky: sonnet }, health: ill(sonnet) },
      'nano, haiku, mini, extractive',
      reasonWording.instead(
        reasonWording.ruledOut('sonnet', gateWording.health.because('failed a moment ago')),
        'nano',
      ),
    ],
    [
      'does not hold on to quoting',
      { models: [nano, quotes], ask: { ...plain, sticky: quotes } },
      'nano, extractive',
      bySize('small', [], 'nano', comparisonWording.only, '0.00024'),
    ],
    [
      'whose model is gone goes on with another',
      { models: [nano], ask: { ...plain, sticky: { provider: 'openai', id: 'old' } } },
      'nano',
      reasonWording.instead(reasonWording.unavailable('old'), 'nano'),
    ],
  ],

  'a button under the answer': [
    [
      'cheaper goes one tier down',
      { models: cloud, ask: { ...plain, button: { towards: 'cheaper', from: gpt }, sticky: gpt } },
      'mini, haiku, gpt, extractive',
      reasonWording.requested('mini', howWording.button('cheaper')),
    ],
    [
      'better goes one tier up, to the cheapest there',
      { models: cloud, ask: { ...plain, button: { towards: 'better', from: mini } } },
      'gpt, haiku, nano, extractive',
      reasonWording.requested('gpt', howWording.button('better')),
    ],
    [
      'better skips a tier that is missing',
      { models: [nano, gpt], ask: { ...plain, button: { towards: 'better', from: nano } } },
      'gpt, nano',
      reasonWording.requested('gpt', howWording.button('better')),
    ],
    [
      'cheaper within a tier where there is no lower one',
      { models: [haiku, nano], ask: { ...plain, button: { towards: 'cheaper', from: haiku } } },
      'nano, haiku',
      reasonWording.requested('nano', howWording.button('cheaper')),
    ],
    [
      'better within a tier where there is no higher one',
      { models: [gpt, opus], ask: { ...plain, button: { towards: 'better', from: gpt } } },
      'opus, gpt',
      reasonWording.requested('opus', howWording.button('better')),
    ],
    [
      'cheaper never costs more',
      { models: [qwen, nano], ask: { ...plain, button: { towards: 'cheaper', from: qwen } } },
      'qwen, nano',
      reasonWording.requested('qwen', howWording.noneTowards('cheaper')),
    ],
    [
      'has nothing to offer',
      { models: [opus], ask: { ...plain, button: { towards: 'better', from: opus } } },
      'opus',
      reasonWording.requested('opus', howWording.noneTowards('better')),
    ],
    [
      'wins over a pin, but not over the policy',
      {
        models: cloud,
        ask: { ...plain, button: { towards: 'better', from: mini }, pinned: { model: 'openai/mini', by: 'for you' } },
        policy: { ...openPolicy, disabled: ['openai/gpt'] },
      },
      'opus, mini, nano, extractive',
      reasonWording.requested('opus', howWording.button('better')),
    ],
  ],

  pictures: [
    [
      'a picture goes to one that sees',
      { models: [isDefault(llama), nano], ask: picture },
      'nano',
      reasonWording.instead(reasonWording.ruledOut('llama', gateWording.images.because), 'nano'),
    ],
    [
      'one that is known to see comes before one that may',
      {
        models: [model('a/may', { vision: undefined as never }), model('b/sees', { price: perMillion('9', '9') })],
        ask: picture,
      },
      'sees, may',
      reasonWording.nearestSize('small', [shapeWording.images(1)], 'sees', 'medium'),
    ],
    [
      'the default may try though nobody knows',
      { models: [isDefault(ownModel('a/may', { vision: undefined as never })), mini], ask: picture },
      'may, mini',
      reasonWording.isDefault('may'),
    ],
    [
      'nobody sees: one that reads answers, and the pictures are left out',
      { models: [llama], ask: picture },
      'llama',
      `${bySize('small', [shapeWording.images(1)], 'llama', comparisonWording.only, '0')} ${reasonWording.withoutPictures}`,
    ],
    [
      'a seeing one that is ill comes before a blind one',
      { models: [llama, nano], ask: picture, health: ill(nano) },
      'nano',
      bySize('small', [shapeWording.images(1)], 'nano', comparisonWording.only, '0.00029'),
    ],
  ],

  length: [
    [
      'a long question goes to one that reads enough',
      { models: [isDefault(mini), ...without(cloud, mini)], ask: long },
      'gpt, extractive',
      reasonWording.instead(reasonWording.ruledOut('mini', gateWording.window.because(200_000, 250_256)), 'gpt'),
    ],
    [
      'too long for all: quoting, which reads any length',
      { models: [isDefault(mini), gpt, quotes], ask: tooLong },
      'extractive',
      reasonWording.quotesInstead(reasonWording.ruledOut('mini', gateWording.window.because(200_000, 900_256))),
    ],
    [
      'too long for all, and no default to name',
      { models: [mini, gpt, quotes], ask: tooLong },
      'extractive',
      reasonWording.quotesInstead(gateWording.window.none),
    ],
    [
      'the room for the answer counts',
      { models: [llama, nano], ask: question({}, { tokensIn: 31_000, tokensOut: 2_000 }) },
      'nano',
      bySize('small', [], 'nano', comparisonWording.only, '0.00024'),
    ],
  ],

  policy: [
    [
      'local only',
      { models: all, ask: reports, policy: { ...openPolicy, localOnly: true } },
      'qwen, llama, extractive',
      bySize(
        'large',
        [shapeWording.fileTokens(60_000), shapeWording.pages(300), shapeWording.files(5)],
        'qwen',
        comparisonWording.only,
        '0',
      ),
    ],
    [
      'local only, and nothing local',
      { models: [...cloud, quotes], ask: plain, policy: { ...openPolicy, localOnly: true } },
      'extractive',
      reasonWording.quotesInstead(gateWording.local.none),
    ],
    [
      'allowed models only, the default not among them',
      {
        models: [isDefault(mini), haiku, opus],
        ask: plain,
        policy: { ...openPolicy, allowed: ['anthropic/haiku', 'anthropic/opus'] },
      },
      'haiku, opus',
      reasonWording.instead(reasonWording.ruledOut('mini', gateWording.allowed.because), 'haiku'),
    ],
    [
      'everything disabled',
      { models: [{ ...mini, enabled: false }, quotes], ask: plain },
      'extractive',
      reasonWording.quotesInstead(gateWording.disabled.none),
    ],
    [
      'quoting is never forbidden',
      {
        models: [mini, quotes],
        ask: plain,
        policy: { ...openPolicy, allowed: [], disabled: ['extractive/extractive'] },
      },
      'extractive',
      reasonWording.quotesInstead(gateWording.allowed.none),
    ],
  ],

  'prices and budgets': [
    [
      'an unknown price is not free',
      { models: [mystery, opus], ask: plain },
      'opus',
      reasonWording.nearestSize('small', [], 'opus', 'large'),
    ],
    [
      'not even for what was asked for',
      { models: [mystery, opus], ask: { ...plain, requested: 'mystery' } },
      'opus',
      reasonWording.instead(reasonWording.ruledOut('mystery', gateWording.price.because), 'opus'),
    ],
    [
      'hardware by the hour is priced by how long it takes',
      {
        models: [model('gpu/own', { tier: 'small', price: { kind: 'hours', perHour: usd('2') } }), nano],
        ask: plain,
        speed: speed({ own: { firstTokenMs: 400, tokensPerSecond: 50 } }),
      },
      'nano, own',
      bySize('small', [], 'nano', comparisonWording.cheapest(2), '0.00024'),
    ],
    [
      'what the budget does not hold is not asked',
      { models: [isDefault(sonnet), ...without(cloud, sonnet)], ask: plain, left: left('0.006') },
      'mini, haiku, gpt, extractive',
      reasonWording.instead(reasonWording.ruledOut('sonnet', gateWording.budget.because), 'mini'),
    ],
    [
      'what costs nothing needs none',
      { models: all, ask: plain, left: left('0') },
      'llama, qwen, extractive',
      bySize('small', [], 'llama', comparisonWording.only, '0'),
    ],
    [
      'an overdrawn budget has nothing left',
      { models: [isDefault(mini), quotes], ask: plain, left: new Map([['openai/mini', -5n]]) },
      'extractive',
      reasonWording.quotesInstead(reasonWording.ruledOut('mini', gateWording.budget.because)),
    ],
    [
      'no limit is no limit',
      { models: [opus], ask: plain, left: left(null) },
      'opus',
      reasonWording.nearestSize('small', [], 'opus', 'large'),
    ],
    [
      'a model’s own budget gates that model alone',
      { models: cloud, ask: plain, left: new Map([...left(null), ['openai/nano', 0n]]) },
      'haiku, mini, sonnet, extractive',
      bySize('small', [], 'haiku', comparisonWording.only, '0.0034'),
    ],
  ],

  health: [
    [
      'who is ill stands by after who is well',
      { models: [nano, mini, haiku], ask: plain, health: ill(haiku) },
      'nano, mini, haiku',
      bySize('small', [], 'nano', comparisonWording.only, '0.00024'),
    ],
    [
      'when all are ill, the best of them is tried before quoting',
      { models: [isDefault(mini), haiku, quotes], ask: plain, health: ill(mini, haiku) },
      'mini, haiku, extractive',
      reasonWording.isDefault('mini'),
    ],
    [
      'a whole provider that is ill leaves the other one',
      { models: cloud, ask: plain, health: ill(mini, nano, gpt) },
      'haiku, sonnet, opus, extractive',
      bySize('small', [], 'haiku', comparisonWording.only, '0.0034'),
    ],
  ],

  'nothing to choose from': [
    ['no model at all: quoting', { models: [quotes], ask: plain }, 'extractive', reasonWording.nothingConfigured],
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

it('says what to do where rules exclude every model and there is nothing to quote', () => {
  const refusal = (models: Model[], more: Partial<RouteInput> = {}) =>
    route({ models: [...models, quotes], request: plain, ...more }).refusal
  expect(refusal(cloud, { policy: { ...openPolicy, localOnly: true } })).toEqual({
    code: 'model_not_allowed',
    userMessage: gateWording.refusal(gateWording.local.none, gateWording.local.remedy),
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
  expect(decision.reason).toBe(bySize('large', reportsParts, 'gpt', comparisonWording.only, '0.081'))
  const shown = describeDecision(decision)
  for (const part of [
    whyWording.summary('openai/gpt', whyWording.by.tier, decision.reason),
    whyWording.complexity(7, 'large', decision.complexity.parts),
    `- ${shapeWording.fileTokens(60_000)}: +3`,
    whyWording.rules([policyWording.disabled(['openai/nano'])]),
    '1. openai/gpt: large, about $0.081, first word after 0.8 s, 62 tokens/s',
    '2. openai/mini: medium, about $0.016',
    `- openai/nano, anthropic/haiku: ${gateWording.disabled.because}`,
    `- openai/mystery: ${gateWording.price.because}`,
    `- ollama/llama: ${gateWording.health.because('failed a moment ago')}`,
    whyWording.fallbacks(['openai/mini', 'ollama/llama', 'extractive/extractive']),
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
