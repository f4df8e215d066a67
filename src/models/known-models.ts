/**
 * What Parley knows of models by their names alone, for servers that tell nothing but names: limits, abilities, and the most
 * tokens that a picture costs. What a provider tells, or the published list of prices, is newer and comes first.
 */
import type { Tier } from './catalogue.ts'
import type { Price } from './price.ts'

export interface KnownModel {
  contextWindow?: number
  maxOutputTokens?: number
  vision?: boolean
  audio?: boolean
  tools?: boolean
  /**
   * By the ability that its maker published, not by its name: on MMLU-Pro (https://arxiv.org/abs/2406.01574) `small` models get less
   * than about 70 % right, `large` ones more than about 84 %.
   */
  tier?: Tier
}

const k = 1_000
const gpt5 = { contextWindow: 400 * k, maxOutputTokens: 128 * k, vision: true, tools: true, audio: false }
const gpt41 = { contextWindow: 1_047_576, maxOutputTokens: 32_768, vision: true, tools: true, audio: false }
const gpt4o = { contextWindow: 128 * k, maxOutputTokens: 16_384, vision: true, tools: true, audio: false }
const o = { contextWindow: 200 * k, maxOutputTokens: 100 * k, vision: true, tools: true, audio: false }
const older = { tools: true, vision: false, audio: false }

/** OpenAI's published limits; a dated name (`gpt-4o-2024-08-06`) is its model. */
const known: Record<string, KnownModel> = {
  'gpt-5.1': { ...gpt5, tier: 'large' },
  'gpt-5': { ...gpt5, tier: 'large' },
  'gpt-5-mini': { ...gpt5, tier: 'medium' },
  'gpt-5-nano': { ...gpt5, tier: 'small' },
  'gpt-4.1': { ...gpt41, tier: 'medium' },
  'gpt-4.1-mini': { ...gpt41, tier: 'small' },
  'gpt-4.1-nano': { ...gpt41, tier: 'small' },
  'gpt-4o': { ...gpt4o, tier: 'medium' },
  'gpt-4o-mini': { ...gpt4o, tier: 'small' },
  o3: { ...o, tier: 'large' },
  'o4-mini': { ...o, tier: 'medium' },
  'o3-mini': { ...o, vision: false, tier: 'medium' },
  'gpt-4-turbo': { ...older, contextWindow: 128 * k, maxOutputTokens: 4_096, vision: true, tier: 'medium' },
  'gpt-4': { ...older, contextWindow: 8_192, maxOutputTokens: 8_192, tier: 'medium' },
  'gpt-3.5-turbo': { ...older, contextWindow: 16_385, maxOutputTokens: 4_096, tier: 'small' },
}

const claude = { contextWindow: 200 * k, vision: true, tools: true, audio: false }
const gemini = { contextWindow: 1_048_576, maxOutputTokens: 65_536, vision: true, audio: true, tools: true }
const text = { vision: false, audio: false }

/**
 * Families by their names as OpenAI and Anthropic, Ollama (`llama3.1:8b`) and Hugging Face (`meta-llama/Llama-3.1-8B-Instruct`)
 * write them. The first that fits counts; a window is the one that the model was trained for.
 */
