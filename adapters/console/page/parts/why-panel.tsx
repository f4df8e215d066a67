/** Why this model answered and what it cost, as text from the server. */
import { pageWording } from '../../../../src/wording/page.ts'
import { ReplyMarkdown } from './markdown.tsx'
import { ReplyContext } from './reply-context.ts'

/** A `[1]` in this text is not a citation. */
const uncited = { citations: [], streaming: false, levels: [], openSource: () => undefined }

/** `text`: `null` while it loads. */
export function WhyPanel({ id, text }: { id: string; text: string | null }) {
  return (
    <section id={id} className="why-panel" aria-label={pageWording.answer.whyPanel} aria-busy={text === null}>
      {text === null ? (
        <p className="faint">{pageWording.answer.whyLoading}</p>
      ) : (
        <ReplyContext value={uncited}>
          <ReplyMarkdown text={text} open={false} />
        </ReplyContext>
      )}
    </section>
  )
}
