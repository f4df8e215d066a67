/** What model servers say when they refuse, in their own sentences. */
import { describe, expect, it } from 'vitest'
import { done, fieldCase, fieldCasesMissing, playCases, said, stop } from '../../../test/models/field-cases.ts'
import { asParleyError } from '../../core/errors.ts'
import { type ErrorContext, HttpFailure, translateError } from './failure.ts'
import { toldOutputLimit } from './refusal-words.ts'

const context: ErrorContext = {
  provider: 'field',
  api: 'the OpenAI API',
  model: 'm',
  apiKey: undefined,
  ended: undefined,
}
const refusal = (status: number, error: unknown) =>
  translateError(new HttpFailure(status, new Headers(), error), context)
const codeFor = (status: number, message: string, more: object = {}) =>
  refusal(status, { error: { message, ...more } }).code

describe('a question that is too long, as told by', () => {
  it.for([
    ['OpenAI', "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens."],
    ['Bedrock', 'Input is too long for requested model.'],
    ['Nova', 'Too many input tokens. Max input tokens: 300000, request input token count: 350000'],
    ['watsonx', 'the number of input tokens 5000 cannot exceed the total tokens limit 4096 for this model'],
    [
      'Mistral',
      'Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length',
    ],
    ['Cohere', 'too many tokens: total number of tokens in this prompt cannot exceed 4081'],
    ['Cerebras', 'Please reduce the length of the messages or completion. Current length is 9000 while limit is 8192'],
    [
      'llama.cpp',
      'the request exceeds the available context size. try increasing the context size or enable context shift',
    ],
    ['LM Studio', 'The number of tokens to keep from the initial prompt is greater than the context length.'],
    ['TabbyAPI', 'Prompt length 5000 is greater than max_seq_len 4096'],
    ['MLC', 'Request prompt has 5000 tokens in total, larger than the model input length limit 4096.'],
    ['SGLang', "The input (5000 tokens) is longer than the model's context length (4096 tokens)."],
    ['LMDeploy', 'The input length [5000] exceeds session_len 4096'],
    ['StepFun', 'total message token length exceed model limit'],
    ['MiniMax', 'invalid params, context window exceeds limit'],
    ['Hugging Face', 'Input validation error: `inputs` must have less than 4096 tokens. Given: 5000'],
    ['SambaNova', 'The provided prompt is 5000 tokens long, but the maximum supported sequence length is just 4096!'],
    ['ERNIE', 'the max input characters is 20000'],
    ['Zhipu', 'Prompt 超长'],
    ['Hunyuan', '输入内容超过模型上下文长度限制'],
    [
      'Cloudflare',
      'The estimated number of input and maximum output tokens (5000) exceeded this model context window limit',
    ],
  ])('%s', ([, message = '']) => expect(codeFor(400, message)).toBe('model_context_overflow'))

  it('its status alone, whatever it says', () => {
    expect(refusal(413, '<html>413 Request Entity Too Large</html>').code).toBe('model_context_overflow')
    expect(codeFor(413, 'Payload too large')).toBe('model_context_overflow')
  })

  it('a limit per minute that it can never fit', () => {
    const message = (requested: string) =>
      `Request too large for m in organization o on tokens per min (TPM): Limit 30,000, Requested ${requested}.`
    expect(codeFor(429, message('45,000'))).toBe('model_context_overflow')
    expect(codeFor(413, message('45,000'))).toBe('model_context_overflow')
    expect(codeFor(429, 'Rate limit reached on tokens per min (TPM): Limit 30000, Used 29000, Requested 3000.')).toBe(
      'model_busy',
    )
  })
})

it.for([
  'The image exceeds the maximum size of 5 MB',
  'Too many tools: at most 128 are allowed',
  'Invalid type for messages[0].content',
  'max_tokens is too large: 4096. This model supports at most 1000 completion tokens',
  'temperature must be less than 2',
  'stop: at most 4 sequences are allowed',
  'Model field not found',
  "messages with role 'tool' must be a response to a preceding message with 'tool_calls'",
])('not too long: %s', (message) => expect(codeFor(400, message)).toBe('model_rejected_request'))

describe('a content filter is neither a wrong key nor a broken server', () => {
  it.for([
    ['OpenRouter', 403, { message: 'm requires moderation and your input was flagged for "violence"' }],
    ['Azure', 400, { message: 'The response was filtered', code: 'content_filter' }],
    ['OpenAI', 400, { message: 'Rejected', code: 'content_policy_violation' }],
    ['DashScope', 400, { message: 'Input data may contain inappropriate content.', code: 'data_inspection_failed' }],
    ['Bedrock', 400, { message: 'The request was blocked by a guardrail' }],
    ['Zhipu', 400, { message: '系统检测到输入内容可能包含不安全或敏感内容', code: '1301' }],
  ] as const)('%s', ([, status, error]) => {
    const { code, userMessage } = refusal(status, { error })
    expect(code).toBe('model_filtered')
    expect(userMessage).toContain('content filter')
  })

  it('a 403 about the key is still about the key', () => {
    expect(codeFor(403, 'Project does not have access to model m')).toBe('model_refused_key')
    expect(codeFor(401, 'flagged')).toBe('model_refused_key')
  })
})

