/** The part of the law of ModelProvider that is about what models can do beside writing: tools, pictures, counting. */
import { expect, it, type TestContext } from 'vitest'
import { ask, collect, failure, lastUsage, never, type PlayRig, type SceneUsage, textOf } from './model.contract.rig.ts'
import type { ModelMessage, ModelTool } from './model.ts'

const lookUp: ModelTool = {
  name: 'look_up',
  description: 'Looks a word up in the glossary.',
  schema: {
    type: 'object',
    properties: { word: { type: 'string', description: 'The word.' }, exact: { type: 'boolean' } },
    required: ['word'],
  },
}

export function abilityLaws(play: PlayRig, needsWire: (context: TestContext) => void): void {
  it.for<[string, SceneUsage]>([
    ['what was read and written', { input: 1000, output: 50 }],
    ['what was read from a cache', { input: 1000, cacheRead: 600, output: 50 }],
    ['what was written to a cache', { input: 1000, cacheRead: 600, cacheWrite: 300, output: 50 }],
    ['what was thought', { input: 10, output: 50, reasoning: 40 }],
  ])('counts %s once, as a part of the whole', async ([, usage], context) => {
    needsWire(context)
    await using at = await play(context, [{ tokens: ['ok'], usages: [usage] }])
    const told = lastUsage(await collect(at.provider.stream(ask(at), never)))
    expect(told).toEqual({ cacheRead: 0, cacheWrite: 0, reasoning: 0, ...usage, source: 'provider' })
  })

  it('sends the temperature, and none unless one is asked for', async (context) => {
    needsWire(context)
    await using at = await play(context, [{ tokens: ['ok'] }])
    await collect(at.provider.stream({ ...ask(at), temperature: 0.25 }, never))
    await collect(at.provider.stream(ask(at), never))
    expect((await at.sent(0)).temperature).toBe(0.25)
    expect((await at.sent(1)).temperature).toBeUndefined()
  })

  it('sends pictures as their bytes', async (context) => {
    needsWire(context)
    await using at = await play(context, [{ tokens: ['ok'] }])
    // Whatever bytes there are: these spell a path, which must not be opened.
    const data = new TextEncoder().encode('/etc/hostname')
    await collect(at.provider.stream(ask(at, { type: 'image', mediaType: 'image/png', data }), never))
    const sent = await at.sent(0)
    expect(sent.images.map((image) => Buffer.from(image).toString())).toEqual(['/etc/hostname'])
    expect(sent.text).toContain('What is the notice period?')
  })

  it('sends tools, and tells their calls whole, once, before the end', async (context) => {
    needsWire(context)
    const calls = [
      { id: 'call_one', name: 'look_up', arguments: '{"word":"Kündigung 👩‍👩‍👧","exact":true}' },
      { id: 'call_two', name: 'look_up', arguments: '{"word":"a \\"quoted\\" one"}' },
    ]
    await using at = await play(context, [{ tokens: ['Let me see.'], calls }])
    const events = await collect(at.provider.stream({ ...ask(at), tools: [lookUp] }, never))
    expect((await at.sent(0)).tools).toEqual([
      { name: lookUp.name, description: lookUp.description, schema: lookUp.schema },
    ])
    const told = events.filter((event) => event.type === 'toolCall')
    expect(told.map((call) => [call.name, JSON.parse(call.arguments)])).toEqual(
      calls.map((call) => [call.name, JSON.parse(call.arguments)]),
    )
    expect(new Set(told.map(({ id }) => id)).size).toBe(2)
    expect(textOf(events)).toBe('Let me see.')
    expect(events.at(-1)).toEqual({ type: 'finish', reason: 'tool' })
  })

  it('calls an answer truncated that breaks off within a call, and tells no such call', async (context) => {
    needsWire(context)
    const calls = [{ id: 'call_one', name: 'look_up', arguments: '{"word":"Kün' }]
    await using at = await play(context, [{ tokens: ['Let me see.'], calls }])
    const events = await collect(at.provider.stream({ ...ask(at), tools: [lookUp] }, never))
    expect(events.filter((event) => event.type === 'toolCall')).toEqual([])
    expect(events.at(-1)).toEqual({ type: 'finish', reason: 'truncated' })
  })

  it('hands over what calls gave', async (context) => {
    needsWire(context)
    await using at = await play(context, [{ tokens: ['ok'] }])
    const question = ask(at)
    const call = { type: 'toolCall', id: 'call_one', name: 'look_up', arguments: '{"word":"notice"}' } as const
    const result = { type: 'toolResult', id: 'call_one', name: 'look_up', text: 'Thirty days, it says.' } as const
    const messages: ModelMessage[] = [
      ...question.messages,
      { role: 'assistant', parts: [{ type: 'text', text: 'I look it up.' }, call] },
      { role: 'user', parts: [result] },
    ]
    await collect(at.provider.stream({ ...question, messages, tools: [lookUp] }, never))
    const { calls, results, text } = await at.sent(0)
    expect(calls).toEqual([{ id: expect.any(String), name: 'look_up', arguments: { word: 'notice' } }])
    expect(results).toEqual([{ id: calls[0]?.id, text: 'Thirty days, it says.' }])
    expect(text).toContain('I look it up.')
  })

  it('tells a failure within the stream, after what was said', async (context) => {
    needsWire(context)
    await using at = await play(context, [{ tokens: ['half of it'], failure: 'overloaded' }])
    const { error, events } = await failure(at.provider.stream(ask(at), never))
    expect(error.code).toBe('model_busy')
    expect(textOf(events)).toBe('half of it')
    expect(lastUsage(events)?.output).toBeGreaterThan(0)
    expect(at.count()).toBe(1)
  })

  it('tells a failure within the stream before the first word, with what it may have cost, and does not try again', async (context) => {
    needsWire(context)
    await using at = await play(context, [{ tokens: [], failure: 'overloaded' }, { tokens: ['there'] }])
    const { error, events } = await failure(at.provider.stream(ask(at), never))
    expect(error.code).toBe('model_busy')
    expect(lastUsage(events)?.input).toBeGreaterThan(0)
    expect(at.count()).toBe(1)
  })
}
