/** Whether an answer has the form that its program asked for. */
import { z } from 'zod'
import type { Json } from './json.ts'
import type { AnswerFormat } from './tool-call.ts'

type Schema = { [key: string]: Json }

/** Throws for a schema that answers cannot be checked against. */
export function readSchema(schema: Schema): z.ZodType {
  return z.fromJSONSchema(checkable(schema) as Schema)
}

/** What is wrong with the text, in a few words; `undefined`: nothing. */
export function formatProblem(format: AnswerFormat, text: string): string | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return 'the text is not JSON'
  }
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  if (format.type === 'json') return isObject ? undefined : 'the text is not a JSON object'
  if (!format.strict) return undefined
  const issue = readSchema(format.schema).safeParse(value).error?.issues[0]
  if (issue === undefined) return undefined
  const path = issue.path.map(String).join('.')
  return `${path === '' ? '' : `${path}: `}${issue.message}`
}

/**
 * Without patterns, which are programs of their own that can run for years, and without defaults, by which what is missing
 * would pass. A property may have the name of a keyword.
 */
function checkable(schema: Json | undefined, names = false): Json | undefined {
  if (Array.isArray(schema)) return schema.map((each) => checkable(each) ?? null)
  if (typeof schema !== 'object' || schema === null) return schema
  if (!names && 'patternProperties' in schema) throw new Error('patternProperties is not supported')
  return Object.fromEntries(
    Object.entries(schema).flatMap(([key, value]): [string, Json][] => {
      if (!names && (key === 'pattern' || key === 'default')) return []
      // Values, not schemas.
      if (!names && (key === 'enum' || key === 'const' || key === 'examples' || key === 'required'))
        return [[key, value]]
      const inside = checkable(value, !names && ['properties', '$defs', 'definitions'].includes(key))
      return inside === undefined ? [] : [[key, inside]]
    }),
  )
}
