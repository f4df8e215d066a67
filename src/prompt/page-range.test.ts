import { describe, expect, test } from 'vitest'
import { describePages, pagesWanted } from './page-range.ts'

describe('a question that is restricted to pages', () => {
  test.each([
    ['Read only pages 10-20.', 10, 20],
    ['Summarise pages 10 to 20 please', 10, 20],
    ['pages 10 through 20: what is the point?', 10, 20],
    ['From page 10 to page 20, who signs?', 10, 20],
    ['What do p. 10–20 say?', 10, 20],
    ['pp. 10—20', 10, 20],
    ['Read only page 7', 7, 7],
    ['Use just the page 7.', 7, 7],
    ['Page 7 only, please', 7, 7],
    ['But please read only pages 10-20.', 10, 20],
    ['only slide 3', 3, 3],
    ['Nur Seiten 10 bis 20', 10, 20],
    ['Lies nur die Seite 7!', 7, 7],
    ['Was steht auf S. 10–20?', 10, 20],
    ['von Seite 10 bis Seite 20', 10, 20],
    ['Fasse die Folien 2-4 zusammen', 2, 4],
    ['Résume les pages 10 à 20', 10, 20],
    ['de la page 10 à la page 20', 10, 20],
    ['Lis seulement la page 7', 7, 7],
    ['Resume las páginas 10-20', 10, 20],
    ['páginas 10 a 20', 10, 20],
    ['Lee sólo la página 7', 7, 7],
  ])('%s', (text, from, to) => {
    expect(pagesWanted(text)).toEqual({ from, to })
  })
})

describe('a question that is not', () => {
  test.each([
    'This is page 7 of my life.',
    'What does page 7 say?',
    'Is the key named only on page 7?',
    'I only got to page 7.',
    'Write 10-20 pages about this.',
    'It renders pages 10 to 20 times faster.',
    'Read everything except pages 10-20.',
    "Don't read pages 10-20.",
    'Not only page 7!',
    'Alles außer Seiten 10 bis 20',
    'Tout sauf les pages 10 à 20',
    'Todo menos las páginas 10-20',
    'Compare pages 1-3 with pages 7-9.',
    'Compare pages 10-20 with page 35.',
    'Pages 1-3 and 7-9.',
    'Do pages 10-20 agree with the rest?',
    'The homepages 10-20 are slow.',
    'The U.S. 10-20 forecast',
    'page 7-3-2024',
    'pages 20-10',
    'pages 0-0',
    'Rows 10-20',
    '',
  ])('%s', (text) => {
    expect(pagesWanted(text)).toBeUndefined()
  })

  test('and a long text without any takes no time', () => {
    const started = performance.now()
    pagesWanted('only the page of '.repeat(6000))
    expect(performance.now() - started).toBeLessThan(1000)
  })
})

test('page ranges in words', () => {
  expect([describePages({ from: 7, to: 7 }), describePages({ from: 2, to: 4 }, 'slide')]).toEqual([
    'page 7',
    'slides 2–4',
  ])
})
