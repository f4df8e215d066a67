import { describe, expect, it } from 'vitest'
import { ParleyError } from '../core/errors.ts'
import type { ModelEvent, ModelProvider, ModelRequest } from './model.ts'
import { withoutRefusedImages } from './refused-images.ts'

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
  const stream = withoutRefusedImages(provider, { onRefused, onLearnt }).stream(request, new AbortController().signal)
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
