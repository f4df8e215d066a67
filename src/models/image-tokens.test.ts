import { describe, expect, it } from 'vitest'
import { mostImageTokens } from './image-tokens.ts'

/** What providers bill, by their own formulas, for pictures of any shape with at most 1,568 pixels a side. */
const shapes = Array.from({ length: 98 }, (_, w) => Array.from({ length: 98 }, (_, h) => [(w + 1) * 16, (h + 1) * 16]))
  .flat()
  .map(([width = 0, height = 0]) => ({ width, height }))
type Shape = (typeof shapes)[number]

const patched = (multiplier: number, most = Number.POSITIVE_INFINITY) => {
  return ({ width, height }: Shape) => Math.min(most, Math.ceil(width / 32) * Math.ceil(height / 32)) * multiplier
}
const tiled = (base: number, each: number) => {
  return ({ width, height }: Shape) => {
    const scale = Math.min(1, 768 / Math.min(width, height))
    return base + each * Math.ceil((width * scale) / 512) * Math.ceil((height * scale) / 512)
  }
}
const byArea =
  (most: number) =>
  ({ width, height }: Shape) =>
    Math.min(most, Math.ceil(width / 28) * Math.ceil(height / 28))
const cropped = ({ width, height }: Shape) => {
  const unit = Math.min(768, Math.max(256, Math.floor(Math.min(width, height) / 1.5)))
  return 258 * Math.ceil(width / unit) * Math.ceil(height / unit)
}

const bills: [model: string, bill: (shape: Shape) => number][] = [
  ['gpt-4o', tiled(85, 170)],
  ['gpt-4o-2024-08-06', tiled(85, 170)],
  ['gpt-4o-mini', tiled(2_833, 5_667)],
  ['gpt-4o-mini-2024-07-18', tiled(2_833, 5_667)],
  ['azure/gpt-4o-mini', tiled(2_833, 5_667)],
  ['gpt-4.1', patched(1, 1_536)],
  ['gpt-4.1-mini', patched(1.62, 1_536)],
  ['gpt-4.1-nano-2025-04-14', patched(2.46, 1_536)],
  ['o1', tiled(75, 150)],
  ['o3', tiled(75, 150)],
  ['o4-mini', patched(1.72, 1_536)],
  ['gpt-5', tiled(70, 140)],
  ['gpt-5-mini', patched(1.62, 1_536)],
  ['gpt-5-nano', patched(2.46, 1_536)],
  ['gpt-5.4', patched(1.2)],
  ['claude-sonnet-4-5-20250929', byArea(1_568)],
  ['claude-opus-4-7', byArea(4_784)],
  ['gemini-2.5-flash', cropped],
  ['qwen2.5-vl-72b-instruct', byArea(16_384)],
]

describe('the most tokens of a picture', () => {
  it.for(bills)('%s: never less than its provider bills, whatever the shape', ([model, bill]) => {
    const dearest = shapes.reduce((most, shape) => Math.max(most, bill(shape)), 0)
    expect(dearest).toBeGreaterThan(1_000)
    expect(mostImageTokens(model)).toBeGreaterThanOrEqual(dearest)
  })

  it('is not many times what a picture costs', () => {
    expect(mostImageTokens('gpt-4o')).toBeLessThan(2_000)
    expect(mostImageTokens('gpt-5')).toBeLessThan(4_000)
    expect(mostImageTokens('claude-sonnet-4-5')).toBeLessThan(2_000)
  })
})
