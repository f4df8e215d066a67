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
}

export interface Format {
  /** The name people use, with its article. */
  called: string
  /** Extensions in lower case, without the dot. */
  extensions: readonly string[]
  reader?: FormatReader
}

const provider = (file: string) => new URL(`./providers/${file}`, import.meta.url)
const pdf: FormatReader = { engine: 'pdf-3', module: provider('pdf.ts'), family: 'pdf' }
const text: FormatReader = { engine: 'text-2', module: provider('text.ts'), family: 'text', plain: true }
const csv: FormatReader = { engine: 'csv-2', module: provider('csv.ts'), family: 'csv' }
const html: FormatReader = { engine: 'html-2', module: provider('html.ts'), family: 'html' }
const image: FormatReader = { engine: 'image-1', module: provider('image.ts'), family: 'image', native: true }
const subtitles: FormatReader = { engine: 'subtitles-1', module: provider('subtitles.ts'), family: 'text' }
const docx: FormatReader = { engine: 'docx-1', module: provider('docx.ts'), family: 'office' }
const pptx: FormatReader = { engine: 'pptx-1', module: provider('pptx.ts'), family: 'office' }
const xlsx: FormatReader = { engine: 'xlsx-1', module: provider('xlsx.ts'), family: 'sheet' }
const odt: FormatReader = { engine: 'odt-1', module: provider('odt.ts'), family: 'office' }
const odp: FormatReader = { engine: 'odp-1', module: provider('odp.ts'), family: 'office' }
const ods: FormatReader = { engine: 'ods-1', module: provider('ods.ts'), family: 'sheet' }
const rtf: FormatReader = { engine: 'rtf-1', module: provider('rtf.ts'), family: 'office' }
// Pictures inside them are decoded by native code.
const mail: FormatReader = { engine: 'mail-1', module: provider('mail.ts'), family: 'mail', native: true }
const zip: FormatReader = { engine: 'zip-1', module: provider('zip.ts'), family: 'archive', native: true }

const openXml = 'application/vnd.openxmlformats-officedocument'
const openDocument = 'application/vnd.oasis.opendocument'

const sourceCode =
  'js mjs cjs ts mts cts jsx tsx py rb go rs java kt kts scala c h cc cpp hpp cs swift m php pl lua r jl sh bash zsh fish ps1 ' +
  'bat sql css scss less vue svelte graphql proto tf hcl gradle groovy dart ex exs erl hs clj lisp vim dockerfile makefile'

