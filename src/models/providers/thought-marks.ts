/** How model families mark thoughts and the ends of their text, and how to tell such marks from text about them. */

export interface Family {
  open: string | RegExp
  close: string
  /** An ordinary word that a prompt may ask for: what the request itself names stays in the text. */
  word?: true
}

/** How models mark thoughts at the start of an answer. */
export const families: readonly Family[] = [
  // DeepSeek R1, Qwen, QwQ, Phi, Nemotron, GLM, MiniMax, Granite and most others.
  { open: '<think>', close: '</think>' },
  { open: '<thinking>', close: '</thinking>', word: true },
  // Gemini behind compatible servers, EXAONE Deep.
  { open: '<thought>', close: '</thought>', word: true },
  // Reka.
  { open: '<reasoning>', close: '</reasoning>', word: true },
  // Seed-OSS.
  { open: '<seed:think>', close: '</seed:think>' },
  // Kimi-VL.
  { open: '◁think▷', close: '◁/think▷' },
  // Magistral.
  { open: '[THINK]', close: '[/THINK]' },
  // Command A.
  { open: '<|START_THINKING|>', close: '<|END_THINKING|>' },
  // OpenThinker, Sky-T1.
  { open: '<|begin_of_thought|>', close: '<|end_of_thought|>' },
  // Apertus.
  { open: '<|inner_prefix|>', close: '<|inner_suffix|>' },
  // MedGemma.
  { open: '<unused94>thought', close: '<unused95>' },
  // gpt-oss (harmony), and the names of its channels where a server has dropped the marks around them.
  { open: '<|channel|>analysis<|message|>', close: '<|end|>' },
  { open: '<|channel|>commentary<|message|>', close: '<|end|>' },
  { open: /^analysis(?=\p{Lu})/u, close: 'assistantfinal' },
]

/** What may come before an answer and is not part of it. */
export const beginnings = [
  '<|start|>assistant',
  '<|channel|>final<|message|>',
  '<|START_RESPONSE|>',
  '<|START_TEXT|>',
  '<|begin_of_solution|>',
  '<|begin_of_box|>',
  '<|begin_of_text|>',
  '<|im_start|>assistant',
  '<|start_header_id|>assistant<|end_header_id|>',
  '<｜Assistant｜>',
  '<|assistant|>',
]

/** What a model ends its text with; a server that knows the model keeps it back. */
const endings = [
  '<|eot_id|>',
  '<|eom_id|>',
  '<|im_end|>',
  '<|endoftext|>',
  '<|end_of_text|>',
  '<|end|>',
  '<|return|>',
  '</s>',
  '<eos>',
  '<|eos|>',
  '<|EOT|>',
  '[EOS]',
  '<end_of_turn>',
  '<|end_of_turn|>',
  '<|END_OF_TURN_TOKEN|>',
  '<|END_RESPONSE|>',
  '<|END_TEXT|>',
  '<|end_of_solution|>',
  '<|end_of_box|>',
  '<|end_of_sentence|>',
  '<｜end▁of▁sentence｜>',
  '[|endofturn|]',
  '<|user|>',
  '<|observation|>',
]

/** Behind such an end, the model goes on with the next question by itself: nothing of that is the answer. */
export const nextTurns = ['<|im_start|>', '<|start_header_id|>', '<|start|>', '<start_of_turn>', '<｜User｜>']

const fullEnding = new RegExp(`^\\s*(?:(?:${endings.map(escaped).join('|')})\\s*)+$`)

/** Whether a piece of text is nothing but such a mark: pipelines that pass on a model's tokens pass this on, too. */
export function isEndMark(text: string): boolean {
  return fullEnding.test(text)
}

/** No mark is longer than this many characters, white space between two of them included. */
const LONGEST_MARK = 64

export const closes = families.flatMap(({ open, close }) =>
  typeof open === 'string' && close !== '<|end|>' ? [close] : [],
)

/** How many characters of the start of a text open thoughts. */
export function openedBy({ open }: Family, text: string): number {
  if (typeof open === 'string') return text.startsWith(open) ? open.length : 0
  return open.exec(text)?.[0].length ?? 0
}

export function mayBegin(text: string): boolean {
  const marks = [...beginnings, ...families.map(({ open }) => (typeof open === 'string' ? open : 'analysis'))]
  return marks.some((mark) => mark.startsWith(text))
}

/**
 * The end of thoughts that had no beginning, because the model's template has written it: `…so it is 30 days.</think>`. Text
 * about such a mark has it in quotes, in code, or between spaces.
 */
export function loneClose(said: string, held: string): { from: number; to: number } | undefined {
  for (const mark of closes) {
    const from = held.indexOf(mark)
    if (from < 0) continue
    const before = said + held.slice(0, from)
    const inCode = (before.match(/```/g)?.length ?? 0) % 2 === 1
    if (inCode || /[\p{Zs}"'`‘’“”«([{<>=/]$/u.test(before)) continue
    if (families.some(({ open, close }) => close === mark && typeof open === 'string' && before.includes(open)))
      continue
    return { from, to: from + mark.length }
  }
  return undefined
}

/** Where marks of an end begin, after which nothing else comes but white space and what may become such a mark. */
export function endingFrom(text: string): number | undefined {
  for (let at = Math.max(0, text.length - 4 * LONGEST_MARK); at < text.length; at += 1) {
    if ((text[at] === '<' || text[at] === '[') && isEnding(text.slice(at))) return at
  }
  return undefined
}

function isEnding(text: string): boolean {
  let rest = text
  while (rest !== '') {
    const mark = endings.find((ending) => rest.startsWith(ending))
    if (mark === undefined) break
    rest = rest.slice(mark.length).trimStart()
  }
  if (rest === '') return true
  const behind = rest.length < text.length
  const marks = behind ? [...endings, ...nextTurns] : endings
  return marks.some((mark) => mark.startsWith(rest)) || (behind && nextTurns.some((mark) => rest.startsWith(mark)))
}

/** `<s>old</s>` is a line through words. */
export function opensStrike(said: string, mark: string): boolean {
  return mark.trim() === '</s>' && said.includes('<s>')
}

/** How many characters at the end of a text may become one of the marks. */
export function tailThatMayBecome(text: string, marks: readonly string[]): number {
  for (let length = Math.min(LONGEST_MARK, text.length); length > 0; length -= 1) {
    const tail = text.slice(-length)
    if (marks.some((mark) => mark.length > length && mark.startsWith(tail))) return length
  }
  return 0
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}
