/** Other words for a question: who is asked, what leaves, what comes of it, and that nothing waits for it for long. */
import { describe, expect, it } from 'vitest'
import { createFakeBudget } from '../../test/fakes/budget.ts'
import { message } from '../../test/fakes/message.ts'
import { model, ownModel } from '../../test/fakes/model.ts'
import { startScriptedOpenAi } from '../../test/servers/openai.ts'
import { spender } from '../../test/share-files.ts'
import { silentLog } from '../core/log.ts'
import type { Model } from '../models/catalogue.ts'
import { createOpenAiProvider } from '../models/providers/openai.ts'
import { createHealth } from '../routing/health.ts'
import { createAttempts } from '../routing/metered-call.ts'
import { openPolicy, plainRules, type TurnRules } from '../routing/rules.ts'
import type { TurnWork } from '../store/turns.ts'
import { otherWords, wordsIn } from './other-words.ts'

const small = model('cloud/small', { tier: 'small' })
const large = model('cloud/large', { tier: 'large' })

async function ask(
  script: Parameters<typeof startScriptedOpenAi>[0],
  { models = [large, small], rules = plainRules, waitMs, text = 'What happens if I quit?' }: Asking = {},
) {
  await using server = await startScriptedOpenAi(script)
  const budget = createFakeBudget()
  const health = createHealth()
  const provider = createOpenAiProvider({ name: 'cloud', baseUrl: server.url, apiKey: 'key', log: silentLog })
  const attempts = createAttempts({ budget, health, spender })
  const work = { messages: [message()] } as Partial<TurnWork> as TurnWork
  const words = await otherWords(
    { models: { provider: () => provider, health }, log: silentLog },
    { text, models, rules, work },
    attempts,
    AbortSignal.timeout(30_000),
    waitMs,
  )
  return { words, budget, requests: server.requests }
}

interface Asking {
  models?: Model[]
  rules?: TurnRules
  waitMs?: number
  text?: string
}

const says = (text: string) => ({ script: [{ tokens: [text] }] })

describe('other words for a question', () => {
  it('are those of the smallest model, which is given the question and nothing else, and is paid', async () => {
    const { words, budget, requests } = await ask(says('resignation, notice period'))
    expect(words).toEqual(['resignation', 'notice period'])
    expect(requests).toHaveLength(1)
    expect(requests[0]?.body).toMatchObject({
      model: 'small',
      messages: [{ role: 'system' }, { role: 'user', content: 'What happens if I quit?' }],
    })
    expect(budget.rows).toMatchObject([{ model: 'small', settled: { outcome: 'ok' } }])
    expect(budget.open()).toBe(0)
  })

  it('are asked of no model that may not answer here', async () => {
    const local = { ...plainRules, policy: { ...openPolicy, localOnly: true } }
    expect((await ask(says('resignation'), { rules: local })).requests).toEqual([])
    const own = ownModel('ollama/own')
    const asked = await ask(says('resignation'), { rules: local, models: [small, own] })
    expect(asked.requests.map(({ body }) => body)).toMatchObject([{ model: 'own' }])
    const pinned = { ...plainRules, pinned: { model: 'ollama/own', by: 'for you' } }
    const ofPinned = await ask(says('resignation'), { rules: pinned, models: [small, own] })
    expect(ofPinned.requests.map(({ body }) => body)).toMatchObject([{ model: 'own' }])
    const unpriced = model('cloud/small', { price: undefined as never })
    expect((await ask(says('resignation'), { models: [unpriced] })).words).toEqual([])
  })

  it('are not waited for longer than a moment, and none come of a failure', async () => {
    const slow = await ask({ script: [{ tokens: ['resignation'], headersAfterMs: 60_000 }] }, { waitMs: 50 })
    expect(slow.words).toEqual([])
    expect(slow.budget.open()).toBe(0)
    const failing = await ask({ script: [{ status: 400, error: { message: 'No.' } }] })
    expect(failing.words).toEqual([])
    expect(failing.budget.open()).toBe(0)
  })
})

it.each([
  ['resignation, notice period', ['resignation', 'notice period']],
  ['1. Warranty\n2. "compressor"; Warranty', ['Warranty', 'compressor']],
  ['保修期、 压缩机', ['保修期', '压缩机']],
  ['[link](https://evil.example/?q=secret), <b>pump</b>', ['link https evil.example q secret', 'b pump b']],
  [`Sure! Here is a long sentence that answers the question instead of giving words`, []],
  [Array.from({ length: 40 }, (_, at) => `word${at}`).join(','), Array.from({ length: 10 }, (_, at) => `word${at}`)],
  ['', []],
])('of what a model says only words are left: %j', (said, words) => {
  expect(wordsIn(said)).toEqual(words)
})
