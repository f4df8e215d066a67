/** The ports of kept vectors: which models made them, which passages lack one, and which passages are nearest to a question. */
import type { EmbeddingKey } from './embedding.ts'
import type { PassageRef, Retrieval } from './passages.ts'
import type { Background } from './vectors.ts'

export interface KnownModel extends EmbeddingKey {
  id: number
  /** What questions are compared with; at most one is. */
  state: 'filling' | 'active' | 'old'
  background: Background | undefined
  /** From how many vectors the background was measured. */
  backgroundSize: number
}

export interface MissingPassage extends PassageRef {
  text: string
  /** Of the text: a vector is kept only if the text is still the same. */
  version: string
}

export interface EmbeddingFill {
  /** Passages that may have a vector, and how many have one. */
  passages: number
  embedded: number
}

export interface EmbeddingRows {
  /** All but those that are old, newest first. */
  models(): Promise<KnownModel[]>
  /**
   * Starts to fill a model, unless it is active; another one that is being filled is given up. Again is no harm.
   */
  want(key: EmbeddingKey): Promise<void>
  /** Whether `owner` may fill the model from now on for so long. */
  claim(model: number, owner: string, leaseMs: number): Promise<boolean>
  release(model: number, owner: string): Promise<void>
  /** Passages without a vector of the model, in their order from `after` on; none that is shared in a place of `notIn`. */
  missing(
    model: number,
    options: { after: PassageRef | undefined; notIn: readonly string[]; limit: number },
  ): Promise<MissingPassage[]>
  /** Keeps those whose passage is still there with the same text. */
  save(model: number, rows: readonly { passage: MissingPassage; vector: Float32Array }[]): Promise<void>
  fill(model: number, notIn: readonly string[]): Promise<EmbeddingFill>
  /** Makes a model that is filled the active one, in one statement. Whether it is. */
  activate(model: number, notIn: readonly string[]): Promise<boolean>
  /** Measures how similar passages are that have nothing to do with each other. */
  measure(model: number): Promise<void>
  /** Places in which something is shared. */
  places(): Promise<{ key: string; platform: string; workspaceId: string; channelId: string }[]>
  /** Drops models that have been old for a day, with their vectors. */
  dropOld(): Promise<void>
}

export interface NearestOptions extends Pick<Retrieval, 'audience' | 'among' | 'limit' | 'signal'> {
  within: NonNullable<Retrieval['within']>
}

export interface Nearest {
  /** Nearest first. */
  found: { ref: PassageRef; similarity: number }[]
  /** How many of the passages in view have a vector, from 0 to 1. */
  share: number
}

export interface VectorIndex {
  /** Compares with vectors of this model alone, of what the audience may see. */
  nearest(model: Pick<KnownModel, 'id' | 'width'>, question: Float32Array, options: NearestOptions): Promise<Nearest>
}
