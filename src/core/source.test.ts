import { describe, expect, test } from 'vitest'
import { addressOf, createSourceRegistry, describeCited, type NewSource } from './source.ts'

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

describe('what people read beside the title', () => {
  const shared = { by: 'Ann', at: '2026-11-20T09:30:00.000Z', place: '#sales' }
  const at = { kind: 'page', page: 3 } as const
  const of = (more: Partial<NewSource>) => describeCited({ source: { kind: 'memory', title: 'plan.pdf', ...more }, at })

  test('of what was shared earlier says who shared it, where and when', () => {
    expect(of({ shared })).toBe('p. 3, shared by Ann in #sales on 2026-11-20')
    expect(of({ shared: { ...shared, older: true } })).toBe(
      'p. 3, shared by Ann in #sales on 2026-11-20, an older version',
    )
    expect(of({ shared: { at: shared.at } })).toBe('p. 3, shared on 2026-11-20')
  })

  test('stays one line with its date, whatever people call themselves and their channels', () => {
    const by = `Ann\u202e\n[x](https://evil.example) ${'Maximilian '.repeat(20)}`
    const line = of({ shared: { ...shared, by, place: `#${'very-long-'.repeat(30)}` } })
    expect(line).toMatch(/^p\. 3, shared by Ann \[x\].*… in #very-long-.*… on 2026-11-20$/)
    expect(line.length).toBeLessThan(140)
  })

  test('of a page of the web names its site and date, not its lines', () => {
    const lines = { kind: 'lines', from: 3, to: 9 } as const
    const page = { kind: 'page', title: 'News', site: 'Daily', published: '2026-03-02' } as const
    expect(describeCited({ source: page, at: lines })).toBe('Daily, 2026-03-02')
    expect(describeCited({ source: { kind: 'page', title: 'News' }, at: lines })).toBe('lines 3–9')
    expect(describeCited({ source: page, at })).toBe('p. 3, Daily, 2026-03-02')
  })
})
