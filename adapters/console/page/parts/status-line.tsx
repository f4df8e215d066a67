/** What happens right now, with a thin bar when the sentence counts "N of M". It goes when the turn is done. */
import { progressOf } from '../lib/format.ts'
import { Mark } from './icon.tsx'

export function StatusLine({ text }: { text: string }) {
  const progress = progressOf(text)
  return (
    <div className="status-line">
      <Mark working />
      <span className="status-text">{text}</span>
      {progress === null ? null : (
        <progress aria-label={text} max={progress.max} value={progress.value}>
          {text}
        </progress>
      )}
    </div>
  )
}
