import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Json } from '../../core/json.ts'
import { cleanSchema } from './schema.ts'

const object = (properties: Record<string, Json>, more: Record<string, Json> = {}) => ({
  type: 'object',
  properties,
  ...more,
})

describe('the schema of a tool for models', () => {
  it.each<[string, Record<string, Json>, Record<string, Json> | undefined]>([
    ['has a type where none is said', {}, object({})],
    [
      'has no references',
      { $defs: { Day: { type: 'string', description: 'A day' } }, ...object({ day: { $ref: '#/$defs/Day' } }) },
      object({ day: { type: 'string', description: 'A day' } }),
    ],
    [
      'ends where a type holds itself',
      { $defs: { Node: object({ next: { $ref: '#/$defs/Node' } }) }, ...object({ root: { $ref: '#/$defs/Node' } }) },
      object({ root: object({ next: {} }) }),
    ],
    [
      'is one object where it is a choice of objects: needed is what each needs',
      {
        oneOf: [
          object({ id: { type: 'string' }, a: { type: 'number' } }, { required: ['id', 'a'] }),
          object({ id: { type: 'string' }, b: { type: 'boolean' } }, { required: ['id', 'b'] }),
        ],
      },
      object({ id: { type: 'string' }, b: { type: 'boolean' }, a: { type: 'number' } }, { required: ['id'] }),
    ],
    [
      'joins all parts',
      { allOf: [object({ a: { type: 'string' } }, { required: ['a'] }), object({ b: { type: 'integer' } })] },
      object({ b: { type: 'integer' }, a: { type: 'string' } }, { required: ['a'] }),
    ],
    [
      'writes a choice as anyOf',
      object({ a: { oneOf: [{ type: 'string' }, { type: 'number' }] } }),
      object({ a: { anyOf: [{ type: 'string' }, { type: 'number' }] } }),
    ],
    ['has one type a node', object({ a: { type: ['string', 'null'] } }), object({ a: { type: 'string' } })],
    ['writes a constant as an enum', object({ a: { const: 'x' } }), object({ a: { type: 'string', enum: ['x'] } })],
    ['says what an array holds', object({ a: { type: 'array' } }), object({ a: { type: 'array', items: {} } })],
    [
      'finds a type where properties or items show it',
      object({ a: { items: { type: 'string' } } }),
      object({ a: { type: 'array', items: { type: 'string' } } }),
    ],
    ['leaves out names that models cannot write', object({ 'a b': { type: 'string' } }), object({})],
    [
      'cannot be called where such a name is needed',
      object({ 'a b': { type: 'string' } }, { required: ['a b'] }),
      undefined,
    ],
    ['fetches nothing', object({ a: { $ref: 'https://example.com/schema.json' } }), object({ a: {} })],
    [
      'drops the words that some servers refuse',
      object(
        { a: { type: 'string', pattern: '(a+)+$', format: 'uri', default: 'x', examples: ['y'], $comment: 'z' } },
        { $schema: 'x', if: {}, patternProperties: {} },
      ),
      object({ a: { type: 'string' } }),
    ],
    [
      'has no hidden text',
      object({ a: { type: 'string', description: 'Da\u200bte\u{e0041}' } }),
      object({ a: { type: 'string', description: 'Date' } }),
    ],
  ])('%s', (_what, given, expected) => {
    expect(cleanSchema(given)).toEqual(expected)
  })

  const words = ['type', 'properties', 'required', 'items', 'anyOf', 'enum', 'description', 'additionalProperties']
  const bounds = ['minimum', 'maximum', 'minLength', 'maxLength', 'minItems', 'maxItems']

  function check(node: Json | undefined, depth = 0): void {
    const schema = node as Record<string, Json>
    for (const word of Object.keys(schema)) expect([...words, ...bounds]).toContain(word)
    expect(depth).toBeLessThan(20)
    if (schema.type !== undefined) expect(typeof schema.type).toBe('string')
    if (schema.type === 'array') check(schema.items, depth + 1)
    for (const each of Object.values((schema.properties ?? {}) as Record<string, Json>)) check(each, depth + 1)
    for (const each of (schema.anyOf ?? []) as Json[]) check(each, depth + 1)
  }

  it('is in that form whatever a server sends', () => {
    const few = (of: fc.Arbitrary<unknown>) => fc.array(of, { maxLength: 2 })
    const schemas = (depth: number): fc.Arbitrary<unknown> => {
      const below = depth === 0 ? fc.constantFrom({}, true, 'x', { type: 'string' }) : schemas(depth - 1)
      return fc.record(
        {
          type: fc.constantFrom<unknown>('object', 'array', 'string', 'null', 'nonsense', ['string', 'null'], 7),
          properties: fc.oneof(fc.dictionary(fc.string({ maxLength: 5 }), below, { maxKeys: 2 }), fc.string()),
          required: few(fc.oneof(fc.string({ maxLength: 5 }), fc.integer())),
          items: below,
          anyOf: few(below),
          oneOf: fc.oneof(fc.constant('x'), few(below)),
          allOf: few(below),
          $ref: fc.constantFrom('#', '#/properties', '#/anyOf/0', '#/x', 'http://x', '#/%'),
          enum: few(fc.oneof(fc.string(), fc.integer(), fc.constant(null))),
          description: fc.oneof(fc.string(), fc.integer()),
          additionalProperties: fc.boolean(),
        },
        { requiredKeys: [] },
      )
    }
    const schema = schemas(2)
    fc.assert(
      fc.property(schema, (given) => {
        const cleaned = cleanSchema(given as Record<string, Json>)
        if (cleaned === undefined) return
        expect(cleaned.type).toBe('object')
        expect(cleaned.anyOf).toBeUndefined()
        check(cleaned)
      }),
      { numRuns: 100 },
    )
  })
})
