/** Reads rich text. Positions are lines of the extracted text, where a paragraph or a table row is one line. */
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import type { Provider } from '../provider.ts'
import { createMarkdownTable } from './markdown-table.ts'
import { createLineText } from './pieces.ts'

export const provider: Provider = {
  async read({ bytes, name }, limits, sink) {
    await sink.progress({ done: 0, of: 0, unit: 'line' })
    const text = createLineText(sink)
    const rtf = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
    for (const block of rtfBlocks(rtf)) if (!(await text.add(block))) break
    const ending = await text.finish(name, limits)
    if (ending === undefined) throw new ParleyError('file_empty', fileWording.empty.noTextInDocument(name))
    if (!/\}\s*\0*\s*$/.test(rtf.slice(-200))) {
      sink.problem({ code: 'file_damaged', userMessage: fileWording.partlyDamaged.cutOff(name) })
    }
    return ending
  },
}

// From RTF's tokens to paragraphs and rows of tables, in the encodings that its fonts name.

/** Groups whose text does not belong to the document. */
const unseen = new Set(
  (
    'fonttbl colortbl stylesheet info pict object objdata datafield fldinst listtable listoverridetable rsidtbl generator ' +
    'themedata colorschememapping latentstyles datastore xmlnstbl filetbl revtbl bkmkstart bkmkend nonshppict ' +
    'pgptbl mmathPr userprops docvar private xe tc rxe aftncn aftnsep aftnsepc ftncn ftnsep ftnsepc pnseclvl'
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
  'pntext',
  'listtext',
  'upr',
  'ud',
])
const signs: Readonly<Record<string, string>> = {
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
}
/** Windows' numbers of character sets, as fonts carry them. */
const charsets: Readonly<Record<number, string>> = {
  0: 'windows-1252',
  77: 'macintosh',
  128: 'shift_jis',
  129: 'euc-kr',
  134: 'gb18030',
  136: 'big5',
  161: 'windows-1253',
  162: 'windows-1254',
  163: 'windows-1258',
  177: 'windows-1255',
  178: 'windows-1256',
  186: 'windows-1257',
  204: 'windows-1251',
  222: 'windows-874',
  238: 'windows-1250',
}
const codePages: Readonly<Record<number, string>> = {
  932: 'shift_jis',
  936: 'gb18030',
  949: 'euc-kr',
  950: 'big5',
  65001: 'utf-8',
  10000: 'macintosh',
  866: 'ibm866',
}

interface State {
  hidden: boolean
  font: number
  /** Replacement characters after a Unicode one, for programs without Unicode. */
  fallback: number
  inTable: boolean
  note: boolean
}

/** Yields blocks as they end. */
export function* rtfBlocks(rtf: string): Generator<string> {
  const fonts = new Map<number, string>()
  let usual = 'windows-1252'
  let state: State = { hidden: false, font: -1, fallback: 1, inTable: false, note: false }
  const stack: State[] = []
  let ignorable = false
  let inFonts: number | undefined
  let fontNumber = 0
  let skip = 0
  let text = ''
  let note = ''
  let notes = 0
  const after: string[] = []
  let table = createMarkdownTable()
  let cells: string[] = []
  let rowsOpen = false
  let pending: Uint8Array[] = []

  const write = (piece: string) => {
    if (state.hidden) return
    if (state.note) note += piece
    else text += piece
  }
  const flush = () => {
    if (pending.length === 0) return
    const encoding = fonts.get(state.font) ?? usual
    write(new TextDecoder(encoding).decode(Buffer.concat(pending)))
    pending = []
  }

  function* word(name: string, value: number | undefined): Generator<string> {
    const isOpening = ignorable
    ignorable = false
    if (isOpening && !seen.has(name)) state.hidden = true
    if (unseen.has(name)) state.hidden = true
    if (name === 'fonttbl') inFonts = stack.length
    else if (name === 'f') {
      if (inFonts === undefined) state.font = value ?? -1
      else fontNumber = value ?? 0
    } else if (name === 'fcharset' && inFonts !== undefined) {
      const encoding = charsets[value ?? 0]
      if (encoding !== undefined && value !== 0) fonts.set(fontNumber, encoding)
    } else if (name === 'ansicpg') usual = encodingOfPage(value ?? 1252)
    else if (name === 'mac') usual = 'macintosh'
    else if (name === 'uc') state.fallback = Math.max(0, Math.min(value ?? 1, 32))
    else if (name === 'u') {
      const code = value ?? 0
      write(String.fromCharCode(code < 0 ? code + 65_536 : code))
      skip = state.fallback
    } else if (name === 'plain') state.font = -1
    else if (name === 'pard') state.inTable = false
    else if (name === 'intbl') state.inTable = true
    else if (name === 'deleted') state.hidden = value !== 0
    else if (name === 'footnote' && !state.hidden) {
      notes += 1
      text += `[^${notes}]`
      note = `[^${notes}]: `
      state.note = true
    } else if (name === 'annotation' && !state.hidden) {
      note = 'Comment: '
      state.note = true
    } else if (name === 'cell' || name === 'nestcell') {
      cells.push(text)
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
      if (state.note) note += ' '
      else if (state.inTable) text += ' '
      else yield* endParagraph()
    } else {
      const sign = signs[name]
      if (sign !== undefined) write(sign)
    }
  }

  function* endParagraph(): Generator<string> {
    if (rowsOpen && text.trim() !== '') {
      rowsOpen = false
      table = createMarkdownTable()
    }
    if (cells.length === 0 && text.trim() !== '') yield text.trim()
    if (cells.length === 0) text = ''
  }

  for (const token of rtfTokens(rtf)) {
    if (token.kind === 'bytes') {
      if (state.hidden) continue
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
      skip = 0
    } else if (token.kind === 'close') {
      if (state.note && stack.at(-1)?.note === false) after.push(note.trim().replace(/[ \t]+/g, ' '))
      if (inFonts !== undefined && stack.length <= inFonts) inFonts = undefined
      state = stack.pop() ?? state
      ignorable = false
      skip = 0
    } else if (token.word === '*') ignorable = true
    else {
      if (token.word !== 'u') skip = 0
      yield* word(token.word, token.value)
    }
  }
  flush()
  if (cells.length > 0) yield* table.row([...cells.splice(0), text])
  else yield* endParagraph()
  yield* after
}

