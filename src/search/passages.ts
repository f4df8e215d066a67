/** The ports of finding text: an index that keeps passages, and retrievers that find those which fit a question. */
import type { Artifact, Position } from '../core/artifact.ts'
import type { Spender } from '../core/scope.ts'

export interface ArtifactRef {
  contentHash: string
  engine: string
}

export interface PassageRef extends ArtifactRef {
  /** Order within the artifact. */
  ordinal: number
}

export interface Passage extends PassageRef {
  text: string
  at: Position
  tokens: number
}

export interface RankedPassage extends Passage {
  /** Higher is better; 0 when nothing of the question occurs. Comparable within one ranking only. */
  score: number
}

/**
 * Who will read what is found: everybody in a conversation. What was not shared in that conversation is not found, and
 * neither is anything for a conversation that is not known. The statement that fetches text checks it.
 */
export interface Audience {
  /** conversationKey. */
  conversation: string
}

export interface Retrieval {
  audience: Audience
  /** Only passages of these; absent: of all that the audience may see. */
  among?: readonly ArtifactRef[] | undefined
  limit: number
  /** Ends the work, also on the server that does it; the promise is rejected with the signal's reason. */
  signal: AbortSignal
  /** Pays where finding costs something. */
  spender: Spender
}

/** Its contract is retriever.contract.ts. */
export interface Retriever {
  /** For events and receipts. */
  name: string
  /** The best passages for `question`, best first. */
  retrieve(question: string, options: Retrieval): Promise<RankedPassage[]>
}

export interface PassageIndex {
  /** Makes an artifact findable. Again is no harm. */
  add(artifact: Artifact): Promise<void>
  /** Passages that were found before, as far as they are still there and the audience may still see them. One round trip. */
  read(refs: readonly PassageRef[], options: Pick<Retrieval, 'audience' | 'signal'>): Promise<Passage[]>
}
