/** Tools over files: search those of the conversation and those shared earlier, and read on in one of them. Both check who reads the answer. */
import { z } from 'zod'
import { describePosition, type Position } from '../core/artifact.ts'
import { type Memory, memoryFloor, sharedSource } from '../search/memory.ts'
import type { Passage, PassageIndex, RankedPassage, Retriever } from '../search/passages.ts'
import { toolWording } from '../wording/tools.ts'
import { argumentsOf, argumentText, schemaOf } from './arguments.ts'
import type { Tool, ToolExcerpt, ToolFile } from './tool.ts'

export interface FileToolsDeps {
  retriever: Retriever
  memory: Memory | undefined
  index: Pick<PassageIndex, 'read'>
}

const mostFound = 12
/** Passages of one source that are looked through for a place in it. */
const mostPassages = 3_000

const Search = z.object({
  query: z.string().min(1).max(400).describe('What to look for: the words that the file itself is likely to use.'),
})

/** `memory`: whether files shared earlier are searched, too. */
export function searchFiles({ retriever, memory }: FileToolsDeps, beyond: boolean): Tool {
  return {
    name: 'search_files',
    description:
      'Searches the files of this conversation and files that were shared earlier, as far as the readers of the answer may see them. Use other words than the question where it found too little.',
    schema: schemaOf(Search),
    effect: 'read',
    openWorld: false,
    limitMs: 8_000,
    mostTokens: 4_000,
    describe: (args) => toolWording.searchingFiles(argumentText(args, 'query')),
    async run(args, call) {
      const { query } = argumentsOf(Search, args)
      const { audience, files, signal, spender, turnId, localOnly, note } = call
      const among = files.map(({ contentHash, engine }) => ({ contentHash, engine }))
      const asking = { audience, signal, spender, turnId, localOnly, note }
      const [own, earlier] = await Promise.all([
        among.length === 0 ? [] : retriever.retrieve(query, { ...asking, among, limit: mostFound }),
        memory === undefined || !beyond
          ? []
          : memory.find(query, { ...asking, except: among.map((each) => each.contentHash), floor: memoryFloor.alone }),
      ])
      const excerpts = [...own.filter(({ score }) => score > 0).flatMap(ofFile(files)), ...earlier.flatMap(ofShare)]
      return excerpts.length === 0
        ? { text: toolWording.nothingFound }
        : { text: '', excerpts: excerpts.slice(0, mostFound) }
    },
  }
}

const Read = z.object({
  source: z.int().positive().describe('Number of the source: 2 for labels such as 2:p5.'),
  from: z
    .int()
    .positive()
    .optional()
    .describe('First page, slide, row, line or second to read. Without it, from the beginning.'),
})

export function readSource({ index }: FileToolsDeps): Tool {
  return {
    name: 'read',
    description:
      'Reads a file that you were given passages of, in its order, from a page, row or line on. Use it where passages are not enough.',
    schema: schemaOf(Read),
    effect: 'read',
    openWorld: false,
    limitMs: 8_000,
    mostTokens: 6_000,
    describe: (args) => toolWording.readingSource(argumentText(args, 'source'), argumentText(args, 'from')),
    async run(args, call) {
      const { source: n, from = 1 } = argumentsOf(Read, args)
      const source = call.sources.find((each) => each.n === n)
      const kept = call.kept.get(n)
      if (source === undefined || kept === undefined) return { text: toolWording.noSource(n), failed: true }
      const refs = Array.from({ length: mostPassages }, (_, ordinal) => ({ ...kept, ordinal }))
      const passages = await index.read(refs, { audience: call.audience, signal: call.signal })
      const wanted = passages.toSorted((a, b) => a.ordinal - b.ordinal).filter(({ at }) => endOf(at) >= from)
      if (wanted.length === 0) return { text: toolWording.nothingThere(from), failed: true }
      const fitting = within(wanted, this.mostTokens - 200)
      const next = wanted[fitting.length]
      return {
        text:
          next === undefined
            ? toolWording.readToTheEnd
            : toolWording.readOn(describePosition(next.at), startOf(next.at)),
        excerpts: fitting.map((passage) => excerptOf(source, passage)),
      }
    },
  }
}

function within(passages: readonly Passage[], room: number): Passage[] {
  let left = room
  const fitting: Passage[] = []
  for (const passage of passages) {
    left -= passage.tokens
    if (left < 0 && fitting.length > 0) break
    fitting.push(passage)
  }
  return fitting
}

function ofFile(files: readonly ToolFile[]): (passage: RankedPassage) => ToolExcerpt[] {
  const byHash = new Map(files.map(({ source, contentHash }) => [contentHash, source]))
  return (passage) => {
    const source = byHash.get(passage.contentHash)
    return source === undefined ? [] : [excerptOf(source, passage)]
  }
}

function ofShare(passage: RankedPassage): ToolExcerpt[] {
  const { contentHash, share } = passage
  return share === undefined ? [] : [excerptOf(sharedSource(contentHash, share), passage)]
}

function excerptOf(source: ToolExcerpt['source'], passage: Passage): ToolExcerpt {
  const { at, text, tokens, contentHash, engine, ordinal } = passage
  return { source, at, text, tokens, ref: { contentHash, engine, ordinal } }
}

function startOf(at: Position): number {
  switch (at.kind) {
    case 'page':
      return at.page
    case 'slide':
      return at.slide
    case 'rows':
    case 'lines':
      return at.from
    case 'time':
      return Math.floor(at.fromMs / 1_000)
  }
}

function endOf(at: Position): number {
  return at.kind === 'rows' || at.kind === 'lines'
    ? at.to
    : at.kind === 'time'
      ? Math.ceil(at.toMs / 1_000)
      : startOf(at)
}
