/** What servers say of their tools, made fit for models: its hash, which an admin approves; its name, description and schema. */
import { createHash } from 'node:crypto'
import { canonicalJson } from '../../core/json.ts'
import { shorten } from '../../core/text/shorten.ts'
import { visible } from '../../core/text/visible.ts'
import type { ToolDefinition, ToolServer } from '../../core/tool-servers.ts'
import type { ModelTool } from '../../models/model.ts'
import { toolServerWording } from '../../wording/tool-servers.ts'
import { cleanSchema } from './schema.ts'

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex')

/** The same definition from another server, or from another program of the same name, is another one. */
export function definitionHash({ at }: Pick<ToolServer, 'at'>, definition: ToolDefinition): string {
  return hashOf(canonicalJson([at, definition]))
}

const mostName = 64
const suffixLength = 8

/**
 * `<server>_<tool>` in the letters that models may write. A name that had to be changed for that, or that is taken, ends with some digits of
 * its hash.
 */
export function toolName(server: string, tool: string, taken: (name: string) => boolean = () => false): string {
  const whole = `${server}_${tool}`
  const plain = whole.replace(/[^a-zA-Z0-9_-]/g, '_')
  if (plain === whole && whole.length <= mostName && !taken(whole)) return whole
  const suffix = hashOf(`${server}\0${tool}`).slice(0, suffixLength)
  return `${plain.slice(0, mostName - suffixLength - 1)}_${suffix}`
}

const mostDescription = 1_000

/** For a model; `undefined`: no model can call it. */
export function modelTool(server: string, definition: ToolDefinition, name: string): ModelTool | undefined {
  const schema = cleanSchema(definition.inputSchema)
  if (schema === undefined) return undefined
  const said = visible(definition.description ?? definition.title ?? '').trim()
  return { name, description: shorten(toolServerWording.describes(server, said), mostDescription), schema }
}
