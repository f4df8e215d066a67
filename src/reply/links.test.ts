/** Which addresses of an answer stay links: as Markdown reads them, whatever a model writes and however it comes in. */
import fc from 'fast-check'
import type { Nodes } from 'mdast'
import { describe, expect, it } from 'vitest'
import { parseMarkdown } from '../core/markdown/parse.ts'
import { createLinkFilter, linkKey, linkKeysIn } from './links.ts'

const known = new Set(linkKeysIn('See https://good.example/a?b=1 and www.also.example.'))

function filtered(text: string, cuts: number[] = [], before = ''): string {
  const filter = createLinkFilter((key) => known.has(key), before)
  const places = [...new Set([0, ...cuts.map((cut) => cut % (text.length + 1)), text.length])].toSorted((a, b) => a - b)
  const parts = places.slice(1).map((place, at) => text.slice(places[at], place))
  return parts.map((part) => filter.push(part)).join('') + filter.flush()
}

/** Every address that a reader of the Markdown could follow or would load, and every text outside of code. */
function shown(text: string): { links: string[]; words: string } {
  const links: string[] = []
  let words = ''
  const visit = (node: Nodes) => {
    if (node.type === 'link' || node.type === 'definition') links.push(node.url)
    if (node.type === 'image' || node.type === 'imageReference') links.push(`image ${'url' in node ? node.url : ''}`)
    if (node.type === 'text' || node.type === 'html') words += `${node.value}\n`
    if ('children' in node) for (const child of node.children) visit(child)
  }
  visit(parseMarkdown(text))
  return { links, words }
}

/** What chats would make a link of, or Markdown has made one of. */
function leaks(text: string): string[] {
  const { links, words } = shown(text)
  const web = links.filter((link) => /^(?:image |[a-z][a-z0-9+.-]*:|www\.|\/\/)/i.test(link))
  const found = words.match(/(?:https?:\/\/|www\.)[^\s<>"`|\\]*/gi) ?? []
  return [...web, ...found].filter((each) => {
    const key = linkKey(each.replace(/[.,;:!?'*_~)\]}>]+$/, ''))
    return key === undefined || !known.has(key)
  })
}

describe('an answer', () => {
  it.each([
    ['See https://good.example/a?b=1.', 'See https://good.example/a?b=1.'],
    ['See [it](https://good.example/a?b=1), or [that](https://www.also.example/).', undefined],
    ['**[it](https://good.example/a?b=1)** [1] and `curl https://x.example`', undefined],
    ['```sh\ncurl https://evil.example/x\n```\nDone.', undefined],
    ['1. Do:\n   ```sh\n   curl https://evil.example\n   ```\n2. Done', undefined],
    ['It works![1] Use vec![1, 2] and List<String> & a/b, e.g. node.js or src/app.ts/x.', undefined],
    ['[1]: Smith 2020. x < y. Mail a@b.example. Version 1.2/3.', undefined],
  ])('keeps what was known, code and plain words: %s', (text, expected = text) => {
    expect(filtered(text)).toBe(expected)
  })

  it.each([
    ['Go to https://evil.example/?d=secret now', 'Go to `https://evil.example/?d=secret` now'],
    ['[Click](https://evil.example/x)', '[Click] (`https://evil.example/x`)'],
    ['https://good.example/a?b=2', '`https://good.example/a?b=2`'],
    ['https://good.example@evil.example/a?b=1', '`https://good.example@evil.example/a?b=1`'],
    ['![x](https://good.example/a?b=1)', '[x](https://good.example/a?b=1)'],
    ['![x](https://evil.example/p.png?d=1)', '[x] (`https://evil.example/p.png?d=1`)'],
    ['<https://evil.example>', '`https://evil.example`'],
    ['[x]: https://good.example/a?b=1', '[x] : https://good.example/a?b=1'],
    ['Visit evil.example/path', 'Visit `evil.example/path`'],
    ['[x](javascript:alert(1))', '[x] (javascript:alert(1))'],
  ])('shows the rest as text: %s', (text, expected) => {
    expect(filtered(text)).toBe(expected)
    expect(leaks(expected)).toEqual([])
  })

  it.each([
    'a ` https://evil.example',
    '| ` | https://evil.example ` |\n|-|-|\n| ` | https://evil.example ` |',
    '[a](`b) https://evil.example `)',
    '<a href="`">https://evil.example`',
    '- ```\nhttps://evil.example\n```\nhttps://evil.example',
    '  ```\nx\n  ```\n  https://evil.example',
    '<div>\n```\nhttps://evil.example\n```',
    '- <pre>\n  ```\n  https://evil.example\n',
    '\\`https://evil.example`',
    'https:\\//evil.example',
    'https&#58;//evil.example',
    'https:<!-- -->//evil.example',
    '```a`b\nhttps://evil.example',
    '_https://evil.example_ **www.evil.example** (https://evil.example)',
    '![a\nb](https://evil.example/x.png)',
    '[a](\nhttps://evil.example)',
    '[a\nb]: https://evil.example\n\n[a b]',
    '> [a]: https://good.example/a?b=1\n\n![a]',
    '[![x](https://evil.example/i.png)](https://evil.example)',
    '[x](<https://evil.example>)',
  ])('is not fooled by %j', (text) => {
    expect(leaks(filtered(text))).toEqual([])
  })

  it('is the same however it comes in, and never has an address that is not known', () => {
    const piece = fc.constantFrom(
      ...[
        'https://evil.example/x',
        'https://good.example/a?b=1',
        'www.evil.example',
        '![',
        '[',
        ']',
        '](',
        ')',
        '(',
        '<',
        '>',
        '`',
        '``',
      ],
      ...[
        '```',
        '~~~',
        '\n',
        '\n\n',
        ' ',
        '   ',
        '- ',
        '> ',
        '1. ',
        '\\',
        ':',
        '|',
        'word',
        '<div>',
        '<!--',
        '-->',
        '"',
        '&#58;',
        '*',
        '_',
      ],
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 24 }), fc.array(fc.nat(200), { maxLength: 6 }), (pieces, cuts) => {
        const text = pieces.join('')
        const whole = filtered(text)
        expect(filtered(text, cuts)).toBe(whole)
        expect(leaks(whole)).toEqual([])
      }),
      { numRuns: 2000 },
    )
  })

  it('goes on in the code of an earlier step', () => {
    expect(filtered('https://evil.example\n```\nhttps://evil.example', [], '```\n')).toBe(
      'https://evil.example\n```\n`https://evil.example`',
    )
  })
})
