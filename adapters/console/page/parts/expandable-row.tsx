/** A row of a list that opens below itself to be edited. */
import type { ReactNode } from 'react'

interface ExpandableRowProps {
  name: string
  /** What is said of it while it is closed. */
  about: ReactNode
  words: { edit: string; close: string; toggle(what: string, name: string): string }
  open: boolean
  onToggle(): void
  children: ReactNode
}

export function ExpandableRow({ name, about, words, open, onToggle, children }: ExpandableRowProps) {
  const what = open ? words.close : words.edit
  return (
    <li className="row team">
      <div className="row-text">
        <strong dir="auto">{name}</strong>
        <span className="muted">{about}</span>
      </div>
      <button
        type="button"
        className="button small"
        aria-label={words.toggle(what, name)}
        aria-expanded={open}
        onClick={onToggle}
      >
        {what}
      </button>
      {open ? <div className="row-below">{children}</div> : null}
    </li>
  )
}
