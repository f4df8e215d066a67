/** Streams of Chat Completions as servers and proxies send them, beyond what the API's description says. */
import { describe, expect, it } from 'vitest'
import {
  done,
  event,
  fieldCase,
  fieldCasesMissing,
  type Played,
  playCases,
  said,
  stop,
} from '../../../test/models/field-cases.ts'
import type { Usage } from '../../core/reply.ts'

const whole = { text: 'Alpha beta gamma.', finish: 'stop', error: undefined }
const failed = { error: 'model_unreachable' }
const cut = { finish: 'truncated', error: undefined }
const filtered = { text: '', finish: 'filter', error: undefined }
const stream = (...texts: string[]) => playCases([{ pieces: [{ text: texts.join('') }] }])
const answer = () => said('Alpha ', 'beta ', 'gamma.')
const body = (value: unknown, space?: number) => JSON.stringify(value, null, space)
const message = {
  object: 'chat.completion',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Alpha beta gamma.' }, finish_reason: 'stop' }],
}

describe.skipIf(fieldCasesMissing)(`cases from the field${fieldCasesMissing}`, () => {
  it.for<[string, string, Omit<Partial<Played>, 'usage'> & { usage?: Partial<Usage> }]>([
    ['F02-s-data-heartbeat-mid', 'a heartbeat between two words is not shown', whole],
    ['F02-s-data-null', 'a null before the answer is not shown', whole],
    ['F02-s-data-ping', 'a ping before the answer is not shown', whole],
    ['F03-s-event-error-first', 'an error event is no answer', failed],
    ['F05-s-html-notype', 'a web page is no answer', { text: '', error: 'model_unknown' }],
    ['F07-s-wrongtype-json', 'events under a wrong content type are read', whole],
    ['F08-s-duplicate-final-full', 'an answer that is repeated at its end is shown once', whole],
    ['F10-s-nan', 'a number that is none harms nothing', whole],
    ['F11-s-detail-mid', 'a failure told as `detail` is one', failed],
    ['F11-s-error-in-choice-first', 'a failure told in a choice is one', failed],
    ['F11-s-error-in-choice', 'a failure told in a choice after text is one', failed],
    ['F12-s-bad-json-mid', 'a broken chunk is a failure, not a gap', failed],
    ['F14-s-cr-only', 'lines may end in CR', whole],
    ['F15-f-null-string-pause', 'an end called "null" ends nothing', whole],
    ['F15-f-stop-each-pause', 'an end that is told with each word ends nothing', whole],
    ['F16-f-error', 'an answer that ended as "error" has failed', failed],
    ['F16-f-insufficient', 'an answer that ended for want of resources has failed', failed],
    ['F16-f-network_error', 'an answer that ended as "network_error" has failed', failed],
    ['F18-f-PROHIBITED_CONTENT', 'Gemini’s PROHIBITED_CONTENT is a filter', filtered],
    ['F18-f-SAFETY', 'Gemini’s SAFETY is a filter', filtered],
    ['F18-f-sensitive', 'Zhipu’s "sensitive" is a filter', filtered],
    ['F19-t-noopen', 'thoughts without a beginning are no text', whole],
    ['F21-t-eot', 'an end mark is no text', whole],
    ['F26-u-groq', 'usage under x_groq counts', { usage: counted(1_000, 2_000) }],
    ['F26-u-late', 'usage that comes late counts', { usage: counted(1_000, 2_000) }],
    ['F26-u-moonshot', 'usage in the choice counts', { usage: counted(1_000, 2_000) }],
    ['F24-u-reasoning-outside', 'thoughts beside the completion are counted', { usage: counted(10, 1_020, 1_000) }],
    ['F24-u-total-only-more', 'what only the total tells is counted', { usage: counted(10, 1_020, 1_000) }],
  ])('%s: %s', async ([name, , expected]) => {
    expect(await playCases([fieldCase(name)])).toMatchObject(expected)
  })

  it('F23-u-zero-output: an output of zero with text is estimated', async () => {
    const { usage } = await playCases([fieldCase('F23-u-zero-output')])
    expect(usage?.source).toBe('estimated')
    expect(usage?.input).toBe(1_000)
    expect(usage?.output).toBeGreaterThan(300)
  })
})

