/** How long the router takes to decide among 500 models: every gate, rank and reason, health and budget included. */
import { ParleyError } from '../src/core/errors.ts'
import { usd } from '../src/core/money.ts'
import { type Model, tiers } from '../src/models/catalogue.ts'
import { modelKey } from '../src/models/complete-model.ts'
import { judge } from '../src/routing/complexity.ts'
import { createHealth } from '../src/routing/health.ts'
import { type RouteInput, route } from '../src/routing/router.ts'
import { openPolicy } from '../src/routing/rules.ts'
import { model, perMillion, quotingModel } from '../test/fakes/model.ts'
import { type Aim, quantile, type Table } from './report.ts'

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
    ],
    aims: measured.map(({ situation, ms }) => ({
      what: `decision, p50, ${situation}`,
      value: quantile(ms, 0.5),
      unit: 'ms',
      atMost: 1,
    })),
  }
}

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
  const shape = {
    questionTokens: 100,
    fileTokens: 0,
    pages: 0,
    images: 0,
    files: 0,
    asks: 1,
    code: false,
  }
  const input = {
    models: [...models, quotingModel],
    health: (each: Model) => health.because(each),
    speed: (each: Model) => health.speed(each),
  }
  const plain = { tokensIn: 1_000, images: 0, complexity: judge(shape) }
  const report = { ...shape, fileTokens: 30_000, pages: 80, images: 3, files: 2 }
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
