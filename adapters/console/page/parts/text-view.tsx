/** The text around a citation that has no page picture: lines, rows, slides, times, pages inside an archive. */

import { useEffect, useRef, useState } from 'react'
import { clock, describePosition, type Position } from '../../../../src/core/artifact.ts'
import type { Citation } from '../../../../src/core/reply.ts'
import { pageWording } from '../../../../src/wording/page.ts'
import { pictureUrl, ServerFailure, server, type TextAround } from '../lib/server.ts'
import { cellsOf, tablesIn } from '../lib/tables.ts'
import { Player } from './player.tsx'

/** Width of the picture, in pixels. */
const PICTURE_WIDTH = 1_000

type Shown = { kind: 'loading' } | { kind: 'text'; around: TextAround } | { kind: 'failed'; userMessage: string }

export function TextView({ citation }: { citation: Citation }) {
  const [shown, setShown] = useState<Shown>({ kind: 'loading' })
  const box = useRef<HTMLDivElement>(null)
  const { contentHash = '' } = citation.source
  const [unplayable, setUnplayable] = useState(false)
  const play = shown.kind === 'text' && !unplayable ? shown.around.play : undefined

  useEffect(() => {
    const gone = new AbortController()
    server.textAround(contentHash, citation.at, contextOf(citation.at), gone.signal).then(
      (around) => setShown({ kind: 'text', around }),
      (cause: unknown) => {
        if (gone.signal.aborted) return
        setShown({
          kind: 'failed',
          userMessage: cause instanceof ServerFailure ? cause.userMessage : pageWording.source.textFailed,
        })
      },
    )
    return () => gone.abort()
  }, [citation, contentHash])

  useEffect(() => {
    if (shown.kind === 'text') box.current?.querySelector('.cited')?.scrollIntoView({ block: 'center' })
  }, [shown])

  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <div ref={box} className="panel-body" tabIndex={0}>
      {shown.kind === 'loading' ? <p className="panel-note">{pageWording.source.loading}</p> : null}
      {shown.kind === 'failed' ? <p className="panel-note">{shown.userMessage}</p> : null}
      {shown.kind === 'text' && shown.around.lines.length === 0 && shown.around.picture !== true ? (
        <p className="panel-note">{pageWording.source.nothingToShow}</p>
      ) : null}
      {play === undefined ? null : (
        <Player
          kind={play}
          contentHash={contentHash}
          title={citation.source.title}
          fromMs={extentOf(citation.at).from}
          onUnplayable={() => setUnplayable(true)}
        />
      )}
      {unplayable ? <p className="panel-note">{pageWording.source.unplayable}</p> : null}
      {shown.kind === 'text' && shown.around.picture === true && play !== 'video' ? (
        <img
          className="text-picture"
          src={pictureUrl(contentHash, citation.at, extentOf(citation.at), PICTURE_WIDTH)}
          alt={pageWording.source.pictureOf(
            citation.source.title,
            describePosition(citation.at, citation.source.title),
          )}
        />
      ) : null}
      {shown.kind === 'text' ? <Lines citation={citation} around={shown.around} /> : null}
    </div>
  )
}

