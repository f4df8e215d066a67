/**
 * What a question needs and how much of a model it wants, counted from its text and its files: by the worker, and by the dry
 * run. Three things give points: how much there is to read, the kind of task (tasks.ts), and the wording (difficulty.ts).
 */

import { estimateTokens } from '../core/text/estimate-tokens.ts'
import { type Tier, tiers } from '../models/catalogue.ts'
import { shapeWording, taskWording } from '../wording/routing.ts'
import { expectedGain } from './difficulty.ts'
import type { RouteRequest } from './requested.ts'
import { type Task, tasks, tasksIn } from './tasks.ts'

/** What can be counted before any model is asked. */
export interface QuestionShape {
  /** Of the files' readable text, as far as it would be given to a model. */
  fileTokens: number
  pages: number
  /** Pictures that a model would be shown. */
  images: number
  files: number
  /** Separate requests in one message: items of a list, several questions. */
  asks: number
  /** The question or a file holds program text. */
  code: boolean
  /** The kinds of task that the question's text names. Default none. */
  tasks?: readonly Task[]
  /** Of the question's wording: what a strong model gains on questions like it (difficulty.ts). Default: nothing. */
  gain?: number
}

export interface ScorePart {
  points: number
  /** "212 pages". */
  says: string
}

export interface Complexity {
  score: number
  /** What gave points, except an ordinary wording. */
  parts: ScorePart[]
  tier: Tier
}

/** THE table: from how many points on a tier is wanted. */
const tierFrom = { small: 0, medium: 2, large: 6 } as const satisfies Record<Tier, number>

type Steps = readonly (readonly [atLeast: number, points: number])[]

/** THE table: from which count on how many points. The last step that is reached counts. */
const steps = {
  fileTokens: [
    [1_500, 1],
    [12_000, 2],
    [40_000, 3],
  ],
  pages: [
    [30, 1],
    [100, 2],
  ],
  images: [
    [1, 1],
    [2, 2],
    [5, 3],
  ],
  files: [
    [2, 1],
    [4, 2],
  ],
  asks: [
    [3, 1],
    [6, 2],
  ],
} as const satisfies Partial<Record<keyof QuestionShape, Steps>>

const CODE_POINTS = 2
/** Gains of the wording that give no points, and two. */
const LEAST_GAIN = -0.2
const MUCH_GAIN = 0.15
/** From so many points on, the wording is named as a reason. */
const TOLD_POINTS = 1.5

export function judge(shape: QuestionShape): Complexity {
  const counted = (Object.keys(steps) as (keyof typeof steps)[]).flatMap((name) => {
    const points = pointsFor(steps[name], shape[name])
    return points === 0 ? [] : [{ points, says: shapeWording[name](shape[name]) }]
  })
  const code = shape.code ? [{ points: CODE_POINTS, says: shapeWording.code }] : []
  const parts = [...counted, ...code, ...taskParts(shape.tasks ?? [])]
  const wording = wordingPoints(shape)
  const score = Math.max(0, round(parts.reduce((sum, { points }) => sum + points, wording)))
  // Most of the time the wording only orders questions, and is no reason.
  if (wording >= TOLD_POINTS) parts.push({ points: wording, says: shapeWording.wording })
  const reasons = parts.sort((a, b) => b.points - a.points)
  return { score, parts: reasons, tier: tierOf(score) }
}

/** The hardest task counts whole, and a second one a little. A plain task counts if there is no other. */
function taskParts(named: readonly Task[]): ScorePart[] {
  const hard = named.filter((task) => tasks[task].points > 0).sort((a, b) => tasks[b].points - tasks[a].points)
  const [first, second] = hard.length > 0 ? hard : named
  if (first === undefined) return []
  const part = { points: tasks[first].points, says: taskWording[first] }
  return second === undefined || hard.length === 0 ? [part] : [part, { points: 1, says: taskWording[second] }]
}

/** The wording of a plain task says nothing: most of it is the text to work on. */
function wordingPoints({ tasks: named = [], gain = LEAST_GAIN }: QuestionShape): number {
  const plain = named.length > 0 && named.every((task) => tasks[task].points < 0)
  const points = (2 * (gain - LEAST_GAIN)) / (MUCH_GAIN - LEAST_GAIN)
  return plain ? 0 : round(Math.min(2, Math.max(0, points)))
}

const round = (points: number) => Math.round(points * 1000) / 1000

export function tierOf(score: number): Tier {
  return tiers.findLast((tier) => score >= tierFrom[tier]) ?? 'small'
}

function pointsFor(table: Steps, value: number): number {
  return table.findLast(([atLeast]) => value >= atLeast)?.[1] ?? 0
}

const codeFile =
  /\.(?:[cm]?[jt]sx?|py|rs|go|java|kt|swift|scala|rb|php|cs|[ch](?:pp|xx)?|cc|hh|m|lua|pl|r|jl|hs|ex|exs|erl|clj|sql|sh|bash|ps1|vue|svelte|dart|zig|nim|tf|proto|ipynb|patch|diff)$/i

/** By its name: what the bytes are is text either way. */
export function isCodeFile(name: string): boolean {
  return codeFile.test(name)
}

/** A fenced block, or several lines that end as lines of programs do. */
export function holdsCode(text: string): boolean {
  if (/^ {0,3}(?:```|~~~)/m.test(text)) return true
  const lines = text
    .split('\n')
    .filter((line) => /[{};]\s*$|^\s*(?:def|class|import|from|fn|func|return)\b.*[:)\w]$/.test(line))
  return lines.length >= 3
}

/** Items of lists and questions, whichever are more; at least one. */
export function countAsks(text: string): number {
  const items = text.match(/^\s*(?:[-*•]|\d{1,2}[.)])\s+\S/gm)?.length ?? 0
  const questions = text.match(/[?？؟]+(?=\s|$|\p{L})/gu)?.length ?? 0
  return Math.max(1, items, questions)
}

export interface CountedQuestion {
  /** In the person's words. */
  text: string
  /** Instructions that go along with it. */
  instructions: readonly string[]
  files: readonly { title: string; tokens: number; pages?: number | undefined }[]
  /** Of pages of the web. */
  besideTokens?: number
  /** Pictures that a model which sees would be shown. */
  images: number
  /** The most tokens of files in a prompt. */
  promptTokens: number
}

/** Room for the rules, the question's wrapping and the error of the estimates. */
const OVERHEAD = 800

/** Tokens of a prompt beside the content of files and the conversation so far. */
export function questionTokens(text: string, instructions: readonly string[]): number {
  return estimateTokens([text, ...instructions].join('\n')) + OVERHEAD
}

export function countQuestion(
  question: CountedQuestion,
): Pick<RouteRequest, 'complexity' | 'images' | 'tokensIn'> & { tokensLikely: number } {
  const { text, instructions, files, besideTokens = 0, images, promptTokens } = question
  const tokensIn = questionTokens(text, instructions)
  const all = files.reduce((sum, { tokens }) => sum + tokens, 0)
  const fileTokens = Math.min(promptTokens, all + besideTokens)
  const complexity = judge({
    fileTokens,
    images,
    files: files.length,
    pages: files.reduce((sum, { pages = 0 }) => sum + pages, 0),
    asks: countAsks(text),
    code: files.some(({ title }) => isCodeFile(title)) || holdsCode(text),
    tasks: tasksIn(text),
    gain: expectedGain(text),
  })
  return { tokensIn, tokensLikely: tokensIn + fileTokens, images, complexity }
}
