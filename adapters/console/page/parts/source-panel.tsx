/** The cited passage, beside the thread or as a sheet on a phone. Esc closes it and restores the focus. */

import { useEffect, useId, useRef, useState } from 'react'
import type { Citation } from '../../../../src/core/reply.ts'
import { addressOf, describeCited } from '../../../../src/core/source.ts'
import { pageWording } from '../../../../src/wording/page.ts'
import { Icon } from './icon.tsx'
import { PageView } from './page-view.tsx'
import { TextView } from './text-view.tsx'

export interface SourcePanelProps {
  citation: Citation
  /** Number of pages, if the receipt has it. */
  pages: number | null
  modal: boolean
  onClose(): void
}

export function SourcePanel({ citation, pages, modal, onClose }: SourcePanelProps) {
  const heading = useId()
  const address = addressOf(citation)
  const panel = useRef<HTMLElement>(null)
  /** The citation whose page has no picture; its text is shown instead. */
  const [unpictured, setUnpictured] = useState<Citation | null>(null)

  useEffect(() => {
    panel.current?.querySelector<HTMLElement>('.panel-close')?.focus()
  }, [])

  return (
    <>
      {modal ? <div className="scrim" onClick={onClose} aria-hidden="true" /> : null}
      <section ref={panel} className="panel" role="dialog" aria-modal={modal} aria-labelledby={heading}>
        <header className="panel-head">
          <span className="source-n">{citation.n}</span>
          <div className="panel-title">
            <h2 id={heading} dir="auto">
              {citation.source.title}
            </h2>
            <p>
              {describeCited(citation)}
              {address === undefined ? null : (
                <>
                  {' · '}
                  <a href={address} target="_blank" rel="noopener noreferrer nofollow">
                    {citation.source.kind === 'page' ? pageWording.source.open : pageWording.source.openFile}
                  </a>
                </>
              )}
            </p>
          </div>
          <button
            type="button"
            className="icon-button panel-close"
            aria-label={pageWording.source.close}
            title={pageWording.source.closeTitle}
            onClick={onClose}
          >
            <Icon name="close" />
          </button>
        </header>
        {citation.quote === undefined ? null : (
          <blockquote className="panel-quote" dir="auto">
            {citation.quote}
          </blockquote>
        )}
        {citation.at.kind === 'page' && citation.at.inner === undefined && unpictured !== citation ? (
          <PageView
            key={citation.n}
            citation={citation}
            cited={citation.at.page}
            pages={pages}
            onUnpictured={() => setUnpictured(citation)}
          />
        ) : (
          <TextView key={citation.n} citation={citation} />
        )}
      </section>
    </>
  )
}
