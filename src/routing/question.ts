/** What a question needs and how much it wants, counted from its text and its files: by the worker, and by the dry run. */
import { estimateTokens } from '../core/text/estimate-tokens.ts'
import { countAsks, holdsCode, isCodeFile, judge } from './complexity.ts'
import type { RouteRequest } from './requested.ts'

export interface CountedQuestion {
  /** In the person's words. */
  text: string
  /** Instructions that go along with it. */
  instructions: readonly string[]
  files: readonly { title: string; tokens: number; pages?: number | undefined }[]
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
  const { text, instructions, files, images, promptTokens } = question
  const tokensIn = questionTokens(text, instructions)
  const all = files.reduce((sum, { tokens }) => sum + tokens, 0)
  const fileTokens = Math.min(promptTokens, all)
  const complexity = judge({
    questionTokens: estimateTokens(text),
    fileTokens,
    images,
    files: files.length,
    pages: files.reduce((sum, { pages = 0 }) => sum + pages, 0),
    asks: countAsks(text),
    code: files.some(({ title }) => isCodeFile(title)) || holdsCode(text),
  })
  return { tokensIn, tokensLikely: tokensIn + fileTokens, images, complexity }
}
