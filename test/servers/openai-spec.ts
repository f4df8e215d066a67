/** OpenAI's own description of its API as validators, where a copy of it lies beside the repository. */
import { existsSync, readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'

const file = new URL('../../../shared/specs/openai-openapi.json', import.meta.url)

/** Why the checks against the specification are skipped; `undefined` when it is here. */
export const specMissing = existsSync(file) ? undefined : 'no copy of openai-openapi.json in ../shared/specs'

interface Schema {
  anyOf?: { $ref: string }[]
  properties?: { type?: { enum?: string[] } }
}

let parsed: { components: { schemas: Record<string, Schema> } } | undefined

function components(): { schemas: Record<string, Schema> } {
  parsed ??= JSON.parse(readFileSync(file, 'utf8')) as NonNullable<typeof parsed>
  return parsed.components
}

/** A function that gives the violations of `schema` (a name under components) by a value, as readable lines. */
export function openAiSpec(schema: string): (value: unknown) => string[] {
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true })
  const validate = ajv.compile({ components: rewrite(components()), $ref: `#/components/schemas/${schema}` })
  return (value) =>
    validate(value) ? [] : (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message ?? ''}`)
}

/** The violations of the schema of an event's own type, of those that a Responses stream may have. */
export function openAiEventSpec(): (event: { type: string }) => string[] {
  const { schemas } = components()
  const checks = new Map<string, (event: unknown) => string[]>()
  for (const { $ref } of schemas.ResponseStreamEvent?.anyOf ?? []) {
    const name = $ref.slice('#/components/schemas/'.length)
    const type = schemas[name]?.properties?.type?.enum?.[0] ?? name
    let check: ReturnType<typeof openAiSpec> | undefined
    checks.set(type, (event) => {
      check ??= openAiSpec(name)
      return check(event)
    })
  }
  return (event) => checks.get(event.type)?.(event) ?? [`${event.type} is no event`]
}

/**
 * The document says `nullable` as OpenAPI 3.0 did, which JSON Schema 2020-12 does not know, and `oneOf` of schemas that
 * overlap, such as the two kinds of input message.
 */
function rewrite(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(rewrite)
  if (typeof node !== 'object' || node === null) return node
  const entries = Object.entries(node)
    .filter(([key]) => key !== 'discriminator')
    .map(([key, value]) => [key === 'oneOf' && Array.isArray(value) ? 'anyOf' : key, value] as const)
  const { nullable, ...rest } = Object.fromEntries(entries.map(([key, value]) => [key, rewrite(value)]))
  return nullable === true ? { anyOf: [rest, { type: 'null' }] } : rest
}
