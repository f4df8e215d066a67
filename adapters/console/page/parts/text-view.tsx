/** The text around a cited place that has no page picture: lines, rows, slides, times. */
import { useEffect, useRef, useState } from 'react'
import type { Position } from '../../../../src/core/artifact.ts'
import type { Citation } from '../../../../src/core/reply.ts'
import { ServerFailure, server, type TextAround } from '../lib/server.ts'

type Shown = { kind: 'loading' } | { kind: 'text'; around: TextAround } | { kind: 'failed'; tell: string }

export function TextView({ citation }: { citation: Citation }) {
  const [shown, setShown] = useState<Shown>({ kind: 'loading' })
  const box = useRef<HTMLDivElement>(null)

  useEffect(() => {
    const gone = new AbortController()
    server.textAround(citation.contentHash, citation.at, contextOf(citation.at), gone.signal).then(
      (around) => setShown({ kind: 'text', around }),
      (cause: unknown) => {
        if (gone.signal.aborted) return
        setShown({ kind: 'failed', tell: cause instanceof ServerFailure ? cause.tell : 'The text cannot be shown.' })
      },
    )
    return () => gone.abort()
  }, [citation])

  useEffect(() => {
    if (shown.kind === 'text') box.current?.querySelector('.cited')?.scrollIntoView({ block: 'center' })
  }, [shown])

  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <div ref={box} className="panel-body" tabIndex={0}>
      {shown.kind === 'loading' ? <p className="panel-note">Loading…</p> : null}
      {shown.kind === 'failed' ? <p className="panel-note">{shown.tell}</p> : null}
      {shown.kind === 'text' && shown.around.lines.length === 0 ? (
        <p className="panel-note">There is no picture or text of this place to show here.</p>
      ) : null}
      {shown.kind === 'text' ? <Lines citation={citation} around={shown.around} /> : null}
    </div>
  )
}

function Lines({ citation, around }: { citation: Citation; around: TextAround }) {
  const { at, quote } = citation
  const numbered = (at.kind === 'lines' || at.kind === 'rows') && around.lines.length === around.to - around.from + 1
  return (
    <div className="text-lines">
      {around.lines.map((line, index) => {
        const number = around.from + index
        const cited = numbered ? number >= at.from && number <= at.to : bears(line, quote)
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines do not move
          <div key={index} className={cited ? 'text-line cited' : 'text-line'}>
            {numbered ? <span className="line-number">{number}</span> : null}
            {cited ? <mark>{line}</mark> : <span>{line}</span>}
          </div>
        )
      })}
    </div>
  )
}

/** What to ask for around the place, in its own unit. */
function contextOf(at: Position): { from: number; to: number } {
  switch (at.kind) {
    case 'lines':
    case 'rows':
      return { from: Math.max(1, at.from - 12), to: at.to + 12 }
    case 'time':
      return { from: Math.max(0, at.fromMs - 30_000), to: at.toMs + 30_000 }
    case 'slide':
      return { from: at.slide, to: at.slide }
    case 'page':
      return { from: at.page, to: at.page }
  }
}

function bears(line: string, quote: string | undefined): boolean {
  const words = line.trim()
  return quote !== undefined && words.length > 3 && (quote.includes(words) || words.includes(quote.trim()))
}
