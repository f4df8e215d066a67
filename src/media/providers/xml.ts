/**
 * Parses untrusted XML as a stream of tags and text. Entities defined by a document are never expanded, nothing is
 * fetched, and neither depth nor one tag's length can grow without bound. Names carry the usual prefixes of office formats,
 * whatever prefixes the file uses.
 */
import { Parser } from 'htmlparser2'

export interface XmlHandler {
  open?(name: string, attributes: Record<string, string>): void
  text?(text: string): void
  close?(name: string): void
}

const deepest = 1_000
const longestToken = 8 * 1024 * 1024

/** The prefix for each namespace ending; Word's strict and older variants end the same way. */
const usual: readonly (readonly [RegExp, string])[] = [
  [/\/wordprocessingml\/(?:2006\/)?main$/, 'w'],
  [/\/drawingml\/(?:2006\/)?main$/, 'a'],
  [/\/drawingml\/(?:2006\/)?chart$/, 'c'],
  [/\/drawing\/2014\/chartex$/, 'cx'],
  [/\/drawingml\/(?:2006\/)?diagram$/, 'dgm'],
  [/\/drawingml\/(?:2006\/)?wordprocessingDrawing$/, 'wp'],
  [/\/drawingml\/(?:2006\/)?spreadsheetDrawing$/, 'xdr'],
  [/\/officeDocument\/(?:2006\/)?math$/, 'm'],
  [/\/1998\/Math\/MathML$/, 'math'],
  [/\/presentationml\/(?:2006\/)?main$/, 'p'],
  [/\/spreadsheetml\/(?:2006\/)?main$/, ''],
  [/\/officeDocument\/(?:2006\/)?relationships$/, 'r'],
  [/\/markup-compatibility\/2006$/, 'mc'],
  [/:opendocument:xmlns:office:1\.0$/, 'office'],
  [/:opendocument:xmlns:text:1\.0$/, 'text'],
  [/:opendocument:xmlns:table:1\.0$/, 'table'],
  [/:opendocument:xmlns:drawing:1\.0$/, 'draw'],
  [/:opendocument:xmlns:presentation:1\.0$/, 'presentation'],
]

/** Resolves when everything was read, or when `between` returns `enough`. Throws on too deep nesting or an endless tag. */
export async function readXml(
  content: AsyncIterable<Uint8Array>,
  handler: XmlHandler,
  between?: () => Promise<'more' | 'enough'>,
): Promise<void> {
  let renamed: ReadonlyMap<string, string> = new Map()
  /** What held before an element that declares prefixes of its own. */
  const outer: { depth: number; renamed: ReadonlyMap<string, string> }[] = []
  let depth = 0
  const parser = new Parser(
    {
      onopentag(name, attributes) {
        depth += 1
        if (depth > deepest) throw new Error('the XML is nested too deeply')
        const own = learn(attributes, renamed)
        if (own !== renamed) outer.push({ depth, renamed })
        renamed = own
        if (renamed.size === 0) return handler.open?.(name, attributes)
        const named = Object.entries(attributes).map(([key, value]) => [rename(key, renamed, false), value])
        handler.open?.(rename(name, renamed, true), Object.fromEntries(named))
      },
      ontext: (text) => handler.text?.(text),
      onclosetag(name) {
        handler.close?.(renamed.size === 0 ? name : rename(name, renamed, true))
        if (outer.at(-1)?.depth === depth) renamed = outer.pop()?.renamed ?? renamed
        depth -= 1
      },
    },
    { xmlMode: true, decodeEntities: true },
  )
  let decoder: TextDecoder | undefined
  let written = 0
  for await (const chunk of content) {
    decoder ??= new TextDecoder(encodingOf(chunk))
    const text = decoder.decode(chunk, { stream: true })
    written += text.length
    parser.write(text)
    if (written - parser.endIndex > longestToken) throw new Error('a tag of the XML has no end')
    if (between !== undefined && (await between()) === 'enough') return
  }
  parser.end()
  await between?.()
}

function learn(attributes: Record<string, string>, renamed: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  let own: Map<string, string> | undefined
  for (const key in attributes) {
    if (!key.startsWith('xmlns')) continue
    const prefix = key.slice(6)
    const known = usual.find(([pattern]) => pattern.test(attributes[key] ?? ''))?.[1] ?? prefix
    if ((renamed.get(prefix) ?? prefix) === known) continue
    own ??= new Map(renamed)
    if (known === prefix) own.delete(prefix)
    else own.set(prefix, known)
  }
  return own ?? renamed
}

/** An attribute without a prefix has no namespace. */
function rename(name: string, renamed: ReadonlyMap<string, string>, element: boolean): string {
  const colon = name.indexOf(':')
  if (colon < 0 && !element) return name
  const prefix = renamed.get(colon < 0 ? '' : name.slice(0, colon))
  if (prefix === undefined) return name
  const local = name.slice(colon + 1)
  return prefix === '' ? local : `${prefix}:${local}`
}

function encodingOf(start: Uint8Array): string {
  if (start[0] === 0xff && start[1] === 0xfe) return 'utf-16le'
  if (start[0] === 0xfe && start[1] === 0xff) return 'utf-16be'
  if (start[0] === 0x3c && start[1] === 0) return 'utf-16le'
  if (start[0] === 0 && start[1] === 0x3c) return 'utf-16be'
  return 'utf-8'
}
