import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toolServer } from '../../../test/servers/tool-servers.ts'
import type { ToolDefinition } from '../../core/tool-servers.ts'
import { definitionHash, modelTool, toolName } from './definitions.ts'

const server = toolServer('files', { kind: 'http', url: 'https://tools.example/mcp' })
const definition: ToolDefinition = { name: 'read', description: 'Reads.', inputSchema: { type: 'object' } }

describe('the name of a tool for models', () => {
  it('is its own behind its server, where that is possible', () => {
    expect(toolName('files', 'read_file')).toBe('files_read_file')
    expect(toolName('files', 'read file!')).toMatch(/^files_read_file__[0-9a-f]{8}$/)
    expect(toolName('files', 'x'.repeat(90))).toMatch(/^files_x{49}_[0-9a-f]{8}$/)
    expect(toolName('search', 'files', (name) => name === 'search_files')).toMatch(/^search_files_[0-9a-f]{8}$/)
  })

  it('fits every model, and no two tools share one', () => {
    const server = fc.stringMatching(/^[a-z][a-z0-9-]{0,30}$/)
    fc.assert(
      fc.property(
        server,
        fc.string({ unit: 'binary', maxLength: 100 }),
        server,
        fc.string({ maxLength: 100 }),
        (a, x, b, y) => {
          expect(toolName(a, x)).toMatch(/^[a-zA-Z0-9_-]{1,64}$/)
          if (a !== b || x !== y) expect(toolName(a, x)).not.toBe(toolName(b, y))
        },
      ),
    )
  })
})

describe('the hash of a definition', () => {
  it('is the same for the same words in another order', () => {
    const { name, description, inputSchema } = definition
    expect(definitionHash(server, { inputSchema, description, name })).toBe(definitionHash(server, definition))
  })

  it.each([
    ['description', { ...definition, description: 'Reads. ' }],
    ['schema', { ...definition, inputSchema: { type: 'object', properties: {} } }],
    ['annotations', { ...definition, annotations: { readOnlyHint: true } }],
  ])('is another one with another %s', (_what, changed) => {
    expect(definitionHash(server, changed)).not.toBe(definitionHash(server, definition))
  })

  it('is another one where the server is reached in another way', () => {
    const moved = toolServer('files', { kind: 'http', url: 'https://evil.example/mcp' })
    expect(definitionHash(moved, definition)).not.toBe(definitionHash(server, definition))
  })
})

it('a description is at most 1,000 characters, and nothing in it is hidden', () => {
  const description = `Reads\u202e a\u200b fi\u{e0069}\u{e0067}le.\u0007${'y'.repeat(3_000)}`
  const tool = modelTool('files', { ...definition, description }, 'files_read')
  expect(tool?.description).toHaveLength(1_000)
  expect(tool?.description).toMatch(/^Of the server files, in its own words: Reads a file\.y+…$/)
})
