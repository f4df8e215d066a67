import { describePosition } from '../../../../src/core/artifact.ts'
import type { Citation } from '../../../../src/core/reply.ts'
import { pageWording } from '../../../../src/wording/page.ts'

/** The sources below an answer; each opens its cited passage. */
export function Sources({ citations, onOpen }: { citations: Citation[]; onOpen(citation: Citation): void }) {
  return (
    <section className="sources">
      <h3>{pageWording.source.heading}</h3>
      <ol>
        {citations.map((citation) => (
          <li key={citation.n}>
            <button type="button" className="source" onClick={() => onOpen(citation)} title={citation.source.title}>
              <span className="source-n">{citation.n}</span>
              <span className="source-title">{citation.source.title}</span>
              <span className="source-at">{describePosition(citation.at)}</span>
            </button>
          </li>
        ))}
      </ol>
    </section>
  )
}