function Lines({ citation, around }: { citation: Citation; around: TextAround }) {
  const { at, quote } = citation
  const { lines, places } = around
  const inPlace = lines.map((_, index) => {
    const place = places?.[index]
    return place === undefined || touches(place, extentOf(at))
  })
  const ofPlace = lines.map((line, index) => (inPlace[index] ? line : ''))
  const quoted = quote === undefined ? new Set<number>() : linesOfQuote(ofPlace, quote)
  // The lines of a web page are paragraphs; nobody else counts them.
  const isProse = citation.source.kind === 'page' && at.kind === 'lines' && at.inner === undefined
  const numbered = !isProse && at.kind === 'lines' && lines.length === around.to - around.from + 1
  const labelled = places !== undefined && (at.kind === 'time' || at.kind === 'slide')
  const isCited = (index: number): boolean => {
    const number = around.numbers?.[index] ?? around.from + index
    const isWhole = numbered || at.kind === 'rows' || (isProse && quoted.size === 0)
    if (isWhole && (at.kind === 'lines' || at.kind === 'rows')) return number >= at.from && number <= at.to
    const whole = labelled && (at.kind === 'time' || quoted.size === 0)
    return whole ? inPlace[index] === true : quoted.has(index)
  }
  if (at.kind === 'rows') {
    const rows = lines.map((line, index) => ({
      label: String(around.numbers?.[index] ?? around.from + index),
      cells: line.split(' | '),
      cited: isCited(index),
    }))
    return <CitedTable columns={around.columns} rows={rows} />
  }
  const tables = tablesIn(lines)
  return (
    <div className={numbered ? 'text-lines code' : 'text-lines'}>
      {lines.map((line, index) => {
        const table = tables.find((each) => index >= each.from && index <= each.to)
        if (table !== undefined) {
          if (index !== table.from) return null
          const rows = lines.slice(table.from + 2, table.to + 1).map((row, place) => ({
            label: null,
            cells: cellsOf(row),
            cited: isCited(table.from + 2 + place),
          }))
          // biome-ignore lint/suspicious/noArrayIndexKey: lines do not move
          return <CitedTable key={index} columns={cellsOf(line)} rows={rows} />
        }
        const cited = isCited(index)
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines do not move
          <div key={index} className={cited ? 'text-line cited' : 'text-line'}>
            {numbered ? <span className="line-number">{around.from + index}</span> : null}
            {labelled ? <span className="line-number">{labelOf(at, places[index], places[index - 1])}</span> : null}
            {cited ? <mark dir="auto">{line}</mark> : <span dir="auto">{line}</span>}
          </div>
        )
      })}
    </div>
  )
}

interface CitedRow {
  /** The row's number, if it has one. */
  label: string | null
  cells: string[]
  cited: boolean
}

/** Rows of a sheet, or a table of a slide, with its cited rows marked. */
function CitedTable({ columns, rows }: { columns: string[] | undefined; rows: CitedRow[] }) {
  const labelled = rows.some(({ label }) => label !== null)
  return (
    <div className="cited-table">
      <table>
        {columns === undefined ? null : (
          <thead>
            <tr>
              {labelled ? <td /> : null}
              {columns.map((name, at) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: columns do not move
                <th key={at} scope="col" dir="auto">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
        )}
        <tbody>
          {rows.map(({ label, cells, cited }, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows do not move
            <tr key={at} className={cited ? 'cited' : undefined}>
              {labelled ? <th scope="row">{label}</th> : null}
              {cells.map((cell, column) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: cells do not move
                <td key={column} dir="auto">
                  {cited ? <mark>{cell}</mark> : cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** Only the first line of a place has a label. */
function labelOf(at: Position, place: Extent | undefined, before: Extent | undefined): string {
  if (place === undefined || place.from === before?.from) return ''
  return at.kind === 'time' ? clock(place.from) : String(place.from)
}

interface Extent {
  from: number
  to: number
}

function extentOf(at: Position): Extent {
  switch (at.kind) {
    case 'lines':
    case 'rows':
      return at
    case 'time':
      return { from: at.fromMs, to: at.toMs }
    case 'slide':
      return { from: at.slide, to: at.slide }
    case 'page':
      return { from: at.page, to: at.page }
  }
}

/** How much to load around the place, in its own unit. */
function contextOf(at: Position): Extent {
  const { from, to } = extentOf(at)
  const around = { lines: 12, rows: 12, time: 30_000, slide: 1, page: 0 }[at.kind]
  return { from: Math.max(at.kind === 'time' ? 0 : 1, from - around), to: to + around }
}

/** Segments of a recording end where the next one begins. */
function touches(place: Extent, cited: Extent): boolean {
  return place.from === cited.from || (place.from < cited.to && place.to > cited.from)
}

/** The lines that a quote covers, whatever its own line breaks. */
function linesOfQuote(lines: string[], quote: string): Set<number> {
  const bare = (text: string) => text.replace(/\s+/g, '')
  const wanted = bare(quote)
  const start = wanted === '' ? -1 : bare(lines.join('')).indexOf(wanted)
  const found = new Set<number>()
  let at = 0
  for (const [index, line] of lines.entries()) {
    const end = at + bare(line).length
    const runsOver = start >= 0 && at < start + wanted.length && end > start
    if (runsOver || (start < 0 && bears(line, quote))) found.add(index)
    at = end
  }
  return found
}

function bears(line: string, quote: string): boolean {
  const words = line.trim()
  return words.length > 3 && (quote.includes(words) || words.includes(quote.trim()))
}