function counted(input: number, output: number, reasoning = 0): Partial<Usage> {
  return { input, output, reasoning, source: 'provider' }
}

describe('what is not text', () => {
  it.for([
    ': keepalive',
    ': OPENROUTER PROCESSING',
    'keep-alive',
    '[PING]',
    'heartbeat',
    'null',
    'undefined',
    '{"type":"ping"}',
    'anything else that is no chunk',
  ])('%s among chunks', async (line) => {
    const alive = `data: ${line}\n\n`
    expect(await stream(alive, said('Alpha '), alive, said('beta gamma.'), alive, stop, done)).toMatchObject(whole)
  })

  it.for(['[done]', '"[DONE]"', 'DONE', '[ DONE ]', 'Done.', '<DONE>', '[END]', '{"done":true}'])(
    'an end spelled %s',
    async (line) => {
      expect(await stream(answer(), stop, `data: ${line}\n\n`)).toMatchObject(whole)
      expect(await stream(answer(), `data: ${line}\n\n`)).toMatchObject(whole)
    },
  )

  it('text among chunks leaves an answer without an end a failure', async () => {
    expect(await stream(said('Alpha '), 'data: upstream connect error\n\n', done)).toMatchObject(failed)
    expect(await stream('data: connecting upstream\n\n', answer(), stop, done)).toMatchObject(whole)
  })

  it.for([
    ['an error event after text', `event: error\ndata: {"message":"overloaded"}\n\n`, 'model_busy'],
    ['an exception event', 'event: exception\ndata: worker died\n\n', 'model_unreachable'],
    ['a list of details', 'data: {"detail":[{"msg":"out of memory"}]}\n\n', 'model_unreachable'],
    ['a bare message', 'data: {"message":"Endpoint request timed out"}\n\n', 'model_unreachable'],
    ['a code with a message', 'data: {"code":"Throttling","msg":"too many requests"}\n\n', 'model_busy'],
    ['MiniMax’s response', 'data: {"base_resp":{"status_code":1002,"status_msg":"rate limit"}}\n\n', 'model_busy'],
    ['Baidu’s message', 'data: {"error_code":336,"error_msg":"service is busy"}\n\n', 'model_unreachable'],
    ['a web page', '<html><body>502 Bad Gateway</body></html>\n', 'model_unknown'],
    ['a web page as data', 'data: <!DOCTYPE html><html></html>\n\n', 'model_unknown'],
  ] as const)('%s', async ([, line, error]) => {
    expect(await stream(line, done)).toMatchObject({ text: '', error })
    expect(await stream(said('Alpha '), line, done)).toMatchObject({ error })
  })

  it('an empty error is none', async () => {
    const chunk = event({ content: 'Alpha beta gamma.' }, 'stop', { error: null, base_resp: { status_code: 0 } })
    expect(await stream(chunk, done)).toMatchObject(whole)
  })

  it.for(['<!doctype html>\n<p>Log in\n\n<p>please', '<?xml version="1.0"?><Error/>'])('the page %j', async (text) => {
    for (const contentType of [null, 'text/html', 'text/event-stream', 'application/json']) {
      const played = await playCases([{ contentType, pieces: [{ text }] }])
      expect(played).toMatchObject({ text: '', error: 'model_unknown' })
    }
  })

  it('bare text without an end is a message of a proxy, not an answer', async () => {
    expect(await stream('upstream connect error')).toMatchObject({ ...cut, text: '' })
    expect(await stream('data: Alpha beta gamma.\n\n', done)).toMatchObject(whole)
    expect(await stream('data: ping\n\n', done)).toMatchObject({ text: '', error: undefined })
  })
})

