/**
 * The schema of a tool's arguments in the form that every dialect of models takes: an object at the root, no references, no combinations
 * but `anyOf` below the root, one type a node, and none of the words that some servers refuse. What cannot be said so is left open: the
 * tool's server checks the arguments itself.
 */
import type { Json } from '../../core/json.ts'
import { shorten } from '../../core/text/shorten.ts'
import { visible } from '../../core/text/visible.ts'

type Schema = { [word: string]: Json }

const limits = { depth: 8, nodes: 400, properties: 60, choices: 100, description: 400 }

/** Anthropic's and OpenAI's names of properties. */
const propertyName = /^[a-zA-Z0-9_.-]{1,64}$/

const numbers = ['minimum', 'maximum', 'minLength', 'maxLength', 'minItems', 'maxItems']

/** `undefined`: the tool cannot be called, because an argument that it needs has a name that models cannot write. */
export function cleanSchema(root: Schema): Schema | undefined {
  let nodes = 0

  function resolve(node: Json, followed: readonly string[]): { node: Schema; followed: readonly string[] } | undefined {
    if (!isSchema(node)) return undefined
    const { $ref: reference, ...rest } = node
    if (typeof reference !== 'string') return { node, followed }
    // A type that holds itself ends here.
    if (followed.includes(reference) || followed.length >= limits.depth) return { node: rest, followed }
    const target = resolve(targetOf(root, reference), [...followed, reference])
    return target === undefined ? { node: rest, followed } : { ...target, node: { ...target.node, ...rest } }
  }

  function clean(given: Json, depth: number, before: readonly string[]): Schema {
    nodes += 1
    const found = nodes > limits.nodes || depth > limits.depth ? undefined : resolve(given, before)
    if (found === undefined) return {}
    const { followed } = found
    const node = merged(found.node, (part) => resolve(part, followed)?.node ?? {})
    const description = about(node.description)
    const choices = choicesOf(node)
    if (choices !== undefined) return { type: typeOfChoices(choices), enum: choices, ...description }
    const options = [...list(node.anyOf), ...list(node.oneOf)]
    const types = typesOf(node)
    const several = options.length > 0 ? options : types.length > 1 ? types.map((type) => ({ ...node, type })) : []
    if (several.length > 0) {
      const cleaned = several.map((option) => clean(option, depth + 1, followed)).filter(({ type }) => type !== 'null')
      const [only] = cleaned
      if (cleaned.length === 1 && only !== undefined) return { ...only, ...description }
      return cleaned.every(saysType) ? { anyOf: cleaned, ...description } : { ...description }
    }
    const [type] = types
    if (type === 'object') return { ...object(node, depth, followed), ...description }
    if (type === 'array') {
      const [first = {}] = [node.items, ...list(node.prefixItems)].filter(isSchema)
      return { type, items: clean(first, depth + 1, followed), ...bounds(node), ...description }
    }
    return { ...(type === undefined ? {} : { type }), ...bounds(node), ...description }
  }

  function object(node: Schema, depth: number, followed: readonly string[]): Schema {
    const given = Object.entries(isSchema(node.properties) ? node.properties : {})
    const names = given.filter(([name]) => propertyName.test(name)).slice(0, limits.properties)
    const properties = Object.fromEntries(names.map(([name, value]) => [name, clean(value, depth + 1, followed)]))
    const required = list(node.required).filter((name) => typeof name === 'string' && Object.hasOwn(properties, name))
    const closed: Schema = node.additionalProperties === false ? { additionalProperties: false } : {}
    return { type: 'object', properties, ...(required.length === 0 ? {} : { required }), ...closed }
  }

  const top = resolve(root, [])?.node ?? {}
  const whole = atRoot(top, (part) => resolve(part, [])?.node ?? {})
  const cleaned = object(whole, 0, [])
  const reachable = isSchema(cleaned.properties) ? cleaned.properties : {}
  return list(whole.required).every((name) => typeof name === 'string' && Object.hasOwn(reachable, name))
    ? cleaned
    : undefined
}

const isSchema = (value: Json | undefined): value is Schema =>
  value !== null && typeof value === 'object' && !Array.isArray(value)

const list = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : [])

const saysType = ({ type, anyOf }: Schema) => type !== undefined || anyOf !== undefined

/** `#/$defs/Place` and the like; nothing is fetched. */
function targetOf(root: Schema, reference: string): Json {
  if (!reference.startsWith('#')) return {}
  const path = reference.slice(1).split('/').slice(1)
  return path.reduce<Json>((node, part) => {
    const name = decoded(part).replaceAll('~1', '/').replaceAll('~0', '~')
    if (Array.isArray(node)) return node[Number(name)] ?? {}
    return isSchema(node) && Object.hasOwn(node, name) ? (node[name] ?? {}) : {}
  }, root)
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** All parts of `allOf` at once. */
function merged(node: Schema, resolve: (part: Json) => Schema): Schema {
  return list(node.allOf).reduce<Schema>((whole, part) => joined(whole, resolve(part)), node)
}

function joined(a: Schema, b: Schema): Schema {
  return {
    ...b,
    ...a,
    properties: { ...(isSchema(b.properties) ? b.properties : {}), ...(isSchema(a.properties) ? a.properties : {}) },
    required: [...new Set([...list(a.required), ...list(b.required)])],
    ...(typesOf(a).length === 0 ? { type: typesOf(b)[0] ?? 'object' } : {}),
  }
}

/** A choice of objects is one object with the properties of all of them; needed is what each of them needs. */
function atRoot(node: Schema, resolve: (part: Json) => Schema): Schema {
  const whole = merged(node, resolve)
  const options = [...list(whole.anyOf), ...list(whole.oneOf)].map((option) => merged(resolve(option), resolve))
  if (options.length === 0) return whole
  const needed = list(options[0]?.required).filter((name) =>
    options.every(({ required }) => list(required).includes(name)),
  )
  const all = options.reduce<Schema>((sum, option) => joined(sum, option), whole)
  return { ...all, required: [...new Set([...list(whole.required), ...needed])] }
}

const known = ['string', 'number', 'integer', 'boolean', 'object', 'array']

function typesOf(node: Schema): string[] {
  const said = (Array.isArray(node.type) ? node.type : [node.type]).filter(
    (type): type is string => typeof type === 'string' && [...known, 'null'].includes(type),
  )
  const some = said.filter((type) => type !== 'null')
  if (some.length > 0) return some
  if (said.length > 0) return said
  if (isSchema(node.properties)) return ['object']
  return node.items !== undefined || node.prefixItems !== undefined ? ['array'] : []
}

function choicesOf(node: Schema): Json[] | undefined {
  const given = node.const === undefined ? list(node.enum) : [node.const]
  const simple = given.filter((value) => ['string', 'number', 'boolean'].includes(typeof value))
  const types = new Set(simple.map((value) => typeof value))
  if (simple.length === 0 || types.size > 1) return undefined
  return simple
    .slice(0, limits.choices)
    .map((value) => (typeof value === 'string' ? shorten(visible(value), 200) : value))
}

const typeOfChoices = ([first]: readonly Json[]) => typeof first as string

function bounds(node: Schema): Schema {
  return Object.fromEntries(numbers.flatMap((word) => (typeof node[word] === 'number' ? [[word, node[word]]] : [])))
}

function about(description: Json | undefined): Schema {
  if (typeof description !== 'string') return {}
  const text = shorten(visible(description).trim(), limits.description)
  return text === '' ? {} : { description: text }
}
