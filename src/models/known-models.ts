/** What Parley knows of models by their names alone, for servers that tell nothing but names. */

export interface KnownModel {
  contextWindow: number
  maxOutputTokens: number
  vision: boolean
}

const k = 1_000

/** OpenAI's published limits; a dated name (`gpt-4o-2024-08-06`) is its model. First come, first preferred as a default. */
const known: Record<string, KnownModel> = {
  'gpt-5.1': { contextWindow: 400 * k, maxOutputTokens: 128 * k, vision: true },
  'gpt-5': { contextWindow: 400 * k, maxOutputTokens: 128 * k, vision: true },
  'gpt-5-mini': { contextWindow: 400 * k, maxOutputTokens: 128 * k, vision: true },
  'gpt-5-nano': { contextWindow: 400 * k, maxOutputTokens: 128 * k, vision: true },
  'gpt-4.1': { contextWindow: 1_047_576, maxOutputTokens: 32_768, vision: true },
  'gpt-4.1-mini': { contextWindow: 1_047_576, maxOutputTokens: 32_768, vision: true },
  'gpt-4.1-nano': { contextWindow: 1_047_576, maxOutputTokens: 32_768, vision: true },
  'gpt-4o': { contextWindow: 128 * k, maxOutputTokens: 16_384, vision: true },
  'gpt-4o-mini': { contextWindow: 128 * k, maxOutputTokens: 16_384, vision: true },
  o3: { contextWindow: 200 * k, maxOutputTokens: 100 * k, vision: true },
  'o4-mini': { contextWindow: 200 * k, maxOutputTokens: 100 * k, vision: true },
  'o3-mini': { contextWindow: 200 * k, maxOutputTokens: 100 * k, vision: false },
  'gpt-4-turbo': { contextWindow: 128 * k, maxOutputTokens: 4_096, vision: true },
  'gpt-4': { contextWindow: 8_192, maxOutputTokens: 8_192, vision: false },
  'gpt-3.5-turbo': { contextWindow: 16_385, maxOutputTokens: 4_096, vision: false },
}

/** Middle of its family in price and speed: what an admin who named no model would most likely have named. */
const defaults = ['gpt-5-mini', 'gpt-4.1-mini', 'gpt-4o-mini', 'gpt-5.1', 'gpt-5', 'gpt-4.1', 'gpt-4o']

/** Exact names and dated ones only: a longer name is another model. */
export function knownModel(id: string): KnownModel | undefined {
  return known[undated(id)]
}

const noChat =
  /embed|(?:^|[-_/])(?:bge|e5|gte|minilm|clip|colbert)(?:[-_.]|$)|rerank|whisper|transcri|(?:^|[-_/])tts|speech|kokoro|piper|dall-?e|gpt-image|stable-diffusion|sdxl|flux|sora|moderation|guard|realtime|audio|computer-use|babbage|davinci|instruct-beta|search-preview|deep-research|codex/i

/** Whether a model of this name writes answers, as far as a name can say. */
export function chats(id: string): boolean {
  return !noChat.test(id)
}

/** Lower is a better default. Names that nobody knows keep their server's order, before OpenAI's unlisted ones. */
export function preference(id: string): number {
  const plain = undated(id)
  const at = defaults.indexOf(plain)
  if (at >= 0) return at + (plain === id ? 0 : 0.5)
  if (plain in known) return 30
  if (/^(?:gpt|o\d|chatgpt)/.test(id)) return 40
  return /instruct|chat|[-:_]it\b/i.test(id) ? 10 : 20
}

function undated(id: string): string {
  return id.replace(/-\d{4}-\d{2}-\d{2}$/, '')
}