describe('answers in other forms', () => {
  const types = ['application/json', 'text/plain', 'text/html', 'application/octet-stream', null]
  it.for(types)('are read whatever the content type says: %s', async (contentType) => {
    for (const text of [
      answer() + stop + done,
      body(message),
      body(message, 2),
      `data: ${body(message, 2).replaceAll('\n', '\ndata: ')}\n\n`,
      `${body({ choices: [{ delta: { content: 'Alpha beta gamma.' } }] })}\n${body({ choices: [{ delta: {}, finish_reason: 'stop' }] })}\n`,
      `[${body(message)}]`,
    ])
      expect(await playCases([{ contentType, pieces: [{ text }] }])).toMatchObject(whole)
  })

  it('JSON over several lines is one chunk, however it is printed', async () => {
    const pretty = body({ choices: [{ delta: { content: 'Alpha beta gamma.' } }] }, 2)
    expect(await stream(`data: ${pretty.replaceAll('\n', '\ndata: ')}\n\n`, stop, done)).toMatchObject(whole)
    expect(await stream(`data: ${pretty}\n\n`, stop, done)).toMatchObject(whole)
  })

  it('a doubled prefix, CR alone and CRLF are read in any pieces', async () => {
    const doubled = (answer() + stop + done).replaceAll('data: ', 'data: data: ')
    expect(await stream(doubled)).toMatchObject(whole)
    for (const end of ['\r', '\r\n']) {
      const text = (answer() + stop + done).replaceAll('\n', end)
      const pieces = [...text].map((letter) => ({ text: letter }))
      expect(await playCases([{ pieces }])).toMatchObject(whole)
    }
  })

  it('NaN and Infinity harm nothing, and stay in strings', async () => {
    const chunk = 'data: {"choices":[{"delta":{"content":"NaN and \\"-Infinity\\""},"logprobs":[-Infinity,NaN]}]}\n\n'
    expect(await stream(chunk, stop, done)).toMatchObject({ text: 'NaN and "-Infinity"', finish: 'stop' })
  })

  it('a last message adds what was not said before', async () => {
    const last = (content: string) =>
      `data: ${body({ choices: [{ message: { content }, finish_reason: 'stop' }] })}\n\n`
    expect(await stream(answer(), last('Alpha beta gamma.'), done)).toMatchObject(whole)
    expect(await stream(said('Alpha '), last('Alpha beta gamma.'), done)).toMatchObject(whole)
    expect(await stream(answer(), event({ content: 'Alpha beta gamma.' }, 'stop'), done)).toMatchObject(whole)
    expect(await stream(said('ha', 'ha'), stop, done)).toMatchObject({ text: 'haha' })
  })

  it('Mistral’s thoughts in the content are kept apart', async () => {
    const content = [
      { type: 'thinking', thinking: [{ type: 'text', text: 'a plan' }] },
      { type: 'text', text: 'Alpha beta gamma.' },
    ]
    expect(await stream(event({ content }), stop, done)).toMatchObject({ ...whole, reasoning: 'a plan' })
  })
})

describe('servers that send the whole text so far in each chunk', () => {
  const growing = ['Alpha ', 'Alpha beta ', 'Alpha beta gamma.']
  const thought = (...all: string[]) => all.map((reasoning_content) => event({ reasoning_content })).join('')

  it('are shown once', async () => {
    expect(await stream(said(...growing), stop, done)).toMatchObject(whole)
    expect(await stream(said(...growing, 'Alpha beta gamma.'), stop, done)).toMatchObject(whole)
    expect(await stream(said(...growing), event({ content: 'Alpha beta gamma.' }, 'stop'), done)).toMatchObject(whole)
    expect(await stream(said('Alpha ', 'Alpha beta '), event({ content: 'Alpha beta gamma.' }, 'stop'))).toMatchObject(
      whole,
    )
  })

  it('also where there are two chunks, or an end that is told with each', async () => {
    expect(await stream(said('Alpha ', 'Alpha beta gamma.'), stop, done)).toMatchObject(whole)
    expect(await stream(said('Alpha '), event({ content: 'Alpha beta gamma.' }, 'stop'), done)).toMatchObject(whole)
    const each = growing.map((content) => event({ content }, 'stop')).join('')
    expect(await stream(each, done)).toMatchObject(whole)
  })

  it('their thoughts, too', async () => {
    const played = await stream(thought('a', 'a plan', 'a plan for', 'a plan for it'), said(...growing), stop, done)
    expect(played).toMatchObject({ ...whole, reasoning: 'a plan for it' })
    expect(await stream(thought('a pl', 'a plan'), answer(), stop, done)).toMatchObject({
      ...whole,
      reasoning: 'a plan',
    })
  })

  it('a server that changes what it said goes on from there', async () => {
    expect(
      await stream(said('Alpha  ', 'Alpha  beta', 'Alpha  beta ga', 'Alpha beta gamma.', 'Alpha beta gamma. D')),
    ).toMatchObject({ text: expect.stringMatching(/^Alpha {2}beta ga.*\. D$/) })
  })

  it.for([
    [['ha', 'haha', '!'], 'hahaha!'],
    [['`', '``', 'js'], '```js'],
    [['1', '10', ' m'], '110 m'],
    [['no', 'no'], 'nono'],
    [[' ', ' I', ' In'], '  I In'],
    [['ab', 'abc'], 'ababc'],
    [['A', 'B', 'BC', 'BCD'], 'ABBCBCD'],
  ] as const)('words that begin alike are not taken for them: %j', async ([words, text]) => {
    expect(await stream(said(...words), stop, done)).toMatchObject({ text })
  })
})

