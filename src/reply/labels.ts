/** Reads the labels of sources (core/source.ts) again from what a model makes of them. */
import type { Position } from '../core/artifact.ts'
import { innerNumber, sheetNumber } from '../core/source.ts'

/** A label as written; `from` and `to` are pages, slides, rows, lines or seconds. */
export interface Label {
  /** The source's number. */
  n: number
  kind: Position['kind']
  /** The file within the file. */
  inner?: number
  sheet?: number
  from: number
  to: number
}

// The file may be left out after a first label: `[1:p137, p138]`; then the file within it is the same, too.
const LABEL =
  /(?:(?:file\s*)?(\d{1,3})\s*[:：,\s]\s*)?(?:f(\d{1,6})[\s:.,]*)?(?:t(\d{1,4})\s*)?(pp?|pages?|s|slides?|r|rows?|l|lines?|m)\.?\s*(\d{1,7})(?:\s*[-–—]\s*(?:pp?|s|r|l|m)?\.?\s*(\d{1,7}))?(?!\w)/iy
const FILLER = /\s*(?:see|cf\.?|sources?|vgl\.?|siehe|quellen?)?[\s:]*/iy
const SEPARATOR = /\s*(?:[,;&]\s*)?(?:(?:and|und|et|y)\s)?\s*/iy

const kinds: Record<string, Label['kind']> = { p: 'page', s: 'slide', r: 'rows', l: 'lines', m: 'time' }

/** Something between labels that was meant as one, such as `1:00`: it has a digit, and no words. */
const UNREADABLE = /(?=[^,;&]*\d)(?:file\s*)?[\p{L}\d:：.#_–—-]+(?:\s*[:：]\s*[\p{L}\d.#_–—-]+)?(?=\s*(?:[,;&]|$))/iuy

/** One label; `undefined` for anything else. */
export function parseLabel(text: string): Label | undefined {
  const read = parseLabels(text)
  return read?.labels.length === 1 && read.unreadable === 0 ? read.labels[0] : undefined
}

/**
 * The labels of what stands between a marker's brackets; `undefined` when it holds anything else. `unreadable`: how many among
 * them name no place, which does not spoil the others.
 */
export function parseLabels(inner: string): { labels: Label[]; unreadable: number } | undefined {
  const text = inner.replace(/†.*$/, '').trimEnd()
  const labels: Label[] = []
  let unreadable = 0
  let at = skip(FILLER, text, 0)
  while (at < text.length) {
    LABEL.lastIndex = at
    const match = LABEL.exec(text)
    const before = match?.[1] === undefined ? labels.at(-1) : undefined
    const n = before?.n ?? Number(match?.[1] ?? Number.NaN)
    const kind = kinds[match?.[4]?.[0]?.toLowerCase() ?? '']
    if (match === null || Number.isNaN(n) || kind === undefined) {
      const end = skip(UNREADABLE, text, at)
      if (end === at) return undefined
      unreadable += 1
      at = skip(SEPARATOR, text, end)
      continue
    }
    const inner = match[2] === undefined ? before?.inner : Number(match[2])
    const from = Number(match[5])
    const to = match[6] === undefined ? from : Number(match[6])
    labels.push({
      n,
      kind,
      inner,
      sheet: match[3] === undefined ? undefined : Number(match[3]),
      from: Math.min(from, to),
      to: Math.max(from, to),
    })
    at = skip(SEPARATOR, text, LABEL.lastIndex)
  }
  return labels.length > 0 ? { labels, unreadable } : undefined
}

function skip(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : at
}

/** A range that runs over many places is cited by its first ones. */
const MAX_PLACES = 4

/** Those of a file's positions that a label names: the one it was made from, else those that it touches. */
export function placesOf(label: Label, positions: Position[]): Position[] {
  const fitting = positions.filter(
    (at) => at.kind === label.kind && isWithin(label, at, positions) && isOnSheet(label, at, positions),
  )
  if (label.inner !== undefined) return placesAmong(fitting, label)
  // Without a file within, the file itself is meant; where it has no such place, any that has.
  const own = placesAmong(
    fitting.filter((at) => at.inner === undefined),
    label,
  )
  return own.length > 0 ? own : placesAmong(fitting, label)
}

function placesAmong(ofKind: Position[], label: Label): Position[] {
  const same = ofKind.find((at) => {
    const { from, to } = extent(at)
    return from === label.from && (at.kind === 'time' ? label.to === label.from : to === label.to)
  })
  if (same !== undefined) return [same]
  const touched = ofKind.filter((at) => {
    const { from, to } = extent(at)
    return from <= label.to && to >= label.from
  })
  return (label.kind === 'time' && label.from === label.to ? touched.slice(-1) : touched).slice(0, MAX_PLACES)
}

/** By the number in the label, or by the place of the file within among the given ones. */
function isWithin(label: Label, at: Position, positions: Position[]): boolean {
  if (label.inner === undefined) return true
  if (at.inner === undefined) return false
  if (label.inner >= 100_000) return innerNumber(at.inner) === label.inner
  const files = new Set(positions.flatMap(({ inner }) => inner ?? []))
  return [...files][label.inner - 1] === at.inner
}

/** By the number in the label, or by the sheet's place among the given ones, as models count. */
function isOnSheet(label: Label, at: Position, positions: Position[]): boolean {
  if (label.sheet === undefined || at.kind !== 'rows') return true
  if (at.sheet === undefined) return false
  if (label.sheet >= 1000) return sheetNumber(at.sheet) === label.sheet
  const sheets = new Set(positions.flatMap((position) => (position.kind === 'rows' ? (position.sheet ?? []) : [])))
  return [...sheets][label.sheet - 1] === at.sheet
}

function extent(at: Position): { from: number; to: number } {
  switch (at.kind) {
    case 'page':
      return { from: at.page, to: at.page }
    case 'slide':
      return { from: at.slide, to: at.slide }
    case 'rows':
    case 'lines':
      return at
    case 'time': {
      const from = Math.floor(at.fromMs / 1000)
      return { from, to: Math.max(from, Math.ceil(at.toMs / 1000) - 1) }
    }
  }
}
