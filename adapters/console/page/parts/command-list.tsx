/** Matching commands, listed above the input. */
import { pageWording } from '../../../../src/wording/page.ts'
import type { CommandList as List } from '../lib/use-command-list.ts'

export const optionId = (at: number) => `command-${at}`

export function CommandList({ list }: { list: List }) {
  if (list.shown.length === 0) return null
  return (
    <div id="commands" className="commands" role="listbox" aria-label={pageWording.composer.commands}>
      {list.shown.map((command, at) => (
        <div
          key={command.name}
          id={optionId(at)}
          className="command"
          role="option"
          tabIndex={-1}
          aria-selected={at === list.marked}
          // The input keeps the focus.
          onMouseDown={(event) => {
            event.preventDefault()
            list.take(command)
          }}
        >
          <code>/{command.name}</code> <span>{command.summary}</span>
        </div>
      ))}
    </div>
  )
}
