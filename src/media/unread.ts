/**
 * Counts what a reader finds in a file and does not look at, such as pictures. At the end it becomes one sentence of the receipt, which then
 * says "partly".
 */
import { fileWording, type UnreadPart } from '../wording/files.ts'
import type { Sink } from './provider.ts'

export interface Unread {
  /** Counts one; the same `which` counts once, such as a logo on every page. */
  saw(part: UnreadPart, which?: string): void
  /** Reports what was counted, if anything. */
  report(): void
}

export function createUnread(name: string, sink: Pick<Sink, 'problem'>): Unread {
  const counts = new Map<UnreadPart, number>()
  const seen = new Set<string>()
  return {
    saw(part, which) {
      if (which !== undefined) {
        const key = `${part} ${which}`
        if (seen.has(key)) return
        seen.add(key)
      }
      counts.set(part, (counts.get(part) ?? 0) + 1)
    },
    report() {
      if (counts.size === 0) return
      sink.problem({ code: 'parts_unread', userMessage: fileWording.notice.unread(name, [...counts]) })
      counts.clear()
    },
  }
}
