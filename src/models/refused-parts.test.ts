import { describe, expect, it } from 'vitest'
import { ParleyError } from '../core/errors.ts'
import type { ModelEvent, ModelProvider, ModelRequest } from './model.ts'
import { withoutRefused } from './refused-parts.ts'

const request: ModelRequest = {
  model: 'unlisted',
  system: '',
  messages: [
    {
      role: 'user',
      parts: [
        { type: 'text', text: 'What is this?' },
        { type: 'image', mediaType: 'image/png', data: new Uint8Array([1]) },
      ],
    },
  ],
  maxOutputTokens: 50,
}

/** A server that answers pictures with `refusal`, and everything else with text. */
async function asked(refusal: string, code: 'model_rejected_request' | 'model_busy' = 'model_rejected_request') {
  const heard: string[] = []
  const provider: ModelProvider = {
    name: 'server',
    models: async () => [],
    async *stream({ messages }): AsyncGenerator<ModelEvent> {
      const shown = messages.some(({ parts }) => parts.some(({ type }) => type === 'image'))
      if (shown) throw new ParleyError(code, 'It was refused.', { cause: new Error(refusal) })
      yield { type: 'text', delta: 'A letter.' }
    },
  }
  const onRefused = (model: string) => void heard.push(`${model} refused`)
  const onLearnt = (model: string) => void heard.push(`${model} cannot see`)
  let text = ''
  const stream = withoutRefused('pictures', provider, { onRefused, onLearnt }).stream(
    request,
    new AbortController().signal,
  )
  for await (const event of stream) if (event.type === 'text') text += event.delta
  return { text, heard }
}

describe('a model that refuses pictures', () => {
  it.for([
    '404: No endpoints found that support image input',
    '400: m is not a multimodal model',
    '400: vision is not supported',
  ])('is asked without them, and known not to see: %s', async (refusal) => {
    expect(await asked(refusal)).toEqual({ text: 'A letter.', heard: ['unlisted refused', 'unlisted cannot see'] })
  })

  it.for(['400: messages.0 is wrong', '400: invalid image: could not decode', '400: image exceeds the size of 5 MB'])(
    'is asked without this one only: %s',
    async (refusal) => expect(await asked(refusal)).toEqual({ text: 'A letter.', heard: ['unlisted refused'] }),
  )

  it('is not meant where its server is busy', async () => {
    await expect(asked('429: image queue full', 'model_busy')).rejects.toMatchObject({ code: 'model_busy' })
  })
})

describe('a server that refuses tools', () => {
  const tools = [{ name: 'now', description: 'Tells the time.', schema: { type: 'object' } }]

  async function asked(refusal: string) {
    const learnt: string[] = []
    const provider: ModelProvider = {
      name: 'server',
      models: async () => [],
      async *stream(sent): AsyncGenerator<ModelEvent> {
        if (sent.tools !== undefined)
          throw new ParleyError('model_rejected_request', 'It was refused.', { cause: new Error(refusal) })
        yield { type: 'text', delta: 'Noon.' }
      },
    }
    const stream = withoutRefused('tools', provider, { onLearnt: (model) => void learnt.push(model) })
    let text = ''
    for await (const event of stream.stream({ ...request, tools }, new AbortController().signal))
      if (event.type === 'text') text += event.delta
    return { text, learnt }
  }

  it.for([
    '400: "auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
    '400: registry.ollama.ai/library/gemma:2b does not support tools',
    '404: No endpoints found that support tool use',
  ])('is asked without them, and known to take none: %s', async (refusal) => {
    expect(await asked(refusal)).toEqual({ text: 'Noon.', learnt: ['unlisted'] })
  })

  it('is asked without them this time where one of them is wrong', async () => {
    expect(await asked('400: Invalid schema for function "now"')).toEqual({ text: 'Noon.', learnt: [] })
  })

  it('is not meant by what says nothing of tools', async () => {
    await expect(asked('400: messages.0 is wrong')).rejects.toMatchObject({ code: 'model_rejected_request' })
  })
})
