/** Why a reply is as it is, as the server words it, below the button that asked. */
import { ReplyMarkdown } from './markdown.tsx'
import { ReplyContext } from './reply-context.ts'

/** A `[1]` in it is no source of the reply. */
const uncited = { citations: [], streaming: false, levels: [], openSource: () => undefined }

/** `text`: `null` while it is being asked for. */
export function WhyPanel({ id, text }: { id: string; text: string | null }) {
  return (
    <section id={id} className="why-panel" aria-label="Why this reply" aria-busy={text === null}>
      {text === null ? (
        <p className="faint">Looking…</p>
      ) : (
        <ReplyContext value={uncited}>
          <ReplyMarkdown text={text} open={false} />
        </ReplyContext>
      )}
    </section>
  )
}
