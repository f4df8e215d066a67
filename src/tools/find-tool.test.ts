import { describe, expect, it } from 'vitest'
import { estimateTokens } from '../core/text/estimate-tokens.ts'
import { definitionLimits, joinToolboxes, withinLimits } from './find-tool.ts'
import type { OfferedTo, Tool, ToolCall } from './tool.ts'

const tool = (name: string, description: string): Tool => ({
  ...{ name, description, schema: { type: 'object', properties: {} } },
  ...{ effect: 'read', openWorld: false, limitMs: 1, mostTokens: 1 },
  describe: () => name,
  run: async () => ({ text: name }),
})
const many = (count: number, words = '') =>
  Array.from({ length: count }, (_, n) => tool(`farm_sheep_${n}`, `Counts the sheep of meadow ${n}. ${words}`))
const celsius = tool('units_convertTemperatures', 'Celsius to Fahrenheit.')

const find = async (tools: readonly Tool[], query: string) =>
  await tools.find(({ name }) => name === 'find_tool')?.run({ query }, {} as ToolCall)
const shown = (tools: readonly Tool[]) => tools.filter(({ hidden }) => hidden !== true)
const size = (tools: readonly Tool[]) =>
  tools.reduce(
    (sum, { name, description, schema }) => sum + estimateTokens(JSON.stringify({ name, description, schema })),
    0,
  )

describe('the tools that a model is told of', () => {
  it('are all of them while they are few', () => {
    expect(withinLimits(many(40))).toHaveLength(40)
    expect(shown(withinLimits(many(40)))).toHaveLength(40)
  })

  it('are at most 40, and the rest is found by what it does', async () => {
    const tools = withinLimits([...many(200), celsius])
    expect(shown(tools)).toHaveLength(definitionLimits.tools)
    const found = await find(tools, 'convert a temperature')
    expect(found?.opens).toEqual(['units_convertTemperatures'])
    expect(found?.text).toContain('Celsius to Fahrenheit')
    expect((await find(tools, 'meadow 117'))?.opens?.[0]).toBe('farm_sheep_117')
    expect((await find(tools, 'a sheep'))?.opens).toHaveLength(definitionLimits.found)
  })

  it('have at most 12,000 tokens of definitions', () => {
    const tools = withinLimits(many(30, 'A very long description. '.repeat(150)))
    expect(size(shown(tools))).toBeLessThanOrEqual(definitionLimits.tokens)
    expect(shown(tools).length).toBeLessThan(30)
    expect(tools).toHaveLength(31)
  })

  it('are named where nothing fits', async () => {
    const found = await find(withinLimits(many(60)), 'xylophone')
    expect(found).toMatchObject({ text: expect.stringContaining('farm_sheep_') })
    expect(found?.opens).toBeUndefined()
  })

  it('of several boxes are one of each name: the first', async () => {
    const box = (...tools: Tool[]) => ({ offered: async () => tools })
    const all = await joinToolboxes([box(tool('a', 'own')), box(tool('a', 'foreign'), tool('b', ''))]).offered(
      {} as OfferedTo,
    )
    expect(all.map(({ name, description }) => [name, description])).toEqual([
      ['a', 'own'],
      ['b', ''],
    ])
  })
})