describe('how an answer ends', () => {
  it.for([
    ['STOP', 'stop'],
    ['FinishReason.STOP', 'stop'],
    ['eos_token', 'stop'],
    ['MAX_TOKENS', 'length'],
    ['FINISH_REASON_MAX_TOKENS', 'length'],
    ['model_length', 'length'],
    ['content-filter', 'filter'],
    ['RECITATION', 'filter'],
    ['guardrail_intervened', 'filter'],
    ['cancelled', 'truncated'],
  ] as const)('%s is %s', async ([word, finish]) => {
    expect(await stream(answer(), event({}, word), done)).toMatchObject({ text: 'Alpha beta gamma.', finish })
  })

  it.for(['error', 'insufficient_system_resource', 'MALFORMED_FUNCTION_CALL', 'OTHER', 'something_new'])(
    '%s is a failure',
    async (word) => expect(await stream(answer(), event({}, word), done)).toMatchObject(failed),
  )

  it('an end before the end is waited through, whatever it is called', async () => {
    for (const word of ['stop', 'null', '', 'length', 'none']) {
      const pieces = ['Alpha ', 'beta ', 'gamma.'].map((content) => ({
        afterMs: 4_000,
        text: event({ content }, word),
      }))
      expect(await playCases([{ pieces: [...pieces, { afterMs: 4_000, text: stop + done }] }])).toMatchObject(whole)
    }
  })

  it('a server that has counted is not waited for, and one that has not may count late', async () => {
    const usage = 'data: {"choices":[],"usage":{"prompt_tokens":50,"completion_tokens":7}}\n\n'
    const late = { afterMs: 5_000, text: said('late') }
    expect(await playCases([{ pieces: [{ text: answer() + stop + usage }, late] }])).toMatchObject(whole)
    const counts = [{ text: answer() + stop }, { afterMs: 5_000, text: usage }]
    expect(await playCases([{ pieces: counts }])).toMatchObject({ ...whole, usage: counted(50, 7) })
  })

  it('an answer that goes on after an end and then falls silent has no end', async () => {
    const pieces = [
      { text: event({ content: 'Alpha ' }, 'stop') },
      { text: said('beta ') },
      { afterMs: 90_000, text: stop },
    ]
    expect(await playCases([{ pieces }])).toMatchObject({ error: 'model_stalled' })
  })
})

describe('usage', () => {
  const used = (usage: object) => `data: ${body({ choices: [], usage })}\n\n`
  it.for([
    [
      'thoughts beside the completion',
      { prompt_tokens: 50, completion_tokens: 7, total_tokens: 657 },
      counted(50, 607, 600),
    ],
    ['a total of its parts', { prompt_tokens: 50, completion_tokens: 7, total_tokens: 57 }, counted(50, 7)],
    ['a total that is too small', { prompt_tokens: 50, completion_tokens: 7, total_tokens: 7 }, counted(50, 7)],
  ] as const)('%s', async ([, usage, expected]) => {
    expect((await stream(answer(), stop, used(usage), done)).usage).toMatchObject(expected)
  })

  it('an input of zero, and an output of zero with text, are estimated', async () => {
    const { usage } = await stream(answer(), stop, used({ prompt_tokens: 0, completion_tokens: 7 }), done)
    expect(usage).toMatchObject({ output: 7, source: 'estimated' })
    expect(usage?.input).toBeGreaterThan(5)
    const other = await stream(answer(), stop, used({ prompt_tokens: 40, completion_tokens: 0 }), done)
    expect(other.usage).toMatchObject({ input: 40, source: 'estimated' })
    expect(other.usage?.output).toBeGreaterThan(2)
  })
})
