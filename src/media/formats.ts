/**
 * THE table of formats: which types there are, which engine reads each and under which limits. To make a format readable,
 * give it a reader here. Formats without a reader are refused by name.
 */
import { ParleyError } from '../core/errors.ts'
import { fileWording } from '../wording/files.ts'
import type { Family } from './limits.ts'

export interface FormatReader {
  /** Name and version. Raise the version when the same bytes give a different artifact, so that cached artifacts are not used. */
  engine: string
  /** The module that exports `provider`, loaded in a reading process, or in Parley's own process if `plain`. */
  module: URL
  family: Family
  /** It decodes with native code, which only a native reading process may load (reader-process.ts). */
  native?: boolean
  /** It only decodes and splits lines, so small files are read in Parley's own process (plain-text.ts). */
  plain?: boolean
  /** LibreOffice converts it to this format first (providers/soffice.ts). */
  convert?: 'docx' | 'xlsx' | 'pptx'
  /** The extension that tells LibreOffice the format, if it is not the one from before 2007. */
  from?: 'xlsb'
}

export interface Format {
  /** The name people use, with its article. */
  called: string
  /** Extensions in lower case, without the dot. */
  extensions: readonly string[]
  reader?: FormatReader
  /** Another for files that were fetched from the web. */
  web?: FormatReader
}

/** With the extension of this file: reading processes run it without types, as `.js` (stripped-code.ts). */
const provider = (name: string) => new URL(`./providers/${name}${import.meta.url.slice(-3)}`, import.meta.url)
const pdf: FormatReader = { engine: 'pdf-6', module: provider('pdf'), family: 'pdf' }
const text: FormatReader = { engine: 'text-4', module: provider('text'), family: 'text', plain: true }
const csv: FormatReader = { engine: 'csv-3', module: provider('csv'), family: 'csv' }
const html: FormatReader = { engine: 'html-5', module: provider('html'), family: 'html' }
const webPage: FormatReader = { engine: 'page-1', module: provider('web-page'), family: 'html' }
const image: FormatReader = { engine: 'image-2', module: provider('image'), family: 'image', native: true }
const subtitles: FormatReader = { engine: 'subtitles-2', module: provider('subtitles'), family: 'text' }
const docx: FormatReader = { engine: 'docx-4', module: provider('docx'), family: 'office' }
const pptx: FormatReader = { engine: 'pptx-3', module: provider('pptx'), family: 'office' }
const xlsx: FormatReader = { engine: 'xlsx-3', module: provider('xlsx'), family: 'sheet' }
const odt: FormatReader = { engine: 'odt-3', module: provider('odt'), family: 'office' }
const odp: FormatReader = { engine: 'odp-3', module: provider('odp'), family: 'office' }
const ods: FormatReader = { engine: 'ods-3', module: provider('ods'), family: 'sheet' }
const rtf: FormatReader = { engine: 'rtf-2', module: provider('rtf'), family: 'office' }
// Pictures inside them are decoded by native code.
const mail: FormatReader = { engine: 'mail-2', module: provider('mail'), family: 'mail', native: true }
const outlook: FormatReader = { engine: 'outlook-1', module: provider('outlook'), family: 'mail', native: true }
const packed: FormatReader = { engine: 'packed-1', module: provider('packed'), family: 'archive', native: true }
const notebook: FormatReader = { engine: 'notebook-1', module: provider('notebook'), family: 'office', native: true }
const epub: FormatReader = { engine: 'epub-1', module: provider('epub'), family: 'office' }
const calendar: FormatReader = { engine: 'calendar-1', module: provider('calendar'), family: 'text' }
const contacts: FormatReader = { engine: 'contacts-1', module: provider('contacts'), family: 'text' }
const tnef: FormatReader = { engine: 'tnef-1', module: provider('tnef'), family: 'mail', native: true }
const zip: FormatReader = { engine: 'zip-2', module: provider('zip'), family: 'archive', native: true }

const openXml = 'application/vnd.openxmlformats-officedocument'
const openDocument = 'application/vnd.oasis.opendocument'

const sourceCode =
  'js mjs cjs ts mts cts jsx tsx py rb go rs java kt kts scala c h cc cpp hpp cs swift m php pl lua r jl sh bash zsh fish ps1 ' +
  'bat sql css scss less vue svelte graphql proto tf hcl gradle groovy dart ex exs erl hs clj lisp vim dockerfile makefile'

