/** Whether the web is searched for the questions of a thread, as chosen in this browser. A new thread starts with `auto`. */
import type { WebMode } from '../../../../src/core/message.ts'
import type { ConsoleStatus } from '../../api.ts'

const KEY = 'parley.web'
const MOST = 100

type Chosen = Record<string, WebMode>

export function readWebChoice(threadId: string): WebMode {
  return read()[threadId] ?? 'auto'
}

export function writeWebChoice(threadId: string, mode: WebMode): void {
  const { [threadId]: _, ...others } = read()
  const kept = Object.entries(others).slice(-MOST + 1)
  try {
    localStorage.setItem(KEY, JSON.stringify(Object.fromEntries(mode === 'auto' ? kept : [...kept, [threadId, mode]])))
  } catch {
    // No storage: the choice holds as long as the thread is open.
  }
}

function read(): Chosen {
  try {
    return (JSON.parse(localStorage.getItem(KEY) ?? 'null') as Chosen | null) ?? {}
  } catch {
    return {}
  }
}

/** What can be chosen where the web is open, only partly open, or off. */
export const webChoices = {
  open: ['auto', 'on', 'off'],
  noSearch: ['auto', 'off'],
  off: ['off'],
} as const satisfies Record<NonNullable<ConsoleStatus['web']>, readonly WebMode[]>

/** What holds: the choice, if the place leaves it open. */
export function webModeIn(web: NonNullable<ConsoleStatus['web']>, chosen: WebMode): WebMode {
  const open: readonly WebMode[] = webChoices[web]
  return open.includes(chosen) ? chosen : (open[0] ?? 'auto')
}
