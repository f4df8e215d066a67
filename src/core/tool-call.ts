/** Functions that a model may ask to be called, and the form that an answer may be bound to. Plain JSON, as programs send and get it. */
import { z } from 'zod'
import { Json } from './json.ts'

export type ToolCall = z.infer<typeof ToolCall>
export const ToolCall = z.object({
  id: z.string(),
  name: z.string(),
  /** A JSON object as text. */
  arguments: z.string(),
})

export type ToolResult = z.infer<typeof ToolResult>
export const ToolResult = z.object({
  id: z.string(),
  name: z.string(),
  text: z.string(),
  failed: z.boolean().optional(),
})

/** A function of the program that asks: the program runs it, never Parley. */
export type ProgramTool = z.infer<typeof ProgramTool>
export const ProgramTool = z.object({
  name: z.string().regex(/^[\w-]{1,64}$/),
  description: z.string(),
  /** JSON Schema of its arguments: an object's. */
  schema: z.record(z.string(), Json),
  /** The arguments must fit the schema; only a part of JSON Schema can be held to that. */
  strict: z.boolean().optional(),
})

/** Whether the model calls something: as it likes, not at all, something in any case, or this function. */
export type ToolChoice = z.infer<typeof ToolChoice>
export const ToolChoice = z.union([z.enum(['auto', 'none', 'required']), z.object({ name: z.string() })])

/** The form of the answer's text. */
export type AnswerFormat = z.infer<typeof AnswerFormat>
export const AnswerFormat = z.discriminatedUnion('type', [
  /** Any JSON object. */
  z.object({ type: z.literal('json') }),
  z.object({
    type: z.literal('schema'),
    name: z.string(),
    description: z.string().optional(),
    schema: z.record(z.string(), Json),
    /** An answer that does not fit the schema is a failure. */
    strict: z.boolean(),
  }),
])