export const formats = {
  'application/pdf': { called: 'a PDF', extensions: ['pdf'], reader: pdf },
  'text/plain': {
    called: 'plain text',
    extensions: ['txt', 'text', 'log', 'diff', 'patch'],
    reader: text,
  },
  'text/x-source': { called: 'source code', extensions: sourceCode.split(' '), reader: text },
  'text/markdown': { called: 'Markdown', extensions: ['md', 'markdown', 'mdx', 'rst', 'adoc', 'org'], reader: text },
  'text/x-config': {
    called: 'a configuration file',
    extensions: ['ini', 'cfg', 'conf', 'toml', 'env', 'properties'],
    reader: text,
  },
  'application/json': {
    called: 'JSON',
    extensions: ['json', 'jsonl', 'ndjson', 'geojson', 'har'],
    reader: text,
  },
  'application/yaml': { called: 'YAML', extensions: ['yaml', 'yml'], reader: text },
  'application/xml': {
    called: 'XML',
    extensions: ['xml', 'xsd', 'xsl', 'rss', 'atom', 'plist', 'kml', 'gpx'],
    reader: text,
  },
  'image/svg+xml': { called: 'an SVG drawing', extensions: ['svg'], reader: image },
  'image/jpeg': { called: 'a JPEG picture', extensions: ['jpg', 'jpeg', 'jpe', 'jfif'], reader: image },
  'image/png': { called: 'a PNG picture', extensions: ['png'], reader: image },
  'image/apng': { called: 'a PNG picture', extensions: ['apng'], reader: image },
  'image/webp': { called: 'a WebP picture', extensions: ['webp'], reader: image },
  'image/gif': { called: 'a GIF picture', extensions: ['gif'], reader: image },
  'image/bmp': { called: 'a BMP picture', extensions: ['bmp', 'dib'], reader: image },
  'image/tiff': { called: 'a TIFF picture', extensions: ['tif', 'tiff'], reader: image },
  'image/avif': { called: 'an AVIF picture', extensions: ['avif'], reader: image },
  'image/heic': { called: 'a HEIC picture', extensions: ['heic'], reader: image },
  'image/heif': { called: 'a HEIC picture', extensions: ['heif', 'hif'], reader: image },
  'application/x-subrip': { called: 'subtitles', extensions: ['srt'], reader: subtitles },
  'text/vtt': { called: 'subtitles', extensions: ['vtt'], reader: subtitles },
  [`${openXml}.wordprocessingml.document`]: {
    called: 'a Word document',
    extensions: ['docx', 'docm', 'dotx', 'dotm'],
    reader: docx,
  },
  [`${openXml}.presentationml.presentation`]: {
    called: 'a PowerPoint presentation',
    extensions: ['pptx', 'pptm', 'ppsx', 'ppsm', 'potx'],
    reader: pptx,
  },
  [`${openXml}.spreadsheetml.sheet`]: {
    called: 'an Excel workbook',
    extensions: ['xlsx', 'xlsm', 'xltx', 'xltm'],
    reader: xlsx,
  },
  [`${openDocument}.text`]: { called: 'an OpenDocument text', extensions: ['odt', 'ott'], reader: odt },
  [`${openDocument}.presentation`]: { called: 'an OpenDocument presentation', extensions: ['odp', 'otp'], reader: odp },
  [`${openDocument}.spreadsheet`]: { called: 'an OpenDocument spreadsheet', extensions: ['ods', 'ots'], reader: ods },
  'application/rtf': { called: 'rich text', extensions: ['rtf'], reader: rtf },
  'application/msword': {
    called: 'an old Word document',
    extensions: ['doc', 'dot'],
    reader: { ...docx, engine: 'doc-2', convert: 'docx' },
  },
  'application/vnd.ms-powerpoint': {
    called: 'an old PowerPoint presentation',
    extensions: ['ppt', 'pps', 'pot'],
    reader: { ...pptx, engine: 'ppt-2', convert: 'pptx' },
  },
  'application/vnd.ms-excel': {
    called: 'an old Excel workbook',
    extensions: ['xls', 'xlt'],
    reader: { ...xlsx, engine: 'xls-3', convert: 'xlsx' },
  },
  'application/vnd.ms-excel.sheet.binary.macroenabled.12': {
    called: 'a binary Excel workbook',
    extensions: ['xlsb'],
    reader: { ...xlsx, engine: 'xlsb-1', convert: 'xlsx', from: 'xlsb' },
  },
  'message/rfc822': { called: 'an email', extensions: ['eml', 'mht', 'mhtml'], reader: mail },
  'application/mbox': { called: 'a mailbox', extensions: ['mbox', 'mbx'], reader: mail },
  'application/vnd.ms-tnef': { called: 'a winmail.dat file', extensions: ['tnef'], reader: tnef },
  'application/vnd.ms-outlook': { called: 'an Outlook message', extensions: ['msg', 'oft'], reader: outlook },
  'text/calendar': { called: 'a calendar', extensions: ['ics', 'ical', 'ifb', 'vcs'], reader: calendar },
  'text/vcard': { called: 'contacts', extensions: ['vcf', 'vcard'], reader: contacts },
  'application/x-ipynb+json': { called: 'a Jupyter notebook', extensions: ['ipynb'], reader: notebook },
  'application/epub+zip': { called: 'an e-book', extensions: ['epub'], reader: epub },
  'application/x-tar': { called: 'a tar archive', extensions: ['tar'], reader: packed },
  'application/gzip': { called: 'a gzip archive', extensions: ['gz', 'tgz'], reader: packed },
  'application/zstd': { called: 'a zstd archive', extensions: ['zst', 'tzst'], reader: packed },
  'application/x-bzip2': { called: 'a bzip2 archive', extensions: ['bz2', 'tbz', 'tbz2'], reader: packed },
  'application/x-xz': { called: 'an xz archive', extensions: ['xz', 'txz'], reader: packed },
  'application/x-7z-compressed': { called: 'a 7z archive', extensions: ['7z'], reader: packed },
  'application/x-rar-compressed': { called: 'a rar archive', extensions: ['rar'], reader: packed },
  'application/zip': { called: 'a zip archive', extensions: ['zip'], reader: zip },
  'application/x-tex': { called: 'TeX', extensions: ['tex', 'bib', 'sty'], reader: text },
  'text/csv': { called: 'comma-separated values', extensions: ['csv'], reader: csv },
  'text/tab-separated-values': { called: 'tab-separated values', extensions: ['tsv', 'tab'], reader: csv },
  'text/html': { called: 'an HTML page', extensions: ['html', 'htm', 'xhtml'], reader: html, web: webPage },
} as const satisfies Record<string, Format>

