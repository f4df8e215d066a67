/** Arguments of calls: their schema as models get it, and a check of what a model wrote. */
import { z } from 'zod'
import type { Json } from '../core/json.ts'
import type { ModelTool } from '../models/model.ts'
import { toolWording } from '../wording/tools.ts'
import { ToolFailure } from './tool.ts'

export function schemaOf(schema: z.ZodType): ModelTool['schema'] {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input' })
  return z.record(z.string(), z.json()).parse(rest)
}

/** Throws a ToolFailure. */
export function argumentsOf<Arguments>(schema: z.ZodType<Arguments>, args: Json): Arguments {
  const parsed = schema.safeParse(args)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const where = issue?.path.join('.') ?? ''
  throw new ToolFailure(toolWording.wrongArguments([where, issue?.message].filter(Boolean).join(': ')))
}

/** For progress lines and receipts: one argument as text, whatever the model wrote. */
export function argumentText(args: Json, name: string): string {
  const value = args !== null && typeof args === 'object' && !Array.isArray(args) ? args[name] : undefined
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}
