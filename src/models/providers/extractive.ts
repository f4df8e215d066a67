/**
 * Answers without a model: quotes the best matching words of the shared files with their positions. Parley falls back to it
 * when every model is unreachable or over budget. It needs no set-up.
 */

import { quoteWording } from '../../wording/models.ts'
import { chooseQuotes, type Quote } from '../extract-passages.ts'
import type { ModelEvent, ModelInfo, ModelMessage, ModelProvider, ModelRequest } from '../model.ts'
import type { PassagePart } from '../render-passage.ts'

const extractiveModel = { id: 'extractive', contextWindow: 100_000 } as const satisfies ModelInfo

const nothingSpent = { input: 0, cacheRead: 0, cacheWrite: 0, output: 0, reasoning: 0, source: 'provider' } as const

export function createExtractiveProvider(): ModelProvider {
  async function* stream(request: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelEvent> {
    yield { type: 'start', model: request.model }
    try {
      signal.throwIfAborted()
      const text = await answer(request, signal)
      for (const delta of text.match(/\s*(?:\S+\s*){1,3}/g) ?? []) {
        signal.throwIfAborted()
        yield { type: 'text', delta }
      }
    } catch (thrown) {
      if (!signal.aborted) throw thrown
      yield { type: 'finish', reason: 'aborted' }
      return
    }
    yield { type: 'usage', usage: nothingSpent }
    yield { type: 'finish', reason: 'stop' }
  }

  return { name: 'extractive', stream, models: async () => [extractiveModel] }
}

async function answer({ messages }: ModelRequest, signal: AbortSignal): Promise<string> {
  const at = messages.findLastIndex(({ role }) => role === 'user')
  const last = messages[at]
  // Without words of the person it stays empty, and the whole of the files is asked for.
  const question = (last?.parts ?? [])
    .flatMap((part) => (part.type === 'text' && part.by === undefined ? [part.text] : []))
    .join('\n')
    .trim()
  const own = passagesOf(last)
  const passages = own.length > 0 ? own : messages.slice(0, Math.max(0, at)).flatMap(passagesOf)
  if (passages.length === 0) return quoteWording.noFiles
  const { quotes, whole } = await chooseQuotes(question, passages, signal)
  if (quotes.length === 0) return quoteWording.nothingFound(titlesOf(passages))
  const head = whole ? quoteWording.whole : quoteWording.found
  return [head(titlesOf(quotes.map(({ passage }) => passage))), ...quotes.map(block)].join('\n\n')
}

function passagesOf(message: ModelMessage | undefined): PassagePart[] {
  return (message?.parts ?? []).filter((part) => part.type === 'passage')
}

/** A Markdown quote with its source as a model would cite it; rows and code keep their lines. */
function block({ passage, layout, lines }: Quote): string {
  const source = `[${passage.source}]`
  if (layout === 'prose') return `${lines.map((line) => `> ${line}`).join('\n>\n')} ${source}`
  const longest = Math.max(2, ...lines.flatMap((line) => line.match(/`+/g) ?? []).map((run) => run.length))
  const fence = '`'.repeat(longest + 1)
  return [fence, ...lines, fence, source].map((line) => `> ${line}`).join('\n')
}

function titlesOf(passages: PassagePart[]): string[] {
  return [...new Set(passages.map(({ title }) => title))]
}
