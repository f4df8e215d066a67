import { describe, expect, it } from 'vitest'
import { ParleyError } from '../core/errors.ts'
import { silentLog } from '../core/log.ts'
import { type AskEvent, ask } from './ask.ts'
import type { ModelEvent, ModelProvider, ModelRequest } from './model.ts'

type Step = ModelEvent | ParleyError
const text = (delta: string): Step => ({ type: 'text', delta })
const finish = (reason: 'stop' | 'truncated' | 'contextOverflow' | 'refusal'): Step => ({ type: 'finish', reason })
const failure = (code: 'model_unreachable' | 'model_stalled' | 'model_refused_key') =>
  new ParleyError(code, `It failed: ${code}.`)

/** Each call plays the model's next script. */
function provider(scripts: Record<string, Step[][]>, asked: string[] = []): ModelProvider {
  return {
    name: 'fake',
    async models() {
      return []
    },
    async *stream({ model }: ModelRequest) {
      asked.push(model)
      for (const step of scripts[model]?.shift() ?? []) {
        if (step instanceof ParleyError) throw step
        yield step
      }
    },
  }
}

async function run(scripts: Record<string, Step[][]>, models = Object.keys(scripts)) {
  const asked: string[] = []
  const fake = provider(scripts, asked)
  const events: AskEvent<{ id: string; provider: string }>[] = []
  const prepare = async (model: { id: string }): Promise<ModelRequest> => ({
    model: model.id,
    system: '',
    messages: [],
    maxOutputTokens: 10,
  })
  const choices = models.map((id) => ({ id, provider: id === 'extractive' ? 'extractive' : 'fake' }))
  let thrown: unknown
  try {
    for await (const event of ask(
      choices,
      { provider: () => fake, prepare, log: silentLog },
      new AbortController().signal,
    ))
      events.push(event)
  } catch (error) {
    thrown = error
  }
  let shown = ''
  for (const event of events) {
    if (event.type === 'text') shown += event.delta
    if (event.type === 'restart') shown = ''
  }
  return { asked, shown, end: events.find((event) => event.type === 'end'), thrown }
}

describe('asking models', () => {
  it('the first that answers ends it', async () => {
    const { asked, shown, end } = await run({ a: [[text('Hello'), finish('stop')]], b: [] })
    expect(asked).toEqual(['a'])
    expect(shown).toBe('Hello')
    expect(end).toMatchObject({ model: { id: 'a' }, reason: 'stop', notices: [] })
  })

  it('one that cannot be reached is replaced, and the reader is told', async () => {
    const { asked, shown, end } = await run({
      a: [[failure('model_unreachable')]],
      extractive: [[text('> quote'), finish('stop')]],
    })
    expect(asked).toEqual(['a', 'extractive'])
    expect(shown).toBe('> quote')
    expect(end).toMatchObject({
      notices: ['It failed: model_unreachable. So Parley quoted the passages of the files that fit best.'],
    })
  })

  it('an answer that broke off starts over in the same place', async () => {
    const { asked, shown } = await run({
      a: [
        [text('Half an'), finish('truncated')],
        [text('A whole answer'), finish('stop')],
      ],
    })
    expect(asked).toEqual(['a', 'a'])
    expect(shown).toBe('A whole answer')
  })

  it('one that broke off twice is kept and marked incomplete, never replaced by another model', async () => {
    const { asked, shown, end } = await run({
      a: [
        [text('Half'), finish('truncated')],
        [text('Half an'), failure('model_stalled')],
      ],
      b: [[text('no'), finish('stop')]],
    })
    expect(asked).toEqual(['a', 'a'])
    expect(shown).toBe('Half an')
    expect(end).toMatchObject({ reason: 'truncated' })
    expect(end?.type === 'end' && end.notices.join()).toContain('incomplete')
  })

  it('a question too long for one goes to the next', async () => {
    const { asked, end } = await run({ a: [[finish('contextOverflow')]], b: [[text('ok'), finish('stop')]] })
    expect(asked).toEqual(['a', 'b'])
    expect(end).toMatchObject({ model: { id: 'b' } })
  })

  it('a refusal is an answer', async () => {
    const { asked, end } = await run({ a: [[finish('refusal')]], b: [] })
    expect(asked).toEqual(['a'])
    expect(end).toMatchObject({ reason: 'refusal' })
  })

  it('when none answers, the last one says why', async () => {
    const { asked, thrown } = await run({ a: [[failure('model_unreachable')]], b: [[failure('model_refused_key')]] })
    expect(asked).toEqual(['a', 'b'])
    expect(thrown).toMatchObject({ code: 'model_refused_key' })
  })
})
