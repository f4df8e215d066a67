/** The port of choosing: which passages of the files at hand fit a question best. */
import type { Artifact, Position } from '../core/artifact.ts'

export interface Passage {
  contentHash: string
  engine: string
  /** Order within the artifact. */
  ordinal: number
  text: string
  at: Position
  tokens: number
}

export interface RankedPassage extends Passage {
  /** Higher is better; 0 when nothing of the question occurs. Comparable within one ranking only. */
  score: number
}

export interface PassageIndex {
  /** Makes an artifact findable. Again is no harm. */
  add(artifact: Artifact): Promise<void>
  /** The best passages for `question` among these artifacts, best first. One round trip. */
  rank(question: string, among: { contentHash: string; engine: string }[], limit: number): Promise<RankedPassage[]>
}
