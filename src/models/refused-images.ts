/** Whether an unlisted model sees is learnt by asking: when it refuses a request with pictures, it is asked without them. */
import { asParleyError } from '../core/errors.ts'
import type { ModelProvider, ModelRequest, Part } from './model.ts'

export interface RefusedImages {
  /** Before the second request. */
  onRefused(model: string): void
  /** The server refused because of the pictures, and the model answers without them: it would refuse the next ones too. */
  onLearnt(model: string): void
}

export function withoutRefusedImages(provider: ModelProvider, { onRefused, onLearnt }: RefusedImages): ModelProvider {
  return {
    ...provider,
    async *stream(request, signal) {
      let started = false
      try {
        for await (const event of provider.stream(request, signal)) {
          started ||= event.type === 'text' || event.type === 'reasoning'
          yield event
        }
      } catch (thrown) {
        const error = asParleyError(thrown)
        if (started || !hasImages(request) || error.code !== 'model_rejected_request') throw thrown
        onRefused(request.model)
        let learnt = !blamesImages(error.cause)
        for await (const event of provider.stream(withoutImages(request), signal)) {
          if (!learnt && event.type === 'text') {
            learnt = true
            onLearnt(request.model)
          }
          yield event
        }
      }
    },
  }
}

/** One picture may be damaged or too large; a server that speaks of pictures as such takes none. */
function blamesImages(cause: unknown): boolean {
  const said = cause instanceof Error ? cause.message : ''
  return (
    /image|vision|multi-?modal|picture|visual/i.test(said) && !/large|size|invalid|corrupt|decode|format/i.test(said)
  )
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