const families: [name: RegExp, what: KnownModel][] = [
  [/^gpt-[56](?:[.-]\d+)?-(?:nano|luna)/, { ...gpt5, tier: 'small' }],
  [/^gpt-[56](?:[.-]\d+)?-mini/, { ...gpt5, tier: 'medium' }],
  [/^gpt-[56](?:[.-]\d+)?-terra/, { ...gpt5, tier: 'medium' }],
  [/^gpt-[56](?:[.-]|$)/, { ...gpt5, tier: 'large' }],
  [/^claude-(?:[\d.-]+-)?opus-4-[01]|^claude-opus-4-2025/, { ...claude, maxOutputTokens: 32 * k, tier: 'large' }],
  [/^claude-3-opus/, { ...claude, maxOutputTokens: 4_096, tier: 'large' }],
  [/^claude-3-sonnet/, { ...claude, maxOutputTokens: 4_096, tier: 'medium' }],
  [/^claude-3-haiku/, { ...claude, maxOutputTokens: 4_096, tier: 'small' }],
  [/^claude-3[.-]5-haiku/, { ...claude, maxOutputTokens: 8_192, tier: 'small' }],
  [/^claude-3[.-]5-sonnet/, { ...claude, maxOutputTokens: 8_192, tier: 'medium' }],
  [/^claude-.*haiku/, { ...claude, maxOutputTokens: 64 * k, tier: 'medium' }],
  [/^claude-3.*sonnet/, { ...claude, maxOutputTokens: 64 * k, tier: 'medium' }],
  [/^claude-.*sonnet/, { ...claude, maxOutputTokens: 64 * k, tier: 'large' }],
  [/^claude-(?:.*opus|fable)/, { ...claude, maxOutputTokens: 64 * k, tier: 'large' }],
  [/gemini-(?:1|2[.-]0).*flash|gemini-.*flash-lite/, { ...gemini, tier: 'small' }],
  [/gemini-.*flash/, { ...gemini, tier: 'medium' }],
  [/gemini-.*pro/, { ...gemini, tier: 'large' }],
  [/gpt-oss/, { ...text, contextWindow: 131_072, tools: true }],
  [/llama-?4/, { contextWindow: 131_072, vision: true, tools: true, audio: false }],
  [/llama-?3[.-]2.*vision/, { contextWindow: 131_072, vision: true, tools: false, audio: false }],
  [/llama-?3[.-][123]/, { ...text, contextWindow: 131_072, tools: true }],
  [/llama-?3/, { ...text, contextWindow: 8_192, tools: false }],
  [/llama-?2/, { ...text, contextWindow: 4_096, tools: false }],
  [/llava|bakllava|moondream/, { contextWindow: 4_096, vision: true, tools: false, audio: false }],
  [/qwen[\d.]*-?omni/, { contextWindow: 32_768, vision: true, audio: true, tools: false }],
  [/qwen[\d.]*-?audio/, { contextWindow: 8_192, vision: false, audio: true, tools: false }],
  [/qwen[\d.]*-?vl/, { contextWindow: 32_768, vision: true, audio: false }],
  [/qwen-?3[.-][5-9]/, { contextWindow: 131_072, vision: true, tools: true, audio: false }],
  [/qwen-?3/, { ...text, contextWindow: 40_960, tools: true }],
  [/qwen-?2[.-]5|qwq/, { ...text, contextWindow: 32_768, tools: true }],
  [/qwen/, { contextWindow: 32_768 }],
  [/pixtral|mistral-small-?3[.-][12]|magistral/, { contextWindow: 131_072, vision: true, tools: true, audio: false }],
  [/voxtral/, { contextWindow: 32_768, vision: false, audio: true, tools: true }],
  [/^(?:.*\/)?mistral(?::|$)|mistral-?(?:nemo|7b)|mixtral/, { ...text, contextWindow: 32_768, tools: true }],
  [/mi(?:ni)?stral/, { tools: true, audio: false }],
  [/gemma-?3n/, { contextWindow: 32_768, vision: true, audio: true, tools: false }],
  [/gemma-?3[:-](?:1b|270m)/, { ...text, contextWindow: 32_768, tools: false }],
  [/gemma-?[34]/, { contextWindow: 131_072, vision: true, audio: false }],
  [/gemma/, { ...text, contextWindow: 8_192, tools: false }],
  [/phi-?[34](?:[.-]5)?.*(?:vision|multimodal)/, { contextWindow: 131_072, vision: true, tools: false }],
  [/phi-?4-mini/, { ...text, contextWindow: 131_072, tools: true }],
  [/phi-?4/, { ...text, contextWindow: 16_384, tools: false }],
  [/phi-?3/, { ...text, contextWindow: 4_096, tools: false }],
  [/deepseek-(?:vl|ocr)/, { vision: true, tools: false, audio: false }],
  [/deepseek-(?:r1|coder|llm)/, { ...text, contextWindow: 131_072, tools: false }],
  [/deepseek/, { ...text, contextWindow: 131_072, tools: true }],
]

/** Middle of its family in price and speed: what an admin who named no model would most likely have named. */
const defaults = [
  ...[
    'gpt-5-mini',
    'gpt-5.4-mini',
    'gpt-4.1-mini',
    'gpt-4o-mini',
    'claude-haiku-4-5',
    'gpt-5.6-terra',
    'gpt-5.1',
    'gpt-5',
  ],
  ...['gpt-4.1', 'gpt-4o', 'claude-sonnet-5', 'claude-sonnet-4-6', 'claude-sonnet-4-5'],
]

/** A model by its exact name or a dated one: a longer name is another model. */
export function knownModel(id: string): KnownModel | undefined {
  const name = undated(id)
  return Object.hasOwn(known, name) ? known[name] : undefined
}

/** What its family has in common, as far as a name tells. */
export function knownFamily(id: string): KnownModel | undefined {
  const name = id.toLowerCase()
  return families.find(([pattern]) => pattern.test(name))?.[1]
}

