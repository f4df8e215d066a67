/** What a request asks, in no dialect's words: each dialect reads its requests into this, and the rest is the same for all. */
import { createHash } from 'node:crypto'
import { readSchema } from '../../src/core/answer-format.ts'
import type { Overrides, Program, Told } from '../../src/core/message.ts'
import type { ToolCall } from '../../src/core/tool-call.ts'
import { apiErrors, apiToolErrors } from '../../src/wording/api.ts'
import { ApiFailure } from './failure.ts'
import type { SentFile } from './sent-files.ts'

/** One message of a conversation. */
export type Said =
  | { role: 'rules'; text: string }
  | { role: 'user'; text: string; files: SentFile[]; results: { id: string; text: string; failed?: boolean }[] }
  | { role: 'assistant'; text: string; calls: ToolCall[] }

export interface Conversation {
  text: string
  instructions: string | undefined
  /** What was said before the question, and after it: calls, their results, and the beginning of the answer. */
  history: Told[]
  after: Told[]
  /** Of all messages, those of the question first. */
  files: SentFile[]
}

export interface Asked extends Conversation {
  model: string
  stream: boolean
  /** How many answers are wanted. */
  choices: number
  overrides: Pick<Overrides, 'temperature' | 'maxOutputTokens' | 'sampling'>
  program: Pick<Program, 'tools' | 'toolChoice' | 'parallelCalls' | 'format' | 'task'>
  route: 'fallback' | 'exact' | undefined
  truncation: 'auto' | 'disabled' | undefined
  /** Parameters that have no effect here. */
  ignored: string[]
  /** The request without how its answer is delivered. */
  digest: string
}

/** The last message of a user that says something is the question, unless it only gives what calls gave. */
export function conversation(said: readonly Said[], param: string): Conversation {
  const isQuestion = (each: Said) => each.role === 'user' && each.results.length === 0
  // Some programs send nothing but a system message: then that is the question.
  const asked = said.findLastIndex(isQuestion)
  const at = asked >= 0 ? asked : said.findLastIndex(({ role }) => role === 'rules')
  const question = said[at]
  if (question === undefined) throw new ApiFailure(400, apiErrors.nothingAsked, { param })
  const others = said.filter((_, place) => place !== at)
  const rules = others.flatMap((each) => (each.role === 'rules' ? [each.text] : []))
  const names = new Map(
    said.flatMap((each) => (each.role === 'assistant' ? each.calls.map(({ id, name }) => [id, name] as const) : [])),
  )
  const nameOf = (id: string) => {
    const name = names.get(id)
    if (name === undefined) throw new ApiFailure(400, apiToolErrors.noSuchCall(id), { param })
    return name
  }
  return {
    text: question.text.trim(),
    instructions: rules.length === 0 ? undefined : rules.join('\n\n'),
    history: told(said.slice(0, at), nameOf),
    after: told(said.slice(at + 1), nameOf),
    files: [question, ...others].flatMap((each) => (each.role === 'user' ? each.files : [])),
  }
}

/** What several calls of one answer gave is one message. */
function told(said: readonly Said[], nameOf: (id: string) => string): Told[] {
  const all: Told[] = []
  for (const each of said) {
    const { role, text } = each
    if (role === 'rules') continue
    if (role === 'assistant') {
      const { calls } = each
      if (text.trim() !== '' || calls.length > 0) all.push({ role, text, ...(calls.length === 0 ? {} : { calls }) })
      continue
    }
    const results = each.results.map((result) => ({ ...result, name: nameOf(result.id) }))
    const before = all.at(-1)
    if (results.length > 0 && before?.results !== undefined && before.text === '')
      all[all.length - 1] = { role, text, results: [...before.results, ...results] }
    else if (text.trim() !== '' || results.length > 0)
      all.push({ role, text, ...(results.length === 0 ? {} : { results }) })
  }
  return all
}

/** Checks what the request's parts say of each other. */
export function checkProgram(
  { tools = [], toolChoice, format }: Asked['program'],
  params: { choice: string; format: string },
): void {
  const names = tools.map(({ name }) => name)
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined) throw new ApiFailure(400, apiToolErrors.twice(twice), { param: 'tools' })
  if (typeof toolChoice === 'object' && !names.includes(toolChoice.name))
    throw new ApiFailure(400, apiToolErrors.choiceUnknown(toolChoice.name), { param: params.choice })
  if (toolChoice === 'required' && names.length === 0)
    throw new ApiFailure(400, apiToolErrors.choiceWithoutTools, { param: params.choice })
  if (format?.type !== 'schema' || !format.strict) return
  try {
    readSchema(format.schema)
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : ''
    throw new ApiFailure(400, apiToolErrors.schemaUnusable(reason), { param: params.format, code: 'invalid_schema' })
  }
}

export function digestOf(body: object): string {
  return createHash('sha256').update(JSON.stringify(body)).digest('hex')
}

/** The failure that a schema's first issue stands for. */
export function invalid(issue: { path: PropertyKey[]; message: string } | undefined): ApiFailure {
  const param = (issue?.path ?? []).map(String).join('.')
  return new ApiFailure(400, apiErrors.invalidParameter(param, issue?.message), { param })
}

/** Parameters that would change the form of the answer. Ignoring them silently would break the program, so Parley rejects them. */
export type Refused = Record<string, { unless: (value: unknown) => boolean; instead: string }>

export function refuse(body: object, refused: Refused): void {
  for (const [param, { unless, instead }] of Object.entries(refused)) {
    const value: unknown = Reflect.get(body, param)
    if (value !== undefined && value !== null && !unless(value))
      throw new ApiFailure(400, apiErrors.unsupported(param, instead), { param, code: 'unsupported_parameter' })
  }
}

/** Names of what a request has and Parley has no use for, for its answer to tell. */
export function ignoredIn(
  body: object,
  known: readonly object[],
  harmless: Record<string, (value: unknown) => boolean>,
): string[] {
  return Object.entries(body).flatMap(([name, value]) => {
    const used = known.some((names) => Object.hasOwn(names, name))
    return used || value === null || value === undefined || harmless[name]?.(value) ? [] : [name]
  })
}

export function objectIn(body: unknown): Record<string, unknown> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw new ApiFailure(400, apiErrors.notAnObject)
  return { ...body }
}

export function jsonIn(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    throw new ApiFailure(400, apiErrors.invalidJson)
  }
}
