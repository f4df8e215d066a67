import { expect, it } from 'vitest'
import { formatProblem, readSchema } from './answer-format.ts'

const strict = (schema: Parameters<typeof readSchema>[0]) =>
  ({ type: 'schema', name: 'x', schema, strict: true }) as const
const notice = strict({
  type: 'object',
  properties: { days: { type: 'integer' }, by: { anyOf: [{ $ref: '#/$defs/who' }, { type: 'null' }] } },
  required: ['days', 'by'],
  additionalProperties: false,
  $defs: { who: { type: 'string', enum: ['owner', 'tenant'] } },
})

it.each([
  ['{"days":30,"by":"owner"}', undefined],
  ['{"days":30,"by":null}', undefined],
  ['{"days":"30","by":null}', /^days: /],
  ['{"days":30}', /^by: /],
  ['{"days":30,"by":null,"more":1}', /more/],
  ['{"days":30,"by":"nobody"}', /^by: /],
  ['```json\n{"days":30,"by":null}\n```', /not JSON/],
  ['', /not JSON/],
])('%s against a strict schema', (text, problem) => {
  if (problem === undefined) expect(formatProblem(notice, text)).toBeUndefined()
  else expect(formatProblem(notice, text)).toMatch(problem)
})

it('any object is one that json_object asks for, and nothing else is', () => {
  expect(formatProblem({ type: 'json' }, '{}')).toBeUndefined()
  for (const text of ['[]', 'null', '"a"', 'a'])
    expect(formatProblem({ type: 'json' }, text)).toMatch(/not (?:a )?JSON/)
})

it('a schema that is not strict only asks for JSON', () => {
  expect(formatProblem({ ...notice, strict: false }, '{"days":"x"}')).toBeUndefined()
  expect(formatProblem({ ...notice, strict: false }, 'x')).toMatch(/not JSON/)
})

it('a pattern, which may run for years, is not run, and a default fills nothing in', () => {
  const schema = strict({
    type: 'object',
    properties: {
      a: { type: 'string', pattern: '^(a+)+$' },
      pattern: { type: 'string' },
      d: { type: 'string', default: 'x' },
    },
    required: ['a', 'pattern', 'd'],
  })
  expect(formatProblem(schema, JSON.stringify({ a: `${'a'.repeat(50)}!`, pattern: 'p', d: 'd' }))).toBeUndefined()
  expect(formatProblem(schema, '{"a":"a","pattern":"p"}')).toMatch(/^d: /)
})

it('a schema that cannot be checked is refused', () => {
  expect(() => readSchema({ if: { type: 'string' }, else: { minLength: 2 } })).toThrow()
  expect(() => readSchema({ type: 'object', patternProperties: { '^a': { type: 'string' } } })).toThrow()
  expect(() => readSchema({ $ref: 'https://example.com/schema.json' })).toThrow()
})
