/**
 * What a model server's words of refusal mean, by classes of phrases: each provider has its own sentence for the same thing,
 * and changes it. Only the meaning leaves this file, never the words.
 */

/** A question that is too long for the model, in the sentences of about forty servers. */
export function saysTooLong(said: string): boolean {
  const text = said.toLowerCase()
  if (certainlyTooLong.test(text)) return true
  if (otherLimits.test(text) || (outputLimit.test(text) && !/inputs?\b|prompt|context|messages/.test(text)))
    return false
  return tooLong.some((phrase) => phrase.test(text))
}

const certainlyTooLong =
  /context[_ -]?(?:length|window|size|limit)|maximum context|(?:prompt|input) (?:is )?too long|too many (?:input )?tokens|exceed_context_size|range of input length|max_model_len|max_seq_len|string_above_max_length|reduce the length of the (?:messages|prompt|input)|超长|过长|超[出过].{0,20}(?:长度|上下文|token|字数|限制)/
/** Limits of other things, in words that come near. */
const otherLimits =
  /per[ -](?:min|day|sec|hour|month)|rate[ _-]?limit|quota|access token|token expired|auth|\bimages?\b|picture|\bpixels|\bfiles?\b|upload|\btools?\b|function|stop sequences?|logit|temperature|top_[pk]|\burl\b|schema|metadata|embedding|batch/
const outputLimit = /max_?(?:completion_|new_|output_)?tokens/
const subject = '(?:prompt|inputs?|context|sequence|request|conversation|messages?|tokens?|text)'
const excess =
  '(?:too (?:long|large|big|many)|exceed\\w*|(?:long|larg|great)er than|over the|above the|more than|less than|<=)'
const bound = '(?:maximum|max|limit\\w*|at most|up to|allow\\w*|window|\\d{3,})'
const tooLong: readonly RegExp[] = [
  // "Input length 877338 exceeds the maximum allowed input length of 639968 tokens"
  new RegExp(`${subject}\\b.{0,120}?${excess}.{0,80}?(?:\\btokens?\\b|length|${bound})`),
  // "Exceeded max input tokens: 9000 > 8192", "the max input characters is 20000"
  new RegExp(
    `(?:${excess}|${bound}).{0,60}?(?:input|prompt|context|sequence|token) ?(?:tokens?|length|characters|limit|count)`,
  ),
  // "The prompt is 5000 tokens long, but the maximum supported sequence length is just 4096"
  new RegExp(`${subject}\\b.{0,120}?\\b(?:maximum|max|limit)\\b.{0,40}?(?:length|tokens?)`),
]

/** The provider's filter declined what was asked, by whatever status. */
export function saysFiltered({ status = 400, message, code, type }: Told): boolean {
  if (![400, 403, 422, 451].includes(status)) return false
  return filtered.test(`${code} ${type} ${message}`)
}

const filtered =
  /content[_ -]?(?:filter|policy|moderation|management policy)|\bflagged\b|responsible ?ai|data_?inspection_?failed|(?:inappropriate|sensitive|prohibited|harmful|unsafe) (?:content|information|words?|material|input)|moderation[^.]{0,40}(?:block|flag|reject|fail|refus)|(?:block|flag|reject|refus)\w* by [^.]{0,30}(?:moderation|safety|content)|safety (?:system|filter|settings|check)|guardrail|usage polic|risk control|敏感|违规/i

/** The request alone is over the account's limit per minute, so another try cannot help. */
export function saysTooLargeForRate({ status, message }: Told): boolean {
  if (status !== 429 && status !== 413) return false
  const limit = numberAfter(/limit:?\s*/i, message)
  const requested = numberAfter(/requested:?\s*/i, message)
  return limit !== undefined && requested !== undefined && requested > limit
}

/** Ollama will not load the model before memory becomes free. The figures are its own. */
export function memoryShort({ message }: Pick<Told, 'message'>): { needs: string; has: string } | undefined {
  const [, needs, has] =
    /requires more (?:system |gpu |video )?memory \(([\d.]+ ?\w+)\) than is available \(([\d.]+ ?\w+)\)/i.exec(
      message,
    ) ?? []
  return needs === undefined || has === undefined ? undefined : { needs, has }
}

interface Told {
  status: number | undefined
  message: string
  code: string
  type: string
}

/** If a window has room for fewer tokens than this, no answer fits: the question is too long. */
const LEAST_OUTPUT = 128

export interface ToldLimit {
  maxOutputTokens: number
  /** It is the model's limit, whatever is asked; otherwise what this question leaves of the window. */
  always: boolean
}

/** How long an answer may be at most, where a refusal tells it in numbers. */
export function toldOutputLimit(said: string, asked: number): ToldLimit | undefined {
  const text = said.replace(/(?<=\d)[,_](?=\d{3}\b)/g, '')
  const left = leftOfWindow(text)
  const found =
    left === undefined
      ? { maxOutputTokens: outputLimits.map((limit) => numberAfter(limit, text)).find(Boolean), always: true }
      : { maxOutputTokens: left, always: false }
  const { maxOutputTokens, always } = found
  if (maxOutputTokens === undefined || maxOutputTokens >= asked || maxOutputTokens < LEAST_OUTPUT) return undefined
  return { maxOutputTokens, always }
}

const word = '`?[\'"]?max_?(?:completion_|new_|output_)?tokens[\'"]?`?'
const outputLimits: readonly RegExp[] = [
  /at most (?=\d+ (?:completion|output|new)? ?tokens)/i,
  // "max_tokens: 10000 > 4096, which is the maximum allowed number of output tokens"
  new RegExp(`${word}: \\d+ > `, 'i'),
  // "`max_tokens` must be less than or equal to `8192`", "max_tokens must be <= 8192"
  new RegExp(`${word}.{0,60}?(?:less than or equal to|no (?:more|greater) than|at most|<=|up to) \`?`, 'i'),
  // "the valid range of max_tokens is [1, 8192]", "max_tokens: the value must be between 1 and 8192"
  new RegExp(`${word}.{0,40}?\\[\\s*\\d+\\s*,\\s*`, 'i'),
  new RegExp(`${word}.{0,60}?between \\d+ and `, 'i'),
  // "max_tokens is too large … the limit is 8192"
  new RegExp(`${word}.{0,120}?(?:limit|maximum(?: value)?)(?: (?:is|of|for this model is))?:? `, 'i'),
]

/** What the question leaves of the model's window, where the refusal tells both. */
function leftOfWindow(text: string): number | undefined {
  // "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000"
  const [, sum, window] = /(\d+) \+ \d+ > (\d+)/.exec(text) ?? []
  if (sum !== undefined) return Number(window) - Number(sum)
  const most =
    numberAfter(/maximum context length (?:is|of) /i, text) ?? numberAfter(/must be <= (?=\d+\. given)/i, text)
  const input =
    /(\d+) (?:tokens? )?(?:in|of|from) the (?:messages|prompt|input|text)|(\d+) (?:input|prompt|`inputs`) tokens/i.exec(
      text,
    )
  const tokens = Number(input?.[1] ?? input?.[2] ?? Number.NaN)
  return most === undefined || Number.isNaN(tokens) ? undefined : most - tokens
}

function numberAfter(before: RegExp, text: string): number | undefined {
  const [, digits] =
    new RegExp(`${before.source}(\\d+)`, before.flags).exec(text.replace(/(?<=\d),(?=\d{3}\b)/g, '')) ?? []
  return digits === undefined ? undefined : Number(digits)
}
