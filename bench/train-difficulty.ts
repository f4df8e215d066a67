/**
 * Trains the weights of src/routing/difficulty.ts: `node bench/train-difficulty.ts` writes difficulty-weights.json. Ridge regression
 * of "the strong model was right less the weak model was right" on a question's words, length and repeated words.
 *
 * Data: RouteLLM's judgements of MMLU and GSM8K, every second row (../shared/data/routellm, Apache-2.0,
 * https://github.com/lm-sys/RouteLLM). The other rows were not seen.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Features, featuresOf, wordShare } from '../src/routing/difficulty.ts'

const folder = join(import.meta.dirname, '../../shared/data/routellm')
const target = join(import.meta.dirname, '../src/routing/difficulty-weights.json')
export const judgementsMissing = existsSync(folder) ? undefined : 'no ../shared/data/routellm here'

export interface Judged {
  set: 'MMLU' | 'GSM8K'
  question: string
  weak: number
  strong: number
}

export interface Weights {
  length: number
  repeats: number
  words: Record<string, number>
}

/** Ridge penalties of a word and of the other features; rows of GSM8K are few, so each counts more. */
const wordPenalty = 110
const otherPenalty = 1
const gsmWeight = 3
/** Rarer words are left out, and so are words of little weight. */
const leastRows = 8
const mostWords = 500

export function readJudgements(): Judged[] {
  return [...readSet('MMLU', 'mmlu-train-half.jsonl'), ...readSet('GSM8K', 'gsm8k-train-half.jsonl')]
}

function readSet(set: Judged['set'], file: string): Judged[] {
  const lines = readFileSync(join(folder, file), 'utf8').trim().split('\n')
  return lines.map((line) => {
    const row = JSON.parse(line)
    const right = (model: string) => (String(row[model]) === 'True' ? 1 : 0)
    return {
      set,
      question: row.prompt,
      weak: right('mistralai/Mixtral-8x7B-Instruct-v0.1'),
      strong: right('gpt-4-1106-preview'),
    }
  })
}

interface Row {
  /** Columns and their values. */
  at: number[]
  values: number[]
  y: number
}

export function train(judged: readonly Judged[]): Weights {
  const features = judged.map(({ question }) => featuresOf(withoutLetters(question)))
  const vocabulary = wordsOf(features)
  const column = new Map(vocabulary.map((word, at) => [word, at]))
  const [length, repeats] = [vocabulary.length, vocabulary.length + 1]
  // The strong model gains more on one set than on the other, whatever the question, so each set has its own base.
  const baseOf = { MMLU: vocabulary.length + 2, GSM8K: vocabulary.length + 3 }
  const rows = judged.map(({ set, weak, strong }, at): Row => {
    const own = features[at] as Features
    const known = [...own.words].flatMap((word) => column.get(word) ?? [])
    const importance = set === 'GSM8K' ? Math.sqrt(gsmWeight) : 1
    const share = wordShare(own.words.size) / Math.sqrt(wordPenalty)
    const other = 1 / Math.sqrt(otherPenalty)
    return {
      at: [...known, length, repeats, baseOf[set]],
      values: [...known.map(() => share), own.length * other, own.repeats * other, 10].map(
        (value) => value * importance,
      ),
      y: (strong - weak) * importance,
    }
  })
  const solution = solve(rows, vocabulary.length + 4)
  const words = vocabulary
    .map((word, at) => [word, (solution[at] ?? 0) / Math.sqrt(wordPenalty)] as const)
    .sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]))
    .slice(0, mostWords)
  return {
    length: (solution[length] ?? 0) / Math.sqrt(otherPenalty),
    repeats: (solution[repeats] ?? 0) / Math.sqrt(otherPenalty),
    words: Object.fromEntries(words.sort((a, b) => b[1] - a[1])),
  }
}

/** The letters of a multiple choice are no words of the question. */
export function withoutLetters(question: string): string {
  return question.replace(/\nAnswer:\s*$/, '').replaceAll(/\n[A-D]\. /g, '\n')
}

function wordsOf(features: readonly Features[]): string[] {
  const rows = new Map<string, number>()
  for (const { words } of features) for (const word of words) rows.set(word, (rows.get(word) ?? 0) + 1)
  return [...rows].filter(([, count]) => count >= leastRows).map(([word]) => word)
}

