import { describe, expect, it } from 'vitest'
import { createThoughtFilter, type ThoughtOptions } from './thoughts.ts'

interface Said {
  text: string
  reasoning: string
}

/** The whole said in pieces of `size` characters, then the end; what was said before a lone end mark is reasoning. */
function split(whole: string, size: number, options: ThoughtOptions = {}): Said {
  const filter = createThoughtFilter(options)
  const pieces = Array.from({ length: Math.ceil(whole.length / size) }, (_, n) => whole.slice(n * size, (n + 1) * size))
  const chunks = [...pieces.map((text) => ({ text })), { finish: 'stop' as const }, { done: true as const }]
  return [...chunks.flatMap((chunk) => filter.take(chunk)), ...filter.end()].reduce<Said>(
    (said, { text = '', reasoning = '', thoughtSoFar }) =>
      thoughtSoFar
        ? { text: '', reasoning: said.reasoning + said.text + text }
        : { text: said.text + text, reasoning: said.reasoning + reasoning },
    { text: '', reasoning: '' },
  )
}

function expectSaid(whole: string, expected: Said, options?: ThoughtOptions) {
  for (const size of [1, 2, 3, 5, 8, 100, 1_000]) expect(split(whole, size, options)).toEqual(expected)
}

describe('thoughts that stand in the text', () => {
  it.for([
    ['<think>\nIt is on p. 3.\n</think>\n\nThirty days.', 'Thirty days.', '\nIt is on p. 3.\n'],
    ['\n<think></think>Thirty days.', 'Thirty days.', ''],
    ['Thirty days. <think>no thought</think>', 'Thirty days. <think>no thought</think>', ''],
    ['<thinking about it> is no tag', '<thinking about it> is no tag', ''],
    ['  two spaces stay', '  two spaces stay', ''],
    ['<think>a </thin b </think>c</think>', 'c</think>', 'a </thin b '],
    ['<think>cut off in the midd', '', 'cut off in the midd'],
    ['<thi', '<thi', ''],
    ['', '', ''],
    ['<think>one</think>\n<think>two</think>\nThirty days.', 'Thirty days.', 'onetwo'],
  ] as const)('%j is said as %j', ([whole, text, reasoning]) => expectSaid(whole, { text, reasoning }))

  it.for([
    ['Seed', '<seed:think>a plan</seed:think>Thirty days.'],
    ['Kimi', '◁think▷a plan◁/think▷Thirty days.'],
    ['Magistral', '[THINK]a plan[/THINK]Thirty days.'],
    ['Command A', '<|START_THINKING|>a plan<|END_THINKING|><|START_RESPONSE|>Thirty days.<|END_RESPONSE|>'],
    ['EXAONE and Gemini', '<thought>\na plan</thought>\n\nThirty days.'],
    ['Reka', '<reasoning>a plan</reasoning> Thirty days.'],
    [
      'OpenThinker',
      '<|begin_of_thought|>a plan<|end_of_thought|>\n\n<|begin_of_solution|>Thirty days.<|end_of_solution|>',
    ],
    ['Apertus', '<|inner_prefix|>a plan<|inner_suffix|>Thirty days.'],
    ['GLM', '<think>a plan</think><|begin_of_box|>Thirty days.<|end_of_box|>'],
    [
      'gpt-oss',
      '<|channel|>analysis<|message|>a plan<|end|><|start|>assistant<|channel|>final<|message|>Thirty days.<|return|>',
    ],
    ['gpt-oss without its marks', 'analysisA planassistantfinalThirty days.'],
  ] as const)('%s: only the answer is text', ([, whole]) => {
    for (const size of [1, 3, 7, 1_000]) {
      const { text, reasoning } = split(whole, size)
      expect(text).toBe('Thirty days.')
      expect(reasoning.trim().toLowerCase()).toBe('a plan')
    }
  })

  it.for([
    ['so it is 30 days.\n</think>\n\nThirty days.', 'Thirty days.', 'so it is 30 days.\n'],
    ['so it is 30 days.</think>Thirty days.', 'Thirty days.', 'so it is 30 days.'],
    ['</think>\n\nThirty days.', 'Thirty days.', ''],
    ['a plan\n◁/think▷Thirty days.', 'Thirty days.', 'a plan\n'],
    ['a plan[/THINK]Thirty days.', 'Thirty days.', 'a plan'],
  ] as const)('an end without a beginning: %j is said as %j', ([whole, text, reasoning]) =>
    expectSaid(whole, { text, reasoning }),
  )

  it.for([
    'The tag `</think>` ends it.',
    'The tag </think> ends it.',
    '```\nplan</think>\n```\nis R1.',
    'Write <think>plan</think> around it.',
    'Strike <s>old</s>',
    'An answer [1:p3] with [2:p4-5]',
    'a < b and [x',
    'analysis of the text',
  ])('text about marks stays as it is: %j', (whole) => expectSaid(whole, { text: whole, reasoning: '' }))

  it.for([
    '<|im_end|>',
    '<|eot_id|>',
    '</s>',
    '<|endoftext|>\n',
    '<end_of_turn>\n<eos>',
    '<｜end▁of▁sentence｜>',
    '[|endofturn|]',
    '<|im_end|>\n<|im_start|>user\nAnd in months?<|im_end|>\n<|im_start|>assistant\nOne.',
  ])('the end mark %j is no text', (mark) => expectSaid(`Thirty days.${mark}`, { text: 'Thirty days.', reasoning: '' }))

  it('a mark in the middle of a sentence is text', () => {
    const whole = 'Llama ends a turn with <|eot_id|> and Qwen with <|im_end|>, both as one token.'
    expectSaid(whole, { text: whole, reasoning: '' })
  })

  it('a tag that the request itself asks for stays in the answer', () => {
    const whole = '<reasoning>first</reasoning><result>30</result>'
    expectSaid(whole, { text: whole, reasoning: '' }, { names: (tag) => tag === '<reasoning>' })
    expectSaid(whole, { text: '<result>30</result>', reasoning: 'first' })
  })

  describe('a model whose answers began in thought before', () => {
    const begun = true
    it('shows the next thoughts as thoughts from the first word on', () => {
      const filter = createThoughtFilter({ begun })
      expect(filter.take({ text: 'so it is ' })).toMatchObject([{ reasoning: 'so it is ' }, {}])
      expectSaid('so it is</think>Thirty days.', { text: 'Thirty days.', reasoning: 'so it is' }, { begun })
    })

    it('is believed when it says nothing of an end, and treated like any other from then on', () => {
      const learnt: boolean[] = []
      const options = { begun, onBegun: (now: boolean) => void learnt.push(now) }
      expect(split('Thirty days.', 3, options).text).toBe('Thirty days.')
      expect(learnt).toEqual([false])
    })

    it('has not answered when its limit ended it in thought', () => {
      const filter = createThoughtFilter({ begun })
      const chunks = [{ text: 'so it' }, { finish: 'length' as const }, { done: true as const }]
      expect(chunks.flatMap((chunk) => filter.take(chunk)).some(({ text }) => text)).toBe(false)
    })

    it('is read like any other when its server keeps thoughts apart', () => {
      const filter = createThoughtFilter({ begun })
      const chunks = [{ reasoning: 'so' }, { text: 'Thirty days.' }, { done: true as const }]
      expect(chunks.flatMap((chunk) => filter.take(chunk)).flatMap(({ text }) => text ?? [])).toEqual(['Thirty days.'])
    })
  })
})
