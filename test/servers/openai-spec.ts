/** OpenAI's own description of its API as validators, where a copy of it lies beside the repository. */
import { existsSync, readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'

const file = new URL('../../../shared/specs/openai-openapi.json', import.meta.url)

/** Why the checks against the specification are skipped; `undefined` when it is here. */
export const specMissing = existsSync(file) ? undefined : 'no copy of openai-openapi.json in ../shared/specs'

/** A function that gives the violations of `schema` (a name under components) by a value, as readable lines. */
export function openAiSpec(schema: string): (value: unknown) => string[] {
  const { components } = rewrite(JSON.parse(readFileSync(file, 'utf8'))) as { components: object }
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true })
  const validate = ajv.compile({ components, $ref: `#/components/schemas/${schema}` })
  return (value) =>
    validate(value) ? [] : (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message ?? ''}`)
}

/** The document says `nullable` as OpenAPI 3.0 did, which JSON Schema 2020-12 does not know. */
function rewrite(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(rewrite)
  if (typeof node !== 'object' || node === null) return node
  const entries = Object.entries(node).filter(([key]) => key !== 'discriminator')
  const { nullable, ...rest } = Object.fromEntries(entries.map(([key, value]) => [key, rewrite(value)]))
  return nullable === true ? { anyOf: [rest, { type: 'null' }] } : rest
}