it('a model that does not fit into memory is told with both sizes, and asked once', () => {
  const message = 'model requires more system memory (9.3 GiB) than is available (1.5 GiB)'
  const error = refusal(500, { error: message })
  expect(error.code).toBe('model_out_of_memory')
  expect(error.userMessage).toContain('needs 9.3 GiB, and 1.5 GiB are free')
  expect(asParleyError(error).retry).toBe('never')
})

describe('how long an answer may be', () => {
  it.for([
    [
      'OpenAI',
      'max_tokens is too large: 5000. This model supports at most 1000 completion tokens, whereas you provided 5000.',
      1_000,
      true,
    ],
    ['Anthropic', 'max_tokens: 5000 > 4096, which is the maximum allowed number of output tokens for m', 4_096, true],
    [
      'Groq',
      '`max_tokens` must be less than or equal to `2048`, the maximum value for `max_tokens` is less than the `context_window`',
      2_048,
      true,
    ],
    ['DeepSeek', 'Invalid max_tokens value, the valid range of max_tokens is [1, 4,096]', 4_096, true],
    ['Qwen', 'Range of max_tokens should be [1, 2000]', 2_000, true],
    ['Gemini', 'max_tokens: the value must be between 1 and 2048 inclusive', 2_048, true],
    [
      'OpenAI’s window',
      "This model's maximum context length is 4096 tokens. However, you requested 8600 tokens (3600 in the messages, 5000 in the completion).",
      496,
      false,
    ],
    [
      'vLLM',
      "'max_tokens' is too large: 5000. This model's maximum context length is 4096 tokens and your request has 3000 input tokens (5000 > 4096 - 3000).",
      1_096,
      false,
    ],
    [
      'Anthropic’s window',
      'input length and `max_tokens` exceed context limit: 198240 + 5000 > 200000, decrease input length or `max_tokens`',
      1_760,
      false,
    ],
  ] as const)('%s tells it', ([, message, maxOutputTokens, always]) => {
    expect(toldOutputLimit(message, 5_000)).toEqual({ maxOutputTokens, always })
  })

  it.for([
    'max_tokens must be greater than or equal to 1',
    '`inputs` tokens + `max_new_tokens` must be <= 4097. Given: 4076 `inputs` tokens and 5000 `max_new_tokens`',
    "This model's maximum context length is 4096 tokens. However, your messages resulted in 4500 tokens.",
    'max_tokens: the value must be between 1 and 9000',
    'temperature must be between 0 and 1000',
  ])('nothing to learn from: %s', (message) => expect(toldOutputLimit(message, 5_000)).toBeUndefined())
})

describe.skipIf(fieldCasesMissing)(`refusals from the field${fieldCasesMissing}`, () => {
  it.for([
    ['F28-h-403-moderation', 'model_filtered'],
    ['F30-h-400-filter-azure', 'model_filtered'],
    ['F30-h-400-text', 'model_rejected_request'],
    ['F30-h-413', 'model_context_overflow'],
  ] as const)('%s is %s, asked once', async ([name, error]) => {
    const played = await playCases([fieldCase(name)])
    expect([played.error, played.requests.length]).toEqual([error, 1])
  })

  it.for([
    ['F31-w-maxtok-big', 1_000],
    ['F31-w-ctx-retry', 496],
  ] as const)('%s: asked again within the limit that was told', async ([name, limit]) => {
    const played = await playCases([fieldCase(name), { pieces: [{ text: said('Alpha') + stop + done }] }])
    expect(played).toMatchObject({ text: 'Alpha', finish: 'stop' })
    expect(played.requests.map(({ max_tokens }) => max_tokens)).toEqual([4_096, limit])
  })

  it('F33: each provider’s sentence for a question that is too long', () => {
    for (const { provider, message } of fieldCase('F33-overflow-phrases').phrases ?? [])
      expect([provider, codeFor(400, message)]).toEqual([provider, 'model_context_overflow'])
  })
})

it('a server that told its limit once is asked within it from then on', async () => {
  const message = 'max_tokens must be less than or equal to 1000'
  const refused = { status: 400, pieces: [{ text: JSON.stringify({ error: { message, param: 'max_tokens' } }) }] }
  const fine = { pieces: [{ text: said('Alpha') + stop + done }] }
  const { requests } = await playCases([refused, fine, fine], { times: 2 })
  expect(requests.map(({ max_tokens }) => max_tokens)).toEqual([4_096, 1_000, 1_000])
})
