/**
 * Whether an unlisted model sees, or its server takes tools, is learned by asking: a request that is refused because of them is sent again
 * without them.
 */
import { asParleyError } from '../core/errors.ts'
import type { Refusable } from './catalogue.ts'
import type { ModelProvider, ModelRequest, Part } from './model.ts'

interface RefusablePart {
  has(request: ModelRequest): boolean
  without(request: ModelRequest): ModelRequest
  /** Whether what the server said is about all of its kind: it would refuse the next ones too. */
  blames(said: string): boolean
}

const parts: Record<Refusable, RefusablePart> = {
  pictures: {
    has: ({ messages }) => messages.some((message) => message.parts.some(({ type }) => type === 'image')),
    without: withoutImages,
    // One picture may be damaged or too large; a server that speaks of pictures as such takes none.
    blames: (said) =>
      /image|vision|multi-?modal|picture|visual/i.test(said) && !/large|size|invalid|corrupt|decode|format/i.test(said),
  },
  tools: {
    // Once a call is among the messages, the server has taken tools.
    has: ({ tools = [], messages }) =>
      tools.length > 0 && !messages.some((message) => message.parts.some(({ type }) => type === 'toolCall')),
    without: ({ tools: _, toolChoice: __, ...request }) => request,
    blames: (said) => /tool|function/i.test(said) && !/schema|parameters|name|too many/i.test(said),
  },
}

export interface RefusedParts {
  /** Before the second request. */
  onRefused?(model: string): void
  /** The server refuses them always, as it said itself or as the model's answer without them shows. */
  onLearnt(model: string): void
}

export function withoutRefused(
  what: Refusable,
  provider: ModelProvider,
  { onRefused, onLearnt }: RefusedParts,
): ModelProvider {
  const { has, without, blames } = parts[what]
  return {
    ...provider,
    async *stream(request, signal) {
      let started = false
      try {
        for await (const event of provider.stream(request, signal)) {
          started ||= event.type === 'text' || event.type === 'reasoning' || event.type === 'toolCall'
          yield event
        }
      } catch (thrown) {
        const error = asParleyError(thrown)
        if (started || !has(request) || error.code !== 'model_rejected_request') throw thrown
        const said = error.cause instanceof Error ? error.cause.message : ''
        // Another kind of part may be to blame.
        if (what === 'tools' && !/tool|function/i.test(said)) throw thrown
        onRefused?.(request.model)
        let learnt = !blames(said)
        for await (const event of provider.stream(without(request), signal)) {
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

/** The request with a word in the place of each picture. */
function withoutImages(request: ModelRequest): ModelRequest {
  const unseen: Part = { type: 'text', text: '(This picture cannot be shown to you.)' }
  const messages = request.messages.map((message) => ({
    ...message,
    parts: message.parts.map((part) => (part.type === 'image' ? unseen : part)),
  }))
  return { ...request, messages }
}
