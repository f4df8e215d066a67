/**
 * THE table of formats: what bytes can be, which engine reads them and under which limits. A format becomes readable by
 * giving it a reader here; one without a reader is refused by name.
 */
import { ParleyError } from '../core/errors.ts'
import type { Family } from './limits.ts'

export interface FormatReader {
  /** Name and version. Raise the version when the same bytes would give another artifact: cached ones are then left. */
  engine: string
  /** The module that exports `provider`, loaded only in a reading process. */
  module: URL
  family: Family
  /** It decodes with machine code, which only a native reading process loads (reader-process.ts). */
  native?: boolean
}

export interface Format {
  /** As a person would say it, with its article. */
  called: string
  /** Names that announce it, lower case, without the dot. */
  extensions: readonly string[]
  reader?: FormatReader
}

const provider = (file: string) => new URL(`./providers/${file}`, import.meta.url)
const pdf: FormatReader = { engine: 'pdf-2', module: provider('pdf.ts'), family: 'pdf' }
const text: FormatReader = { engine: 'text-1', module: provider('text.ts'), family: 'text' }
const csv: FormatReader = { engine: 'csv-1', module: provider('csv.ts'), family: 'csv' }
const html: FormatReader = { engine: 'html-1', module: provider('html.ts'), family: 'html' }
const image: FormatReader = { engine: 'image-1', module: provider('image.ts'), family: 'image', native: true }

const sourceCode =
  'js mjs cjs ts mts cts jsx tsx py rb go rs java kt kts scala c h cc cpp hpp cs swift m php pl lua r jl sh bash zsh fish ps1 ' +
  'bat sql css scss less vue svelte graphql proto tf hcl gradle groovy dart ex exs erl hs clj lisp vim dockerfile makefile'

export const formats = {
  'application/pdf': { called: 'a PDF', extensions: ['pdf'], reader: pdf },
  'text/plain': {
    called: 'plain text',
    extensions: ['txt', 'text', 'log', 'srt', 'vtt', 'ics', 'vcf', 'diff', 'patch'],
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
  'application/x-tex': { called: 'TeX', extensions: ['tex', 'bib', 'sty'], reader: text },
  'text/csv': { called: 'comma-separated values', extensions: ['csv'], reader: csv },
  'text/tab-separated-values': { called: 'tab-separated values', extensions: ['tsv', 'tab'], reader: csv },
  'text/html': { called: 'an HTML page', extensions: ['html', 'htm', 'xhtml'], reader: html },
} as const satisfies Record<string, Format>

export type Formats = Readonly<Record<string, Format>>

/** What Parley has no reader for, by the start of the media type; the first match counts. */
const refused: readonly { types: readonly string[]; called: string; extensions: readonly string[]; next: string }[] = [
  {
    types: ['image/'],
    called: 'a picture',
    extensions: ['bmp', 'ico', 'psd', 'jxl', 'cr2', 'nef', 'dng'],
    next: 'Pictures of this kind cannot be read: save it as PNG or JPEG and share that.',
  },
  {
    types: ['audio/'],
    called: 'a sound recording',
    extensions: ['mp3', 'm4a', 'wav', 'ogg', 'opus', 'flac', 'aac'],
    next: 'Parley hears no recordings of this kind: convert it to mp3 and share that.',
  },
  {
    types: ['video/'],
    called: 'a video',
    extensions: ['mp4', 'mov', 'webm', 'mkv', 'avi'],
    next: 'Parley looks at no videos of this kind: convert it to mp4 and share that.',
  },
  {
    types: [
      'application/vnd.openxmlformats-officedocument',
      'application/vnd.oasis.opendocument',
      'application/vnd.ms-',
      'application/x-cfb',
      'application/rtf',
    ],
    called: 'an office document',
    extensions: ['docx', 'xlsx', 'pptx', 'doc', 'xls', 'ppt', 'odt', 'ods', 'odp', 'rtf', 'docm', 'xlsm', 'pptm'],
    next: 'Office documents cannot be read yet: export it as a PDF, or a table as CSV, and share that.',
  },
  {
    types: ['application/epub+zip'],
    called: 'an e-book',
    extensions: ['epub'],
    next: 'E-books cannot be read yet: export it as a PDF and share that.',
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
    next: 'Programs are never opened: share its documentation or its source instead.',
  },
  {
    types: [
      'application/zip',
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
    extensions: ['zip', 'gz', 'tgz', 'tar', '7z', 'rar', 'bz2', 'xz', 'zst', 'jar'],
    next: 'Archives are not unpacked: share the files in it one by one.',
  },
  {
    types: ['font/', 'application/vnd.ms-fontobject'],
    called: 'a font',
    extensions: ['ttf', 'otf', 'woff', 'woff2'],
    next: 'There is no text to read in it.',
  },
  {
    types: ['application/x-sqlite3', 'application/vnd.apache.'],
    called: 'a database file',
    extensions: ['sqlite', 'db', 'parquet', 'arrow'],
    next: 'Databases cannot be read: export the rows that matter as CSV and share that.',
  },
]

/** How people call a media type: "a PDF", "a picture", or the media type itself. */
export function called(mediaType: string, table: Formats = formats): string {
  return table[mediaType]?.called ?? refusalOf(mediaType)?.called ?? `a file of the type ${mediaType}`
}

/** The media type, or for refused kinds the way people call it, that a name's extension announces. */
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
    throw new ParleyError('file_unsupported', `${name} is ${refusal.called} (${mediaType}). ${refusal.next}`)
  }
  throw new ParleyError(
    'file_unsupported',
    `${name} is not a kind of file that Parley can read${mediaType === unknownType ? '' : ` (${mediaType})`}. Share it as a PDF or as text.`,
  )
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
