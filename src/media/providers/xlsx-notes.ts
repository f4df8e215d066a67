/** What lies on a sheet of Excel beside its cells: comments and their threads, text boxes, charts, form controls. */
import type { Unread } from '../unread.ts'
import { type Archive, smallPart } from './archive.ts'
import { readDrawing } from './drawing.ts'
import { relationsOf } from './relations.ts'
import type { SheetNote } from './sheets.ts'
import { createStyledText, type TextStyle } from './styled-text.ts'
import { escapes, setFontProperty } from './xlsx-shared.ts'
import { readXml } from './xml.ts'

/** In the order of their rows. */
export async function readSheetNotes(
  archive: Archive,
  sheet: string,
  persons: ReadonlyMap<string, string>,
  unread: Unread,
): Promise<SheetNote[]> {
  const relations = [...(await relationsOf(archive, sheet)).values()].filter(({ external }) => !external)
  const parts = (...types: string[]) =>
    relations.filter(({ type, target }) => types.includes(type) && archive.has(target)).map(({ target }) => target)
  const notes: SheetNote[] = []
  for (const path of parts('threadedComment')) notes.push(...(await readThreads(archive, path, persons)))
  // Programs without threads show a copy of them as comments.
  const threaded = new Set(notes.map(({ cell }) => cell))
  for (const path of parts('comments'))
    notes.push(...(await readComments(archive, path)).filter(({ cell }) => !threaded.has(cell)))
  for (const path of parts('vmlDrawing')) notes.push(...(await readControls(archive, path, unread)))
  const controls = new Set(notes.map(({ text }) => text.replace(/^[[(][ x][\])] /, '')))
  for (const path of parts('drawing')) {
    const lines = await readDrawing(archive, path, unread)
    notes.push(...lines.filter(({ text }) => !controls.has(text)).map(({ text, row }) => ({ row, text })))
  }
  for (const path of parts('oleObject', 'package')) unread.saw('embedded file', path)
  for (const path of parts('control')) unread.saw('form control', path)
  return notes.sort((one, other) => one.row - other.row)
}

/** Names of the people who comment, by their id. */
export async function readPersons(archive: Archive, workbook: string): Promise<ReadonlyMap<string, string>> {
  const persons = new Map<string, string>()
  for (const { type, target } of (await relationsOf(archive, workbook)).values()) {
    if (type !== 'person' || !archive.has(target)) continue
    await readXml(archive.stream(target, smallPart), {
      open(name, { id, displayName }) {
        if (/(?:^|:)person$/.test(name) && id !== undefined && displayName) persons.set(id, displayName)
      },
    })
  }
  return persons
}

function noteOn(cell: string, label: string, words: string): SheetNote[] {
  const text = escapes(words).trim().replace(/\s+/g, ' ')
  return text === '' ? [] : [{ row: Number(/\d+$/.exec(cell)?.[0] ?? 1), cell, text: `${cell}, ${label}: ${text}` }]
}

async function readComments(archive: Archive, part: string): Promise<SheetNote[]> {
  const notes: SheetNote[] = []
  const authors: string[] = []
  const styled = createStyledText()
  let run: TextStyle = {}
  let words = ''
  let cell = ''
  let author = ''
  let inside = ''
  await readXml(archive.stream(part, smallPart), {
    open(name, attributes) {
      if (name === 'author' || name === 't') inside = name
      if (name === 'author') authors.push('')
      else if (name === 'comment') {
        cell = attributes.ref ?? ''
        author = authors[Number(attributes.authorId ?? -1)]?.trim() || 'somebody'
        words = ''
      }
      if (name === 'r') run = {}
      else setFontProperty(run, name, attributes)
    },
    text(piece) {
      if (inside === 'author') authors[authors.length - 1] += piece
      else if (inside === 't') words += styled.write(piece, run)
    },
    close(name) {
      if (name === inside) inside = ''
      if (name !== 'comment') return
      // Excel begins a comment with its author's name.
      const text = (words + styled.end()).trim()
      notes.push(
        ...noteOn(cell, `comment by ${author}`, text.startsWith(`${author}:`) ? text.slice(author.length + 1) : text),
      )
      run = {}
    },
  })
  return notes
}

async function readThreads(archive: Archive, part: string, persons: ReadonlyMap<string, string>): Promise<SheetNote[]> {
  const notes: SheetNote[] = []
  let open: { cell: string; label: string; words: string } | undefined
  let inText = false
  await readXml(archive.stream(part, smallPart), {
    open(name, { ref = '', personId, parentId }) {
      if (name.endsWith('threadedComment')) {
        const author = persons.get(personId ?? '') ?? 'somebody'
        open = { cell: ref, label: `${parentId === undefined ? 'comment' : 'reply'} by ${author}`, words: '' }
      } else if (/(?:^|:)text$/.test(name)) inText = true
    },
    text(piece) {
      if (inText && open !== undefined) open.words += piece
    },
    close(name) {
      if (/(?:^|:)text$/.test(name)) inText = false
      if (!name.endsWith('threadedComment') || open === undefined) return
      notes.push(...noteOn(open.cell, open.label, open.words))
      open = undefined
    },
  })
  return notes
}

/** Check boxes and options drawn on a sheet (VML). Lists show a cell's value, which is not resolved. */
async function readControls(archive: Archive, part: string, unread: Unread): Promise<SheetNote[]> {
  const notes: SheetNote[] = []
  let label = ''
  let type = ''
  let checked = false
  let row = 1
  let inside = ''
  await readXml(archive.stream(part, smallPart), {
    open(name, attributes) {
      if (name === 'v:shape') {
        label = ''
        type = ''
        checked = false
        row = 1
      } else if (name === 'x:ClientData') type = attributes.ObjectType ?? ''
      if (name === 'v:textbox' || name === 'x:Checked' || name === 'x:Anchor') inside = name
    },
    text(words) {
      if (inside === 'v:textbox') label += words
      else if (inside === 'x:Checked') checked = words.trim() === '1'
      else if (inside === 'x:Anchor') row = (Number(words.split(',')[2]) || 0) + 1
    },
    close(name) {
      if (name === inside) inside = ''
      if (name !== 'v:shape') return
      const text = label.trim().replace(/\s+/g, ' ')
      if (type === 'Checkbox') notes.push({ row, text: `${checked ? '[x]' : '[ ]'} ${text}`.trim() })
      else if (type === 'Radio') notes.push({ row, text: `${checked ? '(x)' : '( )'} ${text}`.trim() })
      else if (/^(?:Drop|List|Edit|Spin|Scroll)$/.test(type)) unread.saw('form control')
      else if (/^(?:Label|GBox|Button|Rect|Shape)$/.test(type) && text !== '') notes.push({ row, text })
    },
  })
  return notes
}
