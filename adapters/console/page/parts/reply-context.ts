/** What the inside of a reply's Markdown needs to know of the reply. */
import { createContext } from 'react'
import type { Citation } from '../../../../src/core/reply.ts'

export interface ReplyContext {
  citations: Citation[]
  streaming: boolean
  /** The levels of heading that the reply uses, highest first: it may start with any of them. */
  levels: number[]
  openSource(citation: Citation): void
}

export const ReplyContext = createContext<ReplyContext>({
  citations: [],
  streaming: false,
  levels: [],
  openSource: () => undefined,
})