export const formats = {
  'application/pdf': { called: 'a PDF', extensions: ['pdf'], reader: pdf },
  'text/plain': {
    called: 'plain text',
    extensions: ['txt', 'text', 'log', 'ics', 'vcf', 'diff', 'patch'],
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
    extensions: ['json', 'jsonl', 'ndjson', 'geojson', 'ipynb', 'har'],
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
    extensions: ['xlsx', 'xlsm', 'xltx', 'xltm', 'xlsb'],
    reader: xlsx,
  },
  [`${openDocument}.text`]: { called: 'an OpenDocument text', extensions: ['odt', 'ott'], reader: odt },
  [`${openDocument}.presentation`]: { called: 'an OpenDocument presentation', extensions: ['odp', 'otp'], reader: odp },
  [`${openDocument}.spreadsheet`]: { called: 'an OpenDocument spreadsheet', extensions: ['ods', 'ots'], reader: ods },
  'application/rtf': { called: 'rich text', extensions: ['rtf'], reader: rtf },
  'application/msword': {
    called: 'an old Word document',
    extensions: ['doc', 'dot'],
    reader: { ...docx, engine: 'doc-1', convert: 'docx' },
  },
  'application/vnd.ms-powerpoint': {
    called: 'an old PowerPoint presentation',
    extensions: ['ppt', 'pps', 'pot'],
    reader: { ...pptx, engine: 'ppt-1', convert: 'pptx' },
  },
  'application/vnd.ms-excel': {
    called: 'an old Excel workbook',
    extensions: ['xls', 'xlt'],
    reader: { ...xlsx, engine: 'xls-1', convert: 'xlsx' },
  },
  'message/rfc822': { called: 'an email', extensions: ['eml', 'mht', 'mhtml'], reader: mail },
  'application/zip': { called: 'a zip archive', extensions: ['zip'], reader: zip },
  'application/x-tex': { called: 'TeX', extensions: ['tex', 'bib', 'sty'], reader: text },
  'text/csv': { called: 'comma-separated values', extensions: ['csv'], reader: csv },
  'text/tab-separated-values': { called: 'tab-separated values', extensions: ['tsv', 'tab'], reader: csv },
  'text/html': { called: 'an HTML page', extensions: ['html', 'htm', 'xhtml'], reader: html },
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
    types: ['image/'],
    called: 'a picture',
    extensions: ['bmp', 'ico', 'psd', 'jxl', 'cr2', 'nef', 'dng'],
    next: 'Parley cannot read this kind of picture. Save it as PNG or JPEG and share that.',
  },
  {
    types: ['audio/'],
    called: 'a sound recording',
    extensions: ['mp3', 'm4a', 'wav', 'ogg', 'opus', 'flac', 'aac'],
    next: 'Parley cannot read this kind of recording. Convert it to mp3 and share that.',
  },
  {
    types: ['video/'],
    called: 'a video',
    extensions: ['mp4', 'mov', 'webm', 'mkv', 'avi'],
    next: 'Parley cannot read this kind of video. Convert it to mp4 and share that.',
  },
  {
    types: ['application/x-ole-encrypted'],
    called: 'an office document with a password',
    extensions: [],
    next: 'Save a copy without the password and share that.',
    code: 'file_encrypted',
  },
  {
    types: ['application/vnd.ms-outlook'],
    called: 'an Outlook message',
    extensions: ['msg'],
    next: 'Parley cannot read Outlook messages. Save it as .eml or as text and share that.',
  },
  {
    types: [
      'application/vnd.openxmlformats-officedocument',
      'application/vnd.oasis.opendocument',
      'application/vnd.ms-',
      'application/x-cfb',
    ],
    called: 'an office file',
    extensions: ['mdb', 'vsd', 'vsdx', 'pub', 'one', 'odg', 'pages', 'numbers', 'key'],
    next: 'Parley cannot read this kind of office file. Export it as a PDF and share that.',
  },
  {
    types: ['application/epub+zip'],
    called: 'an e-book',
    extensions: ['epub'],
    next: 'Parley cannot read e-books. Export it as a PDF and share that.',
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
    next: 'Parley never opens programs. Share its documentation or source code instead.',
  },
  {
    types: [
      'application/gzip',
      'application/x-tar',
      'application/x-7z-compressed',
      'application/x-rar-compressed',
      'application/x-bzip2',
      'application/x-xz',
      'application/zstd',
      'application/x-compress',
      'application/java-archive',
    ],
    called: 'an archive',
    extensions: ['gz', 'tgz', 'tar', '7z', 'rar', 'bz2', 'xz', 'zst', 'jar'],
    next: 'Parley opens only zip archives. Share the files in it as a zip, or one by one.',
  },
  {
    types: ['font/', 'application/vnd.ms-fontobject'],
    called: 'a font',
    extensions: ['ttf', 'otf', 'woff', 'woff2'],
    next: 'Fonts contain no text to read. Share a document or a picture instead.',
  },
  {
    types: ['application/x-sqlite3', 'application/vnd.apache.'],
    called: 'a database file',
    extensions: ['sqlite', 'db', 'parquet', 'arrow'],
    next: 'Parley cannot read databases. Export the rows you need as CSV and share that.',
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
  const shown = mediaType === unknownType ? undefined : mediaType
  throw new ParleyError('file_unsupported', fileWording.refusal.unknownType(name, shown))
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
