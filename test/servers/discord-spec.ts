/** Discord's own description of its API as validators of request bodies, where a copy of it lies beside the repository. */
import { existsSync, readFileSync } from 'node:fs'
import type { ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'

const file = new URL('../../../shared/specs/discord-openapi.json', import.meta.url)

/** Why the checks against the specification are skipped; `undefined` when it is here. */
export const discordSpecMissing = existsSync(file) ? undefined : 'no copy of discord-openapi.json in ../shared/specs'

interface Document {
  paths: Record<string, Record<string, { requestBody?: { content?: Record<string, unknown> } }>>
}

export interface DiscordSpec {
  /** What is wrong with a request, as readable lines. `undefined` when the document does not know the operation. */
  violations(method: string, path: string, body: unknown): string[] | undefined
}

let opened: DiscordSpec | undefined

/** Answers `undefined` where there is no copy of the document; read once, because it is large. */
export function openDiscordSpec(): DiscordSpec | undefined {
  if (discordSpecMissing === undefined) opened ??= readSpec()
  return opened
}

function readSpec(): DiscordSpec {
  const document = closed(JSON.parse(readFileSync(file, 'utf8'))) as Document
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true })
  ajv.addSchema(document, 'discord')
  const templates = Object.keys(document.paths).map((template) => ({ template, pattern: patternOf(template) }))
  const compiled = new Map<string, ValidateFunction | null>()

  function validator(method: string, template: string): ValidateFunction | null {
    const key = `${method} ${template}`
    const known = compiled.get(key)
    if (known !== undefined) return known
    const content = document.paths[template]?.[method.toLowerCase()]?.requestBody?.content?.['application/json']
    const pointer = ['paths', template, method.toLowerCase(), 'requestBody', 'content', 'application/json', 'schema']
    const made =
      content === undefined
        ? null
        : ajv.compile({
            $ref: `discord#/${pointer.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`,
          })
    compiled.set(key, made)
    return made
  }

  return {
    violations(method, path, body) {
      // The fixed path wins over the one with a name in the same place, as `@original` over a message's id.
      const found = templates
        .filter(({ template, pattern }) => pattern.test(path) && document.paths[template]?.[method.toLowerCase()])
        .toSorted((a, b) => a.template.split('{').length - b.template.split('{').length)[0]
      if (found === undefined) return undefined
      const validate = validator(method, found.template)
      if (validate === null) return body === undefined ? [] : ['the operation takes no body']
      if (validate(body)) return []
      return (validate.errors ?? []).map(
        ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
      )
    },
  }
}

const patternOf = (template: string) => new RegExp(`^${template.replaceAll(/\{[^}]+\}/g, '[^/]+')}$`)

/** What the document does not name is a slip of ours: Discord would let it pass in silence. */
function closed(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(closed)
  if (typeof node !== 'object' || node === null) return node
  const copy = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, closed(value)]))
  return copy.type === 'object' && 'properties' in copy && !('additionalProperties' in copy)
    ? { ...copy, additionalProperties: false }
    : copy
}
