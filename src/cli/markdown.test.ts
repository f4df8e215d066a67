import { expect, test } from 'vitest'
import { createMarkdownPrinter } from './markdown.ts'

function draw(pieces: string[], colors = false): string[] {
  const printed: string[] = []
  const printer = createMarkdownPrinter((text) => void printed.push(text), colors, 60)
  let text = ''
  for (const piece of pieces) {
    text += piece
    printer.show(text)
  }
  printer.end()
  return printed
}

test('an answer appears block by block, without Markdown’s marks', () => {
  expect(draw(['# Key', '\n\nIt hangs **behind** the ', 'boiler \\[1\\].\n', '\n- one\n- two\n\n', 'End.'])).toEqual([
    'Key\n\n',
    'It hangs behind the boiler [1].\n\n• one\n• two\n\n',
    'End.\n\n',
  ])
})

test('code stays whole, blank lines included', () => {
  expect(draw(['```js\nconst a = 1\n\n', 'const b = 2\n```\n\n', 'Done.'])).toEqual([
    '    const a = 1\n\n    const b = 2\n\n',
    'Done.\n\n',
  ])
})

test('a table is aligned, and becomes a list where it is too wide', () => {
  expect(draw(['| a | b |\n|---|---|\n| 1 | 22 |\n'])[0]).toMatch(/ {4}a +b\n[\s\S]* {4}1 +22\n/)
  const wide = 'a long cell with many words '.repeat(3)
  expect(draw([`| head | other |\n|---|---|\n| ${wide} | ${wide} |\n`])[0]).toMatch(/^• head a long cell/)
})

test('an answer that starts over is printed again below', () => {
  const printed: string[] = []
  const printer = createMarkdownPrinter((text) => void printed.push(text), false)
  printer.show('First try.\n\nMore')
  printer.show('Second')
  printer.show('Second try.')
  printer.end()
  expect(printed).toEqual(['First try.\n\n', '\n', 'Second try.\n\n'])
})

test('bold and code are in color, and a model cannot move the cursor or set the title', () => {
  expect(draw(['**bold** `code`'], true)[0]).toBe('\u001b[1mbold\u001b[22m \u001b[36mcode\u001b[39m\n\n')
  expect(draw(['a\u001b[2Jb\u001b]0;title\u0007c\u0008d'])[0]).toBe('abcd\n\n')
})