/** Billions of parameters that a name tells: `llama3.1:8b` 8, `Mixtral-8x7B` 56, `qwen3:30b-a3b` 30. */
export function parametersIn(id: string): number | undefined {
  const match = /(?:^|[-_:/])(?:e)?(?:(\d{1,3})x)?(\d{1,4}(?:\.\d+)?)(b|m)(?=$|[-_:.@])/i.exec(id)
  if (match === null) return undefined
  const [, experts = '1', size, unit] = match
  return (Number(experts) * Number(size)) / (unit?.toLowerCase() === 'm' ? 1_000 : 1)
}

const noChat =
  /embed|(?:^|[-_/])(?:bge|e5|gte|minilm|clip|colbert)(?:[-_.]|$)|rerank|whisper|transcri|(?:^|[-_/])tts|speech|kokoro|piper|dall-?e|gpt-image|-image(?:-|$)|stable-diffusion|sdxl|flux|sora|moderation|guard|realtime|audio|computer-use|babbage|davinci|instruct-beta|search-preview|deep-research|codex/i

/** Whether a model of this name writes answers, as far as a name can say. */
export function chats(id: string): boolean {
  return !noChat.test(id)
}

/** Lower is a better default. Unknown names keep their server's order, before the clouds' unlisted ones. */
export function preference(id: string): number {
  const plain = undated(id)
  const at = defaults.indexOf(plain)
  if (at >= 0) return at + (plain === id ? 0 : 0.5)
  if (Object.hasOwn(known, plain)) return 30
  if (/^(?:gpt-(?!oss)|o\d|chatgpt|claude)/.test(id)) return 40
  return /instruct|chat|[-:_]it\b/i.test(id) ? 20 : 25
}

const date = /-(?:20\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])|20\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))$/

/** A name without the date at its end: `gpt-4o-2024-08-06` is `gpt-4o`. */
export function undated(id: string): string {
  return id.replace(date, '')
}

/** Pieces of 32 by 32 pixels that cover the largest picture, and the most that models with a limit count of them. */
const PATCHES = 49 * 49
const FEWER_PATCHES = 1_536
/** Pieces of 512 by 512 once the shorter side has at most 768 pixels: two rows of four. */
const TILES = 8

/**
 * As OpenAI, Anthropic, Google and the makers of open models publish it; where measurements and publications differ, the
 * dearer. The first that fits counts, also behind a proxy's prefix (`azure/gpt-4o-mini`).
 */
const imageTokens: [name: RegExp, tokens: number][] = [
  [/gpt-4o-mini/, 2_833 + TILES * 5_667],
  [/gpt-4\.1-mini/, FEWER_PATCHES * 1.62],
  [/gpt-4\.1-nano/, FEWER_PATCHES * 2.46],
  [/gpt-4\.1|gpt-4o|chatgpt-4o|gpt-4-(?:turbo|vision)|gpt-4\.5/, Math.max(FEWER_PATCHES, 85 + TILES * 170)],
  [/o4-mini/, FEWER_PATCHES * 1.72],
  [/(?:^|\/)o[13](?:$|-)/, 75 + TILES * 150],
  [/gpt-[5-9](?:\.\d+)?-nano/, PATCHES * 2.46],
  [/gpt-[5-9]/, PATCHES * 1.62],
  [/claude-3|claude-(?:opus|sonnet|haiku)-4(?:$|-[0-5](?:$|-))/, 1_700],
  [/claude/, 4_784],
  // A narrow picture is cut into squares of 256 pixels: two rows of seven.
  [/gemini/, 14 * 258],
  [/pixtral/, 98 * 99],
]

/** More than any model bills except `gpt-4o-mini`, which is not recognized under a custom name. */
const UNKNOWN_IMAGE = 6_000

/**
 * The most tokens that a provider bills for one picture. Pictures are sent with at most 1,568 pixels a side
 * (src/media/providers/image.ts) and, where it can be said, without a wish for detail.
 */
export function mostImageTokens(model: string): number {
  const name = undated(model).toLowerCase()
  return Math.ceil(imageTokens.find(([pattern]) => pattern.test(name))?.[1] ?? UNKNOWN_IMAGE)
}

/** What is published of a model at an address. Implemented by providers/genai-prices.ts. */
export interface Published {
  price?: Price
  /** Tokens of input and output together. */
  contextWindow?: number
}

/**
 * `address`: where the model is asked, because the same name elsewhere is another model at another price. `id`: its exact
 * name, or one with a date at its end. `at`: prices change, some by the hour of the day.
 */
export type FindPublished = (address: string, id: string, at: Date) => Published | undefined
