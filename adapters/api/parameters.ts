/** Parameters that several dialects share. */
import { z } from 'zod'
import type { Json } from '../../src/core/json.ts'
import { ProgramTool } from '../../src/core/tool-call.ts'

/** Parley's own parameters, as other gateways name them. */
export const Routing = {
  /** `fallback`: another model may answer if the named one cannot. */
  route: z.enum(['fallback', 'exact']).nullish(),
  /** What happens if the messages do not fit: `disabled` refuses the request, `auto` leaves out the oldest and says so. */
  truncation: z.enum(['auto', 'disabled']).nullish(),
}

export const Sampled = {
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
}

/** Whatever JSON holds: bodies are parsed from it. */
const Schema = z.record(
  z.string(),
  z.unknown().transform((value) => value as Json),
)

export const FunctionSchema = z.object({
  name: ProgramTool.shape.name,
  description: z.string().nullish(),
  /** Without it, the function takes no arguments. */
  parameters: Schema.nullish(),
  strict: z.boolean().nullish(),
})

export function toolOf({ name, description, parameters, strict }: z.infer<typeof FunctionSchema>): ProgramTool {
  const schema = parameters ?? { type: 'object', properties: {} }
  return { name, description: description ?? '', schema, strict: strict ?? undefined }
}

export const FormatSchema = z.object({
  name: ProgramTool.shape.name,
  description: z.string().nullish(),
  schema: Schema.optional(),
  strict: z.boolean().nullish(),
})
