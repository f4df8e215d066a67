/** Whether an unlisted model sees is learnt by asking: when it refuses a request with pictures, it is asked without them. */
import { asParleyError } from '../core/errors.ts'
import type { ModelProvider, ModelRequest, Part } from './model.ts'

/** `onRefused` hears of it before the second request. */
export function withoutRefusedImages(provider: ModelProvider, onRefused: () => void): ModelProvider {
  return {
    name: provider.name,
    models: (signal) => provider.models(signal),
    async *stream(request, signal) {
      let started = false
      try {
        for await (const event of provider.stream(request, signal)) {
          started ||= event.type === 'text' || event.type === 'reasoning'
          yield event
        }
      } catch (thrown) {
        if (started || !hasImages(request) || asParleyError(thrown).code !== 'model_rejected_request') throw thrown
        onRefused()
        yield* provider.stream(withoutImages(request), signal)
      }
    },
  }
}

function hasImages({ messages }: ModelRequest): boolean {
  return messages.some(({ parts }) => parts.some(({ type }) => type === 'image'))
}

/** The request with a word in the place of each picture. */
export function withoutImages(request: ModelRequest): ModelRequest {
  const unseen: Part = { type: 'text', text: '(This picture cannot be shown to you.)' }
  const messages = request.messages.map((message) => ({
    ...message,
    parts: message.parts.map((part) => (part.type === 'image' ? unseen : part)),
  }))
  return { ...request, messages }
}
