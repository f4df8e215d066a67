import { describe, expect, test } from 'vitest'
import { addressOf, createSourceRegistry, type NewSource } from './source.ts'

const file: NewSource = { kind: 'file', title: 'a.pdf', contentHash: 'a'.repeat(64), ref: 'att-1' }
const page: NewSource = { kind: 'page', title: 'News', url: 'https://a.example/news', ref: 'https://a.example/news' }
const tool: NewSource = { kind: 'tool', title: 'get_weather', ref: 'call-1' }

describe('the numbers of the sources of a turn', () => {
  test('run through all kinds, in the order in which they come', () => {
    const registry = createSourceRegistry()
    expect([file, page, tool].map((each) => registry.add(each).n)).toEqual([1, 2, 3])
    expect(registry.all().map(({ kind }) => kind)).toEqual(['file', 'page', 'tool'])
  })

  test('are one for the same source, also when it is found again by its content or in another way', () => {
    const registry = createSourceRegistry()
    registry.add(file)
    expect(registry.add({ ...file, title: 'renamed.pdf', ref: 'att-2' })).toEqual({ n: 1, ...file })
    expect(registry.add({ ...file, kind: 'memory', ref: 'share-1' }).n).toBe(1)
    expect(registry.add(page).n).toBe(2)
    expect(registry.add({ ...page, title: 'Other title' }).n).toBe(2)
    // Both names lead to the first from then on.
    expect(registry.add({ kind: 'file', title: 'x', ref: 'att-2' }).n).toBe(1)
    expect(registry.all()).toHaveLength(2)
  })

  test('are told apart when tools run in parallel and bring some of the same', async () => {
    const registry = createSourceRegistry()
    const runs = Array.from({ length: 20 }, async (_, run) => {
      const numbers: number[] = []
      for (let item = 0; item < 10; item += 1) {
        await Promise.resolve()
        // Every second one is brought by all runs.
        const ref = item % 2 === 0 ? `shared-${item}` : `own-${run}-${item}`
        numbers.push(registry.add({ kind: 'tool', title: ref, ref }).n)
      }
      return numbers
    })
    const given = (await Promise.all(runs)).flat()
    const all = registry.all()
    expect(all.map(({ n }) => n)).toEqual(Array.from({ length: 105 }, (_, at) => at + 1))
    expect(new Set(all.map(({ ref }) => ref)).size).toBe(105)
    expect(new Set(given).size).toBe(105)
  })

  test('stay what they were when a turn goes on after a crash', () => {
    const before = createSourceRegistry()
    for (const each of [file, page]) before.add(each)
    const after = createSourceRegistry(before.all())
    expect([page, tool, file].map((each) => after.add(each).n)).toEqual([2, 3, 1])
  })
})

describe('the address of a cited place', () => {
  test.each([
    ['https://a.example/r.pdf', 7, 'https://a.example/r.pdf#page=7'],
    ['https://a.example/r.pdf?v=2', 7, 'https://a.example/r.pdf?v=2#page=7'],
    ['https://a.example/r.pdf#part', 7, 'https://a.example/r.pdf#part'],
    ['https://a.example/r.pdf', 1, 'https://a.example/r.pdf'],
    ['https://a.example/news', 2, 'https://a.example/news'],
    ['javascript:alert(1)', 1, undefined],
    ['file:///etc/passwd', 1, undefined],
    [undefined, 1, undefined],
  ])('%s, page %i', (url, number, address) => {
    expect(addressOf({ source: { url }, at: { kind: 'page', page: number } })).toBe(address)
  })
})