/** Least squares with a penalty of 1 on every column, by conjugate gradients. */
function solve(rows: readonly Row[], columns: number): Float64Array {
  const multiply = (x: Float64Array) => {
    const result = Float64Array.from(x)
    for (const { at, values } of rows) {
      let dot = 0
      for (const [n, column] of at.entries()) dot += (values[n] ?? 0) * (x[column] ?? 0)
      for (const [n, column] of at.entries()) result[column] = (result[column] ?? 0) + (values[n] ?? 0) * dot
    }
    return result
  }
  const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0)
  const x = new Float64Array(columns)
  const rest = new Float64Array(columns)
  for (const { at, values, y } of rows)
    for (const [n, column] of at.entries()) rest[column] = (rest[column] ?? 0) + (values[n] ?? 0) * y
  let direction = Float64Array.from(rest)
  let size = dot(rest, rest)
  for (let round = 0; round < 200 && size > 1e-9; round += 1) {
    const image = multiply(direction)
    const step = size / dot(direction, image)
    for (let at = 0; at < columns; at += 1) {
      x[at] = (x[at] ?? 0) + step * (direction[at] ?? 0)
      rest[at] = (rest[at] ?? 0) - step * (image[at] ?? 0)
    }
    const next = dot(rest, rest)
    direction = direction.map((value, at) => (rest[at] ?? 0) + (next / size) * value)
    size = next
  }
  return x
}

/**
 * Average performance gap recovered: the area under the curve of right answers, from all questions to the weak model (0) to all to the
 * strong one (1), when the questions with the highest `scores` go to the strong model first. Chance is 0.5. Equal scores are
 * mixed evenly. RouteLLM, https://arxiv.org/abs/2406.18665, section 4.1.
 */
export function apgr(judged: readonly Judged[], scores: readonly number[]): number {
  const order = judged.map((_, at) => at).sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0))
  const gains = order.map((at) => (judged[at]?.strong ?? 0) - (judged[at]?.weak ?? 0))
  for (let from = 0; from < order.length; ) {
    let to = from
    while (to < order.length && scores[order[to] ?? 0] === scores[order[from] ?? 0]) to += 1
    const mean = gains.slice(from, to).reduce((sum, gain) => sum + gain, 0) / (to - from)
    gains.fill(mean, from, to)
    from = to
  }
  const total = gains.reduce((sum, gain) => sum + gain, 0)
  let reached = 0
  let area = 0
  for (const gain of gains) {
    area += (reached + gain / 2) / total / gains.length
    reached += gain
  }
  return area
}

/** Each question's gain by weights that were trained on four fifths without it. */
export function crossValidate(judged: readonly Judged[]): number[] {
  const folds = 5
  const gains = new Array<number>(judged.length).fill(0)
  for (let fold = 0; fold < folds; fold += 1) {
    const weights = train(judged.filter((_, at) => at % folds !== fold))
    for (const [at, { question }] of judged.entries()) if (at % folds === fold) gains[at] = gainOf(question, weights)
  }
  return gains
}

function gainOf(question: string, { length, repeats, words }: Weights): number {
  const own = featuresOf(withoutLetters(question))
  const known = [...own.words].reduce((sum, word) => sum + (words[word] ?? 0), 0)
  return length * own.length + repeats * own.repeats + known * wordShare(own.words.size)
}

if (import.meta.main) {
  const judged = readJudgements()
  const gains = crossValidate(judged)
  for (const set of ['MMLU', 'GSM8K'] as const) {
    const own = judged.flatMap((each, at) => (each.set === set ? [{ each, gain: gains[at] ?? 0 }] : []))
    const value = apgr(
      own.map(({ each }) => each),
      own.map(({ gain }) => gain),
    )
    console.log(`${set}: APGR ${value.toFixed(3)} on ${own.length} questions, each by weights trained without it`)
  }
  const weights = train(judged)
  const round = (value: number) => Number(value.toFixed(4))
  const words = Object.fromEntries(Object.entries(weights.words).map(([word, weight]) => [word, round(weight)]))
  const mean = judged.reduce((sum, { question }) => sum + gainOf(question, weights), 0) / judged.length
  const file = {
    about: 'Expected gain of a strong model over a weak one. Made by bench/train-difficulty.ts; do not edit.',
    source: 'RouteLLM judgements of MMLU and GSM8K, every second row. https://github.com/lm-sys/RouteLLM, Apache-2.0',
    base: round(-mean),
    length: round(weights.length),
    repeats: round(weights.repeats),
    words,
  }
  writeFileSync(target, `${JSON.stringify(file, null, 2)}\n`)
}
