/** The ports of finding text: an index that keeps passages, and retrievers that find those which fit a question. */
import type { Artifact, Position, Segment } from '../core/artifact.ts'
import type { Author, ConversationRef } from '../core/message.ts'
import type { PlaceKind } from '../core/place.ts'
import type { Capabilities } from '../core/platform.ts'
import type { Spender } from '../core/scope.ts'

export interface ArtifactRef {
  contentHash: string
  engine: string
}

export interface PassageRef extends ArtifactRef {
  /** Order within the artifact. */
  ordinal: number
}

/** One string for it. */
export const keyOf = ({ contentHash, engine, ordinal }: PassageRef): string => `${contentHash} ${engine} ${ordinal}`

export interface Passage extends PassageRef {
  text: string
  at: Position
  tokens: number
}

/** Where and when the content of a passage was shared, as far as the audience may know. The nearest place, then the newest. */
export interface ShareFacts {
  id: string
  /** Untrusted text, like the name. */
  title: string
  by: string | undefined
  at: Date
  link: string | undefined
  place: { key: string; kind: PlaceKind; name: string | undefined }
  /** It was shared in the conversation itself, in its place, or elsewhere. */
  near: 'conversation' | 'place' | 'elsewhere'
  /** What its versions in one place have in common: a file's name, a page's address. */
  series: string
  /** When another version of it, by its name, was shared in the same place after it. */
  newerAt: Date | undefined
}

export interface RankedPassage extends Passage {
  /** Higher is better; 0 when nothing of the question occurs. Comparable within one ranking only. */
  score: number
  /** From 0 to 1: how much of what the question asks for occurs in it, rare words counting most. Absent: not measured. */
  coverage?: number | undefined
  /** Whether it means nearly what the question asks for, with or without common words. Absent: not measured. */
  close?: boolean | undefined
  /** Present where it was looked for in places. */
  share?: ShareFacts | undefined
}

/**
 * Who will read what is found. With `asker` they alone read the answer, and everything that they may read can be found; without,
 * everybody who can read the place does, and only what all of them may read is found. What is not known counts as "no". The statement that
 * fetches text checks it (prisma/functions/places.sql).
 */
export interface Audience {
  /** conversationKey of the question. */
  conversation: string
  /** placeKey of the place where the answer is read. */
  place: string
  asker?: AudienceAsker | undefined
}

export interface AudienceAsker {
  platform: string
  /** Absent: the account is the same in each workspace of the platform. */
  workspaceId?: string | undefined
  account: string
  personId: string | undefined
  /** A guest, or of another organization: what is granted to a whole workspace is not for them. */
  outsider?: boolean
}

export function askerOf(
  { platform, workspaceId }: Pick<ConversationRef, 'platform' | 'workspaceId'>,
  { id: account, personId, membership }: Pick<Author, 'id' | 'personId' | 'membership'>,
  accounts: Capabilities['accounts'],
): AudienceAsker {
  const outsider = membership === 'guest' || membership === 'stranger'
  return { platform, workspaceId: accounts === 'platform' ? undefined : workspaceId, account, personId, outsider }
}

export interface Retrieval {
  audience: Audience
  /** `conversation`: only what was shared in it. `places`: all that the audience may see. Default `conversation`. */
  within?: 'conversation' | 'places'
  /** Only passages of these; absent: of all that the audience may see. */
  among?: readonly ArtifactRef[] | undefined
  limit: number
  /** Ends the work, also on the server that does it; the promise is rejected with the signal's reason. */
  signal: AbortSignal
  /** Pays where finding costs something. */
  spender: Spender
  /** The turn that it is for, in the ledger. */
  turnId?: string | undefined
  /** What is asked must not leave the network. */
  localOnly?: boolean | undefined
  /** Is given a sentence for the receipt where something was left out. */
  note?: ((sentence: string) => void) | undefined
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
  /** The same while the file is still being read. Nothing is found before the artifact is known. */
  follow(ref: ArtifactRef): PassageWriter
  /** Passages that were found before, as far as they are still there and the audience may still see them. One round trip. */
  read(
    refs: readonly PassageRef[],
    options: Pick<Retrieval, 'audience' | 'signal'>,
  ): Promise<(Passage & Pick<RankedPassage, 'share'>)[]>
}

export interface PassageWriter {
  /** Segments in order. Returns at once; what goes wrong is thrown by `finish`. */
  add(segments: readonly Segment[]): void
  /** Adds what is still missing, also when nothing or something else was added, or the artifact has another engine. */
  finish(artifact: Artifact): Promise<void>
}
