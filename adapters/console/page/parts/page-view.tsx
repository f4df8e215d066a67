/** A picture of a PDF page with the cited passage highlighted. */

import { useEffect, useRef, useState } from 'react'
import { isPicture } from '../../../../src/core/artifact.ts'
import type { Citation } from '../../../../src/core/reply.ts'
import { pageWording } from '../../../../src/wording/page.ts'
import { type PageMarks, pageUrl, server } from '../lib/server.ts'
import { Icon } from './icon.tsx'

/** CSS pixels per point at 100 %. */
const FULL_SIZE = 96 / 72
/** Widths are rounded up so that a resized panel asks for the same picture again. */
const WIDTH_STEP = 200
/** Padding of the box around the page, in CSS pixels. */
const PADDING = 12
const WIDEST = 2_000

export interface PageViewProps {
  citation: Citation
  cited: number
  pages: number | null
  /** The cited page cannot be shown as a picture. */
  onUnpictured(): void
}

export function PageView({ citation, cited, pages, onUnpictured }: PageViewProps) {
  const [page, setPage] = useState(cited)
  const [zoom, setZoom] = useState<'fit' | 'full'>('fit')
  const [loaded, setLoaded] = useState(false)
  const [failed, setFailed] = useState(false)
  const [width, setWidth] = useState<number | null>(null)
  const box = useRef<HTMLDivElement>(null)
  const marks = useMarks(citation, cited)
  const onCited = page === cited

  useEffect(() => {
    const element = box.current
    if (element === null) return
    const observer = new ResizeObserver(() => setWidth(element.clientWidth - 2 * PADDING))
    observer.observe(element)
    return () => observer.disconnect()
  }, [])

  // biome-ignore lint/correctness/useExhaustiveDependencies: marks may come after the picture
  useEffect(() => {
    const element = box.current
    if (element === null || !loaded) return
    const mark = onCited ? element.querySelector<HTMLElement>('.page-mark') : null
    if (mark === null) element.scrollTop = 0
    else {
      const above = mark.getBoundingClientRect().top - element.getBoundingClientRect().top
      element.scrollTop += above - element.clientHeight / 3
    }
  }, [loaded, onCited, marks])

  function turn(to: number): void {
    setPage(to)
    setLoaded(false)
    setFailed(false)
  }

  const cssWidth = zoom === 'full' ? Math.round((marks?.width ?? 612) * FULL_SIZE) : width
  const asked = Math.ceil(((cssWidth ?? 0) * Math.min(2, devicePixelRatio)) / WIDTH_STEP) * WIDTH_STEP
  const shown = onCited && loaded ? (marks?.marks ?? []) : []
  const last = pages !== null && page >= pages
  const picture = isPicture(citation.source.title) && (pages ?? 1) === 1

  return (
    <>
      <div
        className="panel-tools"
        role="toolbar"
        aria-label={picture ? pageWording.page.zoom : pageWording.page.toolbar}
      >
        {picture ? null : (
          <>
            <button
              type="button"
              className="icon-button"
              aria-label={pageWording.page.previous}
              disabled={page <= 1}
              onClick={() => turn(page - 1)}
            >
              <Icon name="left" />
            </button>
            <span className="page-number" role="status">
              {pageWording.page.number(page, pages)}
            </span>
            <button
              type="button"
              className="icon-button"
              aria-label={pageWording.page.next}
              disabled={last || (pages === null && failed)}
              onClick={() => turn(page + 1)}
            >
              <Icon name="right" />
            </button>
          </>
        )}
        {onCited ? null : (
          <button type="button" className="link-button" onClick={() => turn(cited)}>
            {pageWording.page.backTo(cited)}
          </button>
        )}
        <span className="spacer" />
        <button type="button" className="button small" aria-pressed={zoom === 'fit'} onClick={() => setZoom('fit')}>
          {pageWording.page.fit}
        </button>
        <button type="button" className="button small" aria-pressed={zoom === 'full'} onClick={() => setZoom('full')}>
          {pageWording.page.fullSize}
        </button>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <div ref={box} className="panel-body page-box" tabIndex={0}>
        {failed ? <p className="panel-note">{pageWording.source.noPicture}</p> : null}
        {cssWidth === null || failed ? null : (
          <div
            className={loaded ? 'page' : 'page loading'}
            style={{ width: cssWidth, aspectRatio: marks === null ? '612 / 792' : `${marks.width} / ${marks.height}` }}
          >
            <img
              key={page}
              src={pageUrl(citation.source.contentHash ?? '', page, Math.min(WIDEST, asked))}
              alt={picture ? citation.source.title : pageWording.page.pictureOf(page, citation.source.title)}
              onLoad={() => setLoaded(true)}
              onError={() => (onCited ? onUnpictured() : setFailed(true))}
            />
            <div className="page-marks">
              {shown.map((mark) => (
                <span
                  key={`${mark.x} ${mark.y}`}
                  className="page-mark"
                  style={{
                    left: `${mark.x * 100}%`,
                    top: `${mark.y * 100}%`,
                    width: `${mark.width * 100}%`,
                    height: `${mark.height * 100}%`,
                  }}
                />
              ))}
            </div>
          </div>
        )}
      </div>
    </>
  )
}

/** The page's size is needed even where there is no quote to highlight. */
function useMarks(citation: Citation, page: number): PageMarks | null {
  const [marks, setMarks] = useState<PageMarks | null>(null)
  const { quote = '' } = citation
  const { contentHash = '' } = citation.source
  useEffect(() => {
    const gone = new AbortController()
    server.marks(contentHash, page, quote, gone.signal).then(setMarks, () => undefined)
    return () => gone.abort()
  }, [contentHash, page, quote])
  return marks
}
