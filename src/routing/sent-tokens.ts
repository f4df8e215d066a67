/** How many tokens a request has: at most, for what is reserved, and probably, for what is settled without a count. */
import type { Usage } from '../core/reply.ts'
import { estimateTokens } from '../core/text/estimate-tokens.ts'
import { mostImageTokens } from '../models/known-models.ts'
import type { ModelRequest, Part } from '../models/model.ts'

/** The longest that a provider lets a call take, tries included; hardware by the hour is reserved for it. */
export const LONGEST_MS = 900_000
/** A shorter answer is not worth its price: a paragraph. */
export const USEFUL_OUTPUT = 256
/** What providers add around each message, and the words that passages are marked with. */
const AROUND = 40
/** Of a page of a PDF that is handed over whole, pictures included. */
const PDF_BYTES_PER_TOKEN = 20

/** Whatever is said in a request, it has no more tokens than this. */
export function mostTokens(request: ModelRequest): number {
  return total(request, mostIn)
}

/** A run of letters longer than words are is no language, and makes more tokens. */
const LONGEST_WORD = 10

/**
 * The most tokens of a text by its characters alone; prose has about half of it. Measured against o200k on random letters,
 * digits, punctuation and scripts, each the worst that there is of its kind (sent-tokens.test.ts).
 */
export function mostIn(text: string): number {
  let tokens = 0
  let run = 0
  for (let place = 0; place < text.length; place += 1) {
    const code = text.charCodeAt(place)
    const inWord = (code > 47 && code < 58) || (code > 64 && code < 91) || (code > 96 && code < 123)
    run = inWord ? run + 1 : 0
    if (inWord) tokens += run > LONGEST_WORD ? 0.85 : 0.65
    else if (code === 32) tokens += 0.6
    else tokens += code > 0x7ff ? 2.1 : 1
  }
  return Math.ceil(tokens)
}

/** Models whose tokenizer Parley counts with itself (o200k), also behind a proxy's prefix. */
const o200k = /(?:^|\/)(?:gpt-(?:4o|4\.1|4\.5|[5-9]|oss)|chatgpt-4o|o[1-9](?:$|-))/i
/** What o200k counts a little differently than its provider, and how much more ASCII text has with any other tokenizer. */
const OWN_MARGIN = 1.05
const OTHER_MARGIN = 2

/** The most tokens of a text that has `counted` tokens of o200k. */
export function mostInCounted(text: string, counted: number, model: string): number {
  if (o200k.test(model)) return Math.ceil(counted * OWN_MARGIN)
  return Math.min(mostIn(text), Math.ceil(counted * OTHER_MARGIN) + mostInOtherScripts(text))
}

/** The most tokens of a request of which `counted` tokens of o200k were counted. */
export function mostTokensCounted(request: ModelRequest, counted: number): number {
  if (o200k.test(request.model)) return Math.ceil(counted * OWN_MARGIN) + total(request, () => 0, 0)
  const most = Math.ceil(counted * OTHER_MARGIN) + total(request, mostInOtherScripts, 0)
  return Math.min(mostTokens(request), most)
}

/** Tokenizers differ most in what is not ASCII. */
function mostInOtherScripts(text: string): number {
  return mostIn(text.replace(/[\0-\x7f]+/g, ''))
}

export function estimateUsage(request: ModelRequest, answer: string): Usage {
  const input = total(request, estimateTokens)
  return { input, output: estimateTokens(answer), cacheRead: 0, cacheWrite: 0, reasoning: 0, source: 'estimated' }
}

function total(
  { model, system, messages, tools = [] }: ModelRequest,
  countOf: (text: string) => number,
  image = mostImageTokens(model),
): number {
  const parts = messages.flatMap((message) => message.parts)
  const tooling = tools.length === 0 ? 0 : countOf(JSON.stringify(tools))
  const partsTokens = parts.reduce((sum, part) => sum + AROUND + partTokens(part, image, countOf), 0)
  return countOf(system) + tooling + AROUND + partsTokens
}

function partTokens(part: Part, image: number, countOf: (text: string) => number): number {
  switch (part.type) {
    case 'image':
      return image
    case 'file':
      return Math.ceil(part.data.length / PDF_BYTES_PER_TOKEN)
    case 'passage':
      return countOf(part.text) + countOf(part.title)
    case 'toolCall':
      return countOf(part.name) + countOf(part.arguments)
    default:
      return countOf(part.text)
  }
}
