/** What an answer's Markdown needs to know about the answer. */
import { createContext } from 'react'
import type { Citation } from '../../../../src/core/reply.ts'

export interface ReplyContext {
  citations: Citation[]
  streaming: boolean
  /** The heading levels that the answer uses, highest first. */
  levels: number[]
  openSource(citation: Citation): void
}

export const ReplyContext = createContext<ReplyContext>({
  citations: [],
  streaming: false,
  levels: [],
  openSource: () => undefined,
})
