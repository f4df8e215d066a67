/** The commands that match the text after a slash: which are shown, which one is selected, and their list above the input. */
import { type KeyboardEvent, useEffect, useState } from 'react'
import type { CommandSpec } from '../../../../src/core/command.ts'
import { pageWording } from '../../../../src/wording/page.ts'
import { server } from '../lib/server.ts'

const most = 8
let loading: Promise<CommandSpec[]> | undefined

/** Loaded once per page; a failed request is repeated. */
function commands(): Promise<CommandSpec[]> {
  loading ??= server.commands().catch(() => {
    loading = undefined
    return []
  })
  return loading
}

/** The commands whose names begin with the text after the slash. */
function fitting(text: string, all: readonly CommandSpec[]): CommandSpec[] {
  const match = /^\/(?:parley +)?([\p{L}-]*(?: [\p{L}-]*)?)$/u.exec(text)
  if (match === null) return []
  const typed = (match[1] ?? '').toLowerCase()
  const found = all.filter(({ name }) => name.startsWith(typed))
  // A completely typed name needs no list.
  return found.length === 1 && found[0]?.name === typed ? [] : found.slice(0, most)
}

export interface MatchingCommands {
  shown: CommandSpec[]
  /** Which one is marked; -1: none. */
  marked: number
  take(command: CommandSpec): void
  /** Whether the key was for the list. */
  onKey(event: KeyboardEvent): boolean
}

export function useCommandList(text: string, onText: (text: string) => void): MatchingCommands {
  const [all, setAll] = useState<CommandSpec[]>([])
  const [marked, setMarked] = useState(-1)
  const [closedAt, setClosedAt] = useState<string | null>(null)
  const begun = text.startsWith('/')

  useEffect(() => {
    if (begun) void commands().then(setAll)
  }, [begun])

  const shown = closedAt === text ? [] : fitting(text, all)
  const at = Math.min(marked, shown.length - 1)
  const take = (command: CommandSpec) => {
    setMarked(-1)
    onText(`/${command.name}${command.args.length === 0 ? '' : ' '}`)
  }

  return {
    shown,
    marked: at,
    take,
    onKey(event) {
      if (shown.length === 0) return false
      const chosen = shown[event.key === 'Tab' && at < 0 ? 0 : at]
      if (event.key === 'ArrowDown') setMarked((at + 1) % shown.length)
      else if (event.key === 'ArrowUp') setMarked(at <= 0 ? shown.length - 1 : at - 1)
      else if (event.key === 'Escape') setClosedAt(text)
      else if ((event.key === 'Tab' && !event.shiftKey) || (event.key === 'Enter' && at >= 0)) {
        if (chosen === undefined) return false
        take(chosen)
      } else return false
      event.preventDefault()
      event.stopPropagation()
      return true
    },
  }
}

export const optionId = (at: number) => `command-${at}`

export function CommandList({ list }: { list: MatchingCommands }) {
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
