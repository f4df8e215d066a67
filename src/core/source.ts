/**
 * What an answer may rest on, whatever brought it: a file, a web page, a tool's result, something remembered. Each source of a
 * turn has one number, the same for every model that is asked, and is cited as `number:place`.
 */
import { z } from 'zod'
import { memoryWording, snippetWording } from '../wording/search.ts'
import { describePosition, type Position } from './artifact.ts'
import { plainName } from './text/plain-name.ts'

export type SourceKind = z.infer<typeof SourceKind>
export const SourceKind = z.enum(['file', 'page', 'tool', 'memory'])

export type Source = z.infer<typeof Source>
export const Source = z.object({
  /** The number by which models cite it, from 1. */
  n: z.number().int().positive(),
  kind: SourceKind,
  /** A file's name as its sender gave it, a page's title: untrusted text. */
  title: z.string(),
  /** Where its text is stored, for sources that are stored by their content. */
  contentHash: z.string().optional(),
  /** Where people open it, for sources that have an address of their own. */
  url: z.string().optional(),
  /** Of a page, as it says of itself: the site's name, and the date as YYYY-MM-DD. Untrusted text. */
  site: z.string().optional(),
  published: z.string().optional(),
  /** Of a page that could not be read: its text is what a search engine shows of it. */
  snippet: z.boolean().optional(),
  /** Of what was shared earlier: by whom (a name), when (ISO 8601), where (a name), and whether a newer version was shared there. */
  shared: z
    .object({ by: z.string().optional(), at: z.string(), place: z.string().optional(), older: z.boolean().optional() })
    .optional(),
  /** Which one it is among its kind: an attachment's id, a page's address, a tool call's id. */
  ref: z.string(),
})

/** A source before it has its number. */
export type NewSource = Omit<Source, 'n'>

/** How a place in a source is named to a model, and cited by it: `1:p137` is page 137 of the first source. */
export type SourceLabel = string

/** The label registry of one turn. */
export interface SourceRegistry {
  /**
   * The source with its number. Numbers are given in the order of the calls, which may come from steps that run in parallel.
   * The same content, or the same source by another way, keeps the number that it has.
   */
  add(source: NewSource): Source
  /** In the order of their numbers. */
  all(): Source[]
}

/** `known`: what an earlier run of the turn has numbered; it keeps its numbers. */
export function createSourceRegistry(known: readonly Source[] = []): SourceRegistry {
  const sources = [...known]
  const byKey = new Map(known.flatMap((source) => keysOf(source).map((key) => [key, source] as const)))
  let last = Math.max(0, ...known.map(({ n }) => n))
  return {
    add(given) {
      const keys = keysOf(given)
      const found = keys.map((key) => byKey.get(key)).find((source) => source !== undefined)
      if (found === undefined) last += 1
      const source: Source = found ?? { n: last, ...given }
      if (found === undefined) sources.push(source)
      for (const key of keys) if (!byKey.has(key)) byKey.set(key, source)
      return source
    },
    all: () => sources.toSorted((a, b) => a.n - b.n),
  }
}

function keysOf({ kind, ref, contentHash }: NewSource): string[] {
  return [`${kind} ${ref}`, ...(contentHash === undefined ? [] : [`content ${contentHash}`])]
}

interface Described {
  source: Pick<Source, 'kind' | 'title' | 'site' | 'published' | 'snippet' | 'shared'>
  at: Position
}

/** The longest name of a person, place or site within a line. */
const longestName = 40

/** What people read beside the title: where the cited place is ("p. 3", "lines 10–24"), and what the source is (`aboutSource`). */
export function describeCited({ source, at }: Described): string {
  const about = aboutSource(source)
  // The lines of a web page are Parley's own: nobody sees them there.
  const counted = source.kind === 'page' && at.kind === 'lines' && at.inner === undefined && about !== undefined
  return [...(counted ? [] : [describePosition(at, source.title)]), ...(about === undefined ? [] : [about])].join(', ')
}

/** Of a page of the web its site and date; of what was shared earlier by whom, where and when. Absent for other sources. */
export function aboutSource({ kind, site, published, snippet, shared }: Described['source']): string | undefined {
  if (shared !== undefined) {
    const [by, place] = [shared.by, shared.place].map((name) => name && plainName(name, longestName))
    return memoryWording.shared({ ...shared, by: by || undefined, place: place || undefined })
  }
  if (kind !== 'page') return undefined
  const known = [site, published].flatMap((part) => (part ? [plainName(part, longestName)] : []))
  const parts = snippet === true ? [...known, snippetWording.cited] : known
  return parts.length === 0 ? undefined : parts.join(', ')
}

/** What of a citation its address depends on. */
export interface CitedPlace {
  source: Pick<Source, 'url'>
  at: Position
}

/** The web address that opens the cited place; `undefined` for a source without one, which a platform opens in its own way. */
export function addressOf({ source, at }: CitedPlace): string | undefined {
  if (source.url === undefined || !/^https?:\/\//i.test(source.url)) return undefined
  // Viewers of PDFs know `#page=`; any other fragment of the address is part of it and stays.
  const opensAtPage = at.kind === 'page' && at.page > 1 && /\.pdf(?:\?[^#]*)?$/i.test(source.url)
  return opensAtPage ? `${source.url}#page=${at.page}` : source.url
}

/**
 * `1:p137`, `2:s3`, `1:r2-9`, `1:t4821r2-9`, `1:l10-24`, `3:m65`: pages, slides, rows, rows of a sheet, lines, seconds. In a
 * file within a mail or an archive, its number stands before the place: `1:f482103p2`.
 */
export function sourceLabel(n: number, at: Position): SourceLabel {
  return `${n}:${at.inner === undefined ? '' : `f${innerNumber(at.inner)}`}${placeLabel(at)}`
}

function placeLabel(at: Position): string {
  switch (at.kind) {
    case 'page':
      return `p${at.page}`
    case 'slide':
      return `s${at.slide}`
    case 'rows':
      return `${at.sheet === undefined ? '' : `t${sheetNumber(at.sheet)}`}r${range(at)}`
    case 'lines':
      return `l${range(at)}`
    case 'time':
      return `m${Math.floor(at.fromMs / 1000)}`
  }
}

function range({ from, to }: { from: number; to: number }): string {
  return from === to ? `${from}` : `${from}-${to}`
}

/**
 * Four digits of a sheet's name, because names hold anything and a label must be easy to repeat. Two sheets of one file
 * share a number once in thousands of files; then the rows tell them apart, or the first one is meant.
 */
export const sheetNumber = (name: string) => 1_000 + (hashOf(name) % 9_000)

/** Six digits of a path, as there may be many files in an archive. */
export const innerNumber = (path: string) => 100_000 + (hashOf(path) % 900_000)

/** FNV-1a. */
function hashOf(name: string): number {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return hash
}