export type Formats = Readonly<Record<string, Format>>

/** Types without a reader, by the start of the media type; the first match counts. */
const refused: readonly {
  types: readonly string[]
  called: string
  extensions: readonly string[]
  next: string
  code?: 'file_encrypted'
}[] = [
  {
    types: ['image/x-avif-mini'],
    called: 'an AVIF picture in a new short form',
    extensions: [],
    next: fileWording.advice.picture,
  },
  {
    types: ['image/'],
    called: 'a picture',
    extensions: ['ico', 'psd', 'jxl', 'cr2', 'nef', 'dng'],
    next: fileWording.advice.picture,
  },
  {
    types: ['audio/'],
    called: 'a sound recording',
    extensions: ['mp3', 'm4a', 'wav', 'ogg', 'opus', 'flac', 'aac', 'au', 'wma', 'caf'],
    next: fileWording.advice.recording,
  },
  {
    types: ['video/'],
    called: 'a video',
    extensions: ['mp4', 'mov', 'webm', 'mkv', 'avi'],
    next: fileWording.advice.video,
  },
  {
    types: ['application/x-ole-encrypted'],
    called: 'an office document with a password',
    extensions: [],
    next: fileWording.advice.password,
    code: 'file_encrypted',
  },
  {
    types: ['application/vnd.apple.keynote'],
    called: 'a Keynote presentation',
    // Keys and certificates are named .key too, so the name says nothing.
    extensions: [],
    next: fileWording.advice.keynote,
  },
  {
    types: ['application/vnd.apple.numbers'],
    called: 'a Numbers spreadsheet',
    extensions: ['numbers'],
    next: fileWording.advice.numbers,
  },
  {
    types: ['application/vnd.apple.pages'],
    called: 'a Pages document',
    extensions: ['pages'],
    next: fileWording.advice.pages,
  },
  {
    types: ['application/vnd.apple.iwork'],
    called: 'a document of Pages, Numbers or Keynote',
    extensions: [],
    next: fileWording.advice.office,
  },
  {
    types: [
      'application/x-compress',
      'application/java-archive',
      'application/x-lzip',
      'application/vnd.ms-cab-compressed',
    ],
    called: 'an archive',
    extensions: ['z', 'lz', 'cab', 'jar'],
    next: fileWording.advice.archive,
  },
  {
    types: [
      'application/vnd.openxmlformats-officedocument',
      'application/vnd.oasis.opendocument',
      'application/vnd.ms-',
      'application/x-cfb',
    ],
    called: 'an office file',
    extensions: ['mdb', 'vsd', 'vsdx', 'pub', 'one', 'odg'],
    next: fileWording.advice.office,
  },
  {
    types: [
      'application/x-msdownload',
      'application/x-elf',
      'application/x-mach-binary',
      'application/wasm',
      'application/java-vm',
    ],
    called: 'a program',
    extensions: ['exe', 'dll', 'so', 'dylib', 'wasm', 'class', 'msi'],
    next: fileWording.advice.program,
  },
  {
    types: ['font/', 'application/vnd.ms-fontobject'],
    called: 'a font',
    extensions: ['ttf', 'otf', 'woff', 'woff2'],
    next: fileWording.advice.font,
  },
  {
    types: ['application/x-sqlite3', 'application/vnd.apache.'],
    called: 'a database file',
    extensions: ['sqlite', 'db', 'parquet', 'arrow'],
    next: fileWording.advice.database,
  },
]

