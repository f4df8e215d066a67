/** Reads rich text. Positions are lines of the extracted text, where a paragraph or a table row is one line. */
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import type { Provider } from '../provider.ts'
import { createUnread, type Unread } from '../unread.ts'
import { createMarkdownTable } from './markdown-table.ts'
import { createLineText } from './pieces.ts'
import { createRtfEquation } from './rtf-equation.ts'
import { createRtfFields } from './rtf-fields.ts'
import { createRtfFonts, encodingOfPage } from './rtf-fonts.ts'
import { rtfTokens } from './rtf-tokens.ts'
import { createStyledText, type TextStyle } from './styled-text.ts'

export const provider: Provider = {
  async read({ bytes, name }, limits, sink) {
    await sink.progress({ done: 0, of: 0, unit: 'line' })
    const text = createLineText(sink)
    const rtf = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
    const unread = createUnread(name, sink)
    for (const block of rtfBlocks(rtf, unread)) if (!(await text.add(block))) break
    const ending = await text.finish(name, limits)
    if (ending === undefined) throw new ParleyError('file_empty', fileWording.empty.noTextInDocument(name))
    if (!/\}\s*\0*\s*$/.test(rtf.slice(-200))) {
      sink.problem({ code: 'file_damaged', userMessage: fileWording.partlyDamaged.cutOff(name) })
    }
    unread.report()
    return ending
  },
}

// From RTF's tokens to paragraphs and rows of tables, in the encodings that its fonts name.

/** Groups whose text does not belong to the document. */
const unseen = new Set(
  (
    'fonttbl colortbl stylesheet info pict object objdata datafield fldinst listtable listoverridetable rsidtbl generator ' +
    'themedata colorschememapping latentstyles datastore xmlnstbl filetbl revtbl bkmkstart bkmkend nonshppict ' +
    'pgptbl mmathPr mmathPict userprops docvar private xe tc rxe aftncn aftnsep aftnsepc ftncn ftnsep ftnsepc pnseclvl'
  ).split(' '),
)
/** Groups marked as ignorable that contain text. */
const seen = new Set([
  'shppict',
  'shpinst',
  'shptxt',
  'fldrslt',
  'footnote',
  'annotation',
  'moMath',
  'moMathPara',
  'do',
  'dptxbxtext',
  'pntext',
  'listtext',
  'upr',
  'ud',
])
const signs = new Map(
  Object.entries({
    tab: '\t',
    line: '\n',
    lbr: '\n',
    emdash: '—',
    endash: '–',
    bullet: '•',
    lquote: '‘',
    rquote: '’',
    ldblquote: '“',
    rdblquote: '”',
    emspace: ' ',
    enspace: ' ',
    qmspace: ' ',
    zwj: '\u200d',
    zwnj: '\u200c',
  }),
)
interface State extends TextStyle {
  hidden: boolean
  /** Hidden by the author, who sees it when editing. */
  vanished: boolean
  /** A property of a shape: of use for the pictures in it only. */
  property: boolean
  font: number
  /** Replacement characters after a Unicode one, for programs without Unicode. */
  fallback: number
  inTable: boolean
  note: boolean
  /** Text of hidden groups that is of use. */
  captured: 'fonts' | 'code' | 'entry' | 'author' | 'class' | 'property' | 'value' | undefined
}

const captures = new Map<string, State['captured']>(
  Object.entries({
    fonttbl: 'fonts',
    fldinst: 'code',
    ffl: 'entry',
    atnauthor: 'author',
    objclass: 'class',
    sn: 'property',
    sv: 'value',
    formfield: undefined,
    panose: undefined,
    falt: undefined,
  }),
)

const longestName = 200

