import { expect, test } from 'vitest'
import { cellsOf, tablesIn } from './tables.ts'

test.each([
  [['Title', '| a | b |', '| --- | --- |', '| 1 | 2 |', 'after'], [{ from: 1, to: 3 }]],
  [['| a |', '| --- |', '| b |', '| --- |'], [{ from: 0, to: 3 }]],
  [
    ['| a |', '| --- |', '', '| b |', '| --- |', '| 1 |'],
    [
      { from: 0, to: 1 },
      { from: 3, to: 5 },
    ],
  ],
  [['| only bars |', 'a | b', '| --- |'], []],
])('tables in %o', (lines, tables) => expect(tablesIn(lines)).toEqual(tables))

test.each([
  ['| a | b |', ['a', 'b']],
  ['| a \\| b |  | c |', ['a | b', '', 'c']],
])('cells of %s', (row, cells) => expect(cellsOf(row)).toEqual(cells))