/** The name people use for a media type: "a PDF", "a picture", or the media type itself. */
export function called(mediaType: string, table: Formats = formats): string {
  return table[mediaType]?.called ?? refusalOf(mediaType)?.called ?? `a file of the type ${mediaType}`
}

/** The type that a name's extension suggests. Refused types have only the name people use. */
export function announcedBy(
  name: string,
  table: Formats = formats,
): { mediaType?: string; called: string } | undefined {
  const extension = extensionOf(name)
  if (extension === '') return undefined
  for (const [mediaType, format] of Object.entries(table)) {
    if (format.extensions.includes(extension)) return { mediaType, called: format.called }
  }
  const row = refused.find(({ extensions }) => extensions.includes(extension))
  return row === undefined ? undefined : { called: row.called }
}

/** The reader of a media type. Throws `file_unsupported` with a sentence for the sender. */
export function readerOf(mediaType: string, name: string, table: Formats = formats): FormatReader {
  const reader = table[mediaType]?.reader
  if (reader !== undefined) return reader
  const refusal = refusalOf(mediaType)
  if (refusal !== undefined) {
    const { called, next, code } = refusal
    // A locked file has a made-up media type, which says nothing to the sender.
    const shown = code === undefined ? mediaType : undefined
    throw new ParleyError(
      code ?? 'file_unsupported',
      fileWording.refusal.unsupported({ name, called, mediaType: shown, next }),
    )
  }
  if (mediaType !== unknownType)
    throw new ParleyError('file_unsupported', fileWording.refusal.unknownType(name, mediaType))
  const named = refused.find(({ extensions }) => extensions.includes(extensionOf(name)))
  const sentence =
    named === undefined ? fileWording.refusal.unknownType(name, undefined) : fileWording.refusal.onlyNamed(name, named)
  throw new ParleyError('file_unsupported', sentence)
}

export const unknownType = 'application/octet-stream'

function refusalOf(mediaType: string) {
  return refused.find(({ types }) => types.some((type) => mediaType.startsWith(type)))
}

/** Lower case, without the dot; for `Dockerfile` and the like the whole name. */
function extensionOf(name: string): string {
  const base = name.split(/[/\\]/).at(-1)?.toLowerCase() ?? ''
  const dot = base.lastIndexOf('.')
  if (dot < 0) return base === 'dockerfile' || base === 'makefile' ? base : ''
  return base.slice(dot + 1)
}