function encodingOfPage(page: number): string {
  const known = codePages[page] ?? `windows-${page}`
  try {
    new TextDecoder(known)
    return known
  } catch {
    return 'windows-1252'
  }
}

/** Splits RTF into groups, control words and runs of bytes. */

export type RtfToken =
  | { kind: 'open' }
  | { kind: 'close' }
  | { kind: 'word'; word: string; value: number | undefined }
  /** Bytes in the current code page. */
  | { kind: 'bytes'; bytes: Uint8Array }

const control = /([a-z]{1,32})(-?\d{1,10})? ?/iy

/** `rtf` is the file as Latin-1, one character a byte. */
export function* rtfTokens(rtf: string): Generator<RtfToken> {
  let at = 0
  while (at < rtf.length) {
    const sign = rtf.charAt(at)
    if (sign === '{' || sign === '}') {
      at += 1
      yield { kind: sign === '{' ? 'open' : 'close' }
    } else if (sign === '\r' || sign === '\n' || sign === '\0') at += 1
    else if (sign === '\\') {
      const next = rtf.charAt(at + 1)
      if (next === "'") {
        const from = at
        while (rtf.startsWith("\\'", at) && at - from < 4 * 4_096) at += 4
        const hex = rtf.slice(from, at).replaceAll("\\'", '')
        yield { kind: 'bytes', bytes: Buffer.from(hex, 'hex') }
        continue
      }
      control.lastIndex = at + 1
      const match = control.exec(rtf)
      if (match === null) {
        at += 2
        yield symbol(next)
        continue
      }
      at = control.lastIndex
      const value = match[2] === undefined ? undefined : Number(match[2])
      if (match[1] === 'bin') at += Math.max(0, value ?? 0)
      else yield { kind: 'word', word: match[1] ?? '', value }
    } else {
      const from = at
      while (at < rtf.length && at - from < 64 * 1024 && !'\\{}\r\n\0'.includes(rtf.charAt(at))) at += 1
      yield { kind: 'bytes', bytes: Buffer.from(rtf.slice(from, at), 'latin1') }
    }
  }
}

function symbol(sign: string): RtfToken {
  switch (sign) {
    case '~':
      return { kind: 'bytes', bytes: Buffer.from(' ') }
    case '_':
      return { kind: 'bytes', bytes: Buffer.from('-') }
    case '*':
      return { kind: 'word', word: '*', value: undefined }
    case '\r':
    case '\n':
      return { kind: 'word', word: 'par', value: undefined }
    case '\t':
      return { kind: 'word', word: 'tab', value: undefined }
    case '-':
    case ':':
    case '|':
      return { kind: 'word', word: '', value: undefined }
    default:
      return { kind: 'bytes', bytes: Buffer.from(sign, 'latin1') }
  }
}