/** Yields blocks as they end. */
export function* rtfBlocks(rtf: string, unread: Unread): Generator<string> {
  const fonts = createRtfFonts()
  const fields = createRtfFields(() => unread.saw('form control'))
  let state: State = {
    hidden: false,
    vanished: false,
    property: false,
    font: -1,
    fallback: 1,
    inTable: false,
    note: false,
    captured: undefined,
  }
  const stack: State[] = []
  let ignorable = false
  let skip = 0
  let text = ''
  let note = ''
  let notes = 0
  let capture = ''
  let author = ''
  /** The property of a shape whose value comes next. */
  let property = ''
  /** The group of an embedded object, and the program that made it. */
  let object: { depth: number; program: string } | undefined
  let wasVanished = false
  const styledText = createStyledText()
  const styledNote = createStyledText()
  const after: string[] = []
  let table = createMarkdownTable()
  let cells: string[] = []
  let rowsOpen = false
  const pending: Uint8Array[] = []

  const write = (piece: string) => {
    if (piece === '' || state.hidden || state.property || equation.text(piece)) return
    if (state.vanished) {
      if (!wasVanished && piece.trim() !== '') {
        unread.saw('hidden passage')
        wasVanished = true
      }
      return
    }
    wasVanished = false
    if (piece.trim() !== '') fields.shown()
    if (state.note) note += styledNote.write(piece, state)
    else text += styledText.write(piece, state)
  }
  /** Text that the reader adds, without a style. */
  const mark = (piece: string) => {
    if (piece === '' || state.hidden) return
    if (state.note) note += styledNote.end() + piece
    else text += styledText.end() + piece
  }
  const equation = createRtfEquation(mark)
  const flush = () => {
    if (pending.length === 0) return
    const bytes = Buffer.concat(pending.splice(0))
    if (state.captured === 'fonts') fonts.name(bytes.toString('latin1'))
    else if (state.captured !== undefined) capture += fonts.decode(bytes, state.font)
    else write(fonts.decode(bytes, state.font))
  }

  /** Raised, lowered, struck-out and hidden text. Returns whether the word was about that. */
  function setStyle(name: string, value: number | undefined): boolean {
    if (name === 'super' || name === 'sub') state.script = value === 0 ? undefined : name
    else if (name === 'up' || name === 'dn') state.script = value === 0 ? undefined : name === 'up' ? 'super' : 'sub'
    else if (name === 'nosupersub') state.script = undefined
    else if (name === 'strike' || name === 'strikedl') state.struck = value !== 0
    else if (name === 'v') state.vanished = value !== 0
    else return false
    return true
  }

  /** Groups that hold something other than text of the document. */
  function openGroup(name: string, isOpening: boolean): void {
    if (name === 'pict' && !state.hidden) unread.saw('picture')
    if (name === 'sp') state.property = true
    if (name === 'object' && !state.hidden) object = { depth: stack.length, program: '' }
    if (name === 'fldrslt' && fields.replaces()) state.hidden = true
    if ((isOpening && !seen.has(name)) || unseen.has(name)) state.hidden = true
    if (captures.has(name)) {
      capture = name === 'fldinst' ? '' : capture
      state.captured = captures.get(name)
      if (state.captured !== 'code') capture = ''
    }
  }

  function* word(name: string, value: number | undefined): Generator<string> {
    const isOpening = ignorable
    ignorable = false
    if (equation.word(name)) return
    openGroup(name, isOpening)
    fields.word(name, value, stack.length)
    if (state.captured === 'fonts') fonts.declare(name, value)
    else if (setStyle(name, value)) return
    else if (name === 'f') state.font = value ?? -1
    else if (name === 'ansicpg') fonts.usual = encodingOfPage(value ?? 1252)
    else if (name === 'mac') fonts.usual = 'macintosh'
    else if (name === 'uc') state.fallback = Math.max(0, Math.min(value ?? 1, 32))
    else if (name === 'plain') {
      state = { ...state, font: -1, script: undefined, struck: false, vanished: false }
    } else if (name === 'pard') state.inTable = false
    else if (name === 'intbl') state.inTable = true
    else if (name === 'deleted') state.hidden = value !== 0
    else if (name === 'footnote' && !state.hidden) {
      notes += 1
      mark(`[^${notes}]`)
      note = `[^${notes}]: `
      state.note = true
    } else if (name === 'annotation' && !state.hidden) {
      note = `Comment by ${author.trim() || 'somebody'}: `
      state.note = true
    } else if (name === 'cell' || name === 'nestcell') {
      cells.push(text + styledText.end())
      text = ''
    } else if (name === 'row') {
      rowsOpen = true
      yield* table.row(cells)
      cells = []
      text = ''
    } else if (name === 'nestrow') {
      // A table within a cell stays in that cell.
      text = cells.splice(0).join(', ')
    } else if (name === 'par' || name === 'sect' || name === 'page') {
      if (state.note) note += `${styledNote.end()} `
      else if (state.inTable) text += `${styledText.end()} `
      else yield* endParagraph()
    } else {
      const sign = signs.get(name)
      if (sign !== undefined) write(sign)
    }
  }

  function unicode(value: number | undefined): void {
    const code = value ?? 0
    const sign = fonts.sign(String.fromCharCode(code < 0 ? code + 65_536 : code), state.font)
    if (state.captured !== undefined && state.captured !== 'fonts') capture += sign
    else write(sign)
    skip = state.fallback
  }

  function* endParagraph(): Generator<string> {
    text += styledText.end()
    wasVanished = false
    if (rowsOpen && text.trim() !== '') {
      rowsOpen = false
      table = createMarkdownTable()
    }
    if (cells.length === 0 && text.trim() !== '') yield text.trim()
    if (cells.length === 0) text = ''
  }

  function endCapture(kind: State['captured']): void {
    if (kind === 'code') fields.code(capture)
    else if (kind === 'entry') fields.entry(capture.trim())
    else if (kind === 'author') author = capture.slice(0, longestName)
    else if (kind === 'property') property = capture.trim()
    // The words of WordArt.
    else if (kind === 'value' && property === 'gtextUNICODE') mark(capture)
    else if (kind === 'class' && object !== undefined) object.program = capture
    capture = ''
  }

  function closeGroup(): void {
    if (state.note && stack.at(-1)?.note === false) after.push((note + styledNote.end()).trim().replace(/[ \t]+/g, ' '))
    const depth = stack.length
    const ended = state
    state = stack.pop() ?? state
    if (ended.captured !== state.captured) endCapture(ended.captured)
    if (object?.depth === depth) {
      unread.saw(/^(?:Equation|MathType)/i.test(object.program.trim()) ? 'equation' : 'embedded file')
      object = undefined
    }
    mark(fields.end(depth))
    equation.close()
    ignorable = false
    skip = 0
  }

  for (const token of rtfTokens(rtf)) {
    if (token.kind === 'bytes') {
      if (state.hidden && state.captured === undefined) continue
      const rest = token.bytes.subarray(skip)
      skip -= token.bytes.length - rest.length
      if (rest.length > 0) pending.push(rest)
      continue
    }
    flush()
    if (token.kind === 'open') {
      if (stack.length > 5_000) return
      stack.push(state)
      state = { ...state }
      equation.open()
      skip = 0
    } else if (token.kind === 'close') closeGroup()
    else if (token.word === '*') ignorable = true
    else if (token.word === 'u') unicode(token.value)
    else {
      skip = 0
      yield* word(token.word, token.value)
    }
  }
  flush()
  if (cells.length > 0) yield* table.row([...cells.splice(0), text + styledText.end()])
  else yield* endParagraph()
  yield* after
}
