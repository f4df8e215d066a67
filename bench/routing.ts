/**
 * How long the router takes to decide among 500 models: every gate, rank and reason, health and budget included. And how well: on
 * RouteLLM's public judgements, and on forty worded questions.
 */
import { ParleyError } from '../src/core/errors.ts'
import { usd } from '../src/core/money.ts'
import { type Model, tiers } from '../src/models/catalogue.ts'
import { modelKey } from '../src/models/complete-model.ts'
import { knownModel } from '../src/models/known-models.ts'
import { countQuestion, judge } from '../src/routing/complexity.ts'
import { createHealth } from '../src/routing/health.ts'
import { type RouteInput, route } from '../src/routing/router.ts'
import { openPolicy } from '../src/routing/rules.ts'
import { tasksIn } from '../src/routing/tasks.ts'
import { model, ownModel, perMillion, quotingModel } from '../test/fakes/model.ts'
import { wordedQuestions } from '../test/fixtures/routing-questions.ts'
import { type Aim, quantile, type Table } from './report.ts'
import { apgr, crossValidate, judgementsMissing, readJudgements } from './train-difficulty.ts'

const count = 500
const warmUp = 500
const decisions = 5_000
const stalled = new ParleyError('model_stalled', 'It fell silent. Please ask again.')

export async function measureRouting(): Promise<{ tables: Table[]; aims: Aim[] }> {
  const measured = Object.entries(situations()).map(([situation, input]) => ({ situation, ms: decide(input) }))
  return {
    tables: [
      {
        title: `One decision among ${count} models, in ms`,
        rows: measured.map(({ situation, ms }) => ({
          situation,
          p50: quantile(ms, 0.5),
          p95: quantile(ms, 0.95),
          p99: quantile(ms, 0.99),
          most: quantile(ms, 1),
        })),
        notes: [`${decisions} decisions each, after ${warmUp}; what is kept for \`why\` is built each time.`],
      },
      measureQuality(),
      measureWorded(),
    ],
    aims: measured.flatMap(({ situation, ms }) => [
      { what: `decision, p50, ${situation}`, value: quantile(ms, 0.5), unit: 'ms', atMost: 0.3 },
      { what: `decision, p99, ${situation}`, value: quantile(ms, 0.99), unit: 'ms', atMost: 1 },
    ]),
  }
}

/** By the score that decides; each question's wording is judged by weights that were trained without it. */
function measureQuality(): Table {
  const title = 'APGR: 0.5 is chance, the aim is 0.62'
  if (judgementsMissing !== undefined) return { title, rows: [], notes: [`Left out: ${judgementsMissing}.`] }
  const judged = readJudgements()
  const gains = crossValidate(judged)
  const scored = judged.map((each, at) => ({
    ...each,
    score: judge({ ...plainShape, tasks: tasksIn(each.question), gain: gains[at] ?? 0 }).score,
    length: each.question.length,
  }))
  const rows = (['MMLU', 'GSM8K'] as const).map((set) => {
    const own = scored.filter((each) => each.set === set)
    return {
      set,
      questions: own.length,
      Parley: apgr(
        own,
        own.map(({ score }) => score),
      ),
      'by length': apgr(
        own,
        own.map(({ length }) => length),
      ),
    }
  })
  return {
    title,
    rows,
    notes: ['RouteLLM judgements, Mixtral 8x7B against GPT-4 (1106); weights trained on four fifths.'],
  }
}

/** Twelve models at published prices; a choice is right if its tier is one that a careful engineer would take. */
function measureWorded(): Table {
  const models = wordedCatalogue()
  const rows = [undefined, 'openai/gpt-5-mini'].map((defaultModel) => {
    const floor = defaultModel === undefined ? 'small' : 'medium'
    const right = wordedQuestions.filter(({ text, files = [], tiers: good }) => {
      const counted = countQuestion({ text, files, instructions: [], images: 0, promptTokens: 60_000 })
      const { model: chosen } = route({ models, request: counted, defaultModel })
      return (
        good.includes(chosen.tier) || (chosen.tier === floor && tiers.indexOf(floor) > tiers.indexOf(good[0] ?? floor))
      )
    })
    return { default: defaultModel ?? 'none', questions: wordedQuestions.length, right: right.length }
  })
  return { title: 'Forty worded questions; the aim is 36', rows, notes: ['The default is the least that answers.'] }
}

function wordedCatalogue(): Model[] {
  const priced: [name: string, input: string, output: string][] = [
    ['openai/gpt-5', '1.25', '10'],
    ['openai/gpt-5-mini', '0.25', '2'],
    ['openai/gpt-5-nano', '0.05', '0.4'],
    ['openai/gpt-4.1', '2', '8'],
    ['openai/o3', '2', '8'],
    ['openai/gpt-4o-mini', '0.15', '0.6'],
    ['anthropic/claude-opus-4-5', '5', '25'],
    ['anthropic/claude-sonnet-4-5', '3', '15'],
    ['anthropic/claude-haiku-4-5', '1', '5'],
    ['google/gemini-2.5-pro', '1.25', '10'],
    ['google/gemini-2.5-flash', '0.3', '2.5'],
  ]
  const cloud = priced.map(([name, input, output]) => {
    const { tier = 'medium', contextWindow = 200_000 } = knownModel(name.split('/')[1] ?? '') ?? {}
    return model(name, { tier, contextWindow, price: perMillion(input, output) })
  })
  return [...cloud, ownModel('ollama/qwen3:32b', { tier: 'medium', contextWindow: 40_960 })]
}

const plainShape = { fileTokens: 0, pages: 0, images: 0, files: 0, asks: 1, code: false }

function decide(input: RouteInput): number[] {
  for (let at = 0; at < warmUp; at += 1) route(input)
  return Array.from({ length: decisions }, () => {
    const from = performance.now()
    route(input)
    return performance.now() - from
  })
}

/** Five providers with models of all tiers, prices and windows; every seventh has failed, every third was measured. */
function situations(): Record<string, RouteInput> {
  const models: Model[] = Array.from({ length: count }, (_, at) =>
    model(`provider${at % 5}/model-${at}`, {
      tier: tiers[at % 3] ?? 'medium',
      price: perMillion(String(1 + (at % 17)), String(5 + (at % 13))),
      vision: at % 2 === 0,
      contextWindow: at % 4 === 0 ? 8_000 : 200_000,
    }),
  )
  const health = createHealth()
  for (const [at, each] of models.entries()) {
    if (at % 7 === 0)
      for (let failures = 0; failures < 3; failures += 1) health.begin(each).end({ kind: 'failed', error: stalled })
    else if (at % 3 === 0) health.begin(each).end({ kind: 'answered', ms: 4_000, firstTokenMs: 500, outputTokens: 300 })
  }
  const input = {
    models: [...models, quotingModel],
    health: (each: Model) => health.because(each),
    speed: (each: Model) => health.speed(each),
  }
  const plain = { tokensIn: 1_000, images: 0, complexity: judge(plainShape) }
  const report = { ...plainShape, fileTokens: 30_000, pages: 80, images: 3, files: 2 }
  const heavy = { tokensIn: 1_000, tokensLikely: 31_000, images: 3, complexity: judge(report) }
  return {
    'a plain question': { ...input, request: plain },
    'a report with pictures': { ...input, request: heavy },
    'the same at the limit of a budget, with a policy': {
      ...input,
      request: heavy,
      left: new Map(models.map((each) => [modelKey(each), usd('0.08')])),
      policy: { ...openPolicy, allowed: models.filter((_, at) => at % 2 === 0).map(modelKey) },
    },
  }
}
