/**
 * Keeps what models are told of tools within limits. Where there are too many tools, the rest are named by none; `find_tool` finds them by
 * what they do, and the loop then offers them from the next step on.
 */
import { z } from 'zod'
import { wordsOf } from '../core/text/compare.ts'
import { estimateTokens } from '../core/text/estimate-tokens.ts'
import { toolWording } from '../wording/tools.ts'
import type { Tool, Toolbox } from './tool.ts'

export const definitionLimits = { tools: 40, tokens: 12_000, found: 6 }

const Arguments = z.object({ query: z.string().max(500) })

/** The tools of several boxes. Of tools with one name, the first counts. */
export function joinToolboxes(boxes: readonly Toolbox[]): Toolbox {
  return {
    async offered(turn) {
      const all = (await Promise.all(boxes.map((box) => box.offered(turn)))).flat()
      return withinLimits([...new Map(all.toReversed().map((tool) => [tool.name, tool])).values()].toReversed())
    },
  }
}

export function withinLimits(tools: readonly Tool[]): readonly Tool[] {
  const tokens = tools.map(({ name, description, schema }) =>
    estimateTokens(JSON.stringify({ name, description, schema })),
  )
  const sum = tokens.reduce((all, each) => all + each, 0)
  if (tools.length <= definitionLimits.tools && sum <= definitionLimits.tokens) return tools
  let room = definitionLimits.tokens - ownTokens
  let places = definitionLimits.tools - 1
  const sorted = tools.map((tool, at) => {
    const size = tokens[at] ?? 0
    const fits = places > 0 && size <= room
    if (fits) {
      places -= 1
      room -= size
    }
    return { ...tool, hidden: !fits }
  })
  return [...sorted, findTool(sorted.filter(({ hidden }) => hidden))]
}

const ownTokens = 300

function findTool(hidden: readonly Tool[]): Tool {
  const indexed = hidden.map((tool) => ({ tool, words: new Set(wordsIn(`${tool.name} ${tool.description}`)) }))
  const rarity = (word: string) => {
    const having = indexed.filter(({ words }) => words.has(word)).length
    return having === 0 ? 0 : Math.log(1 + indexed.length / having)
  }
  return {
    name: 'find_tool',
    description: toolWording.findTool(hidden.length),
    schema: {
      type: 'object',
      properties: { query: { type: 'string', description: toolWording.findToolQuery } },
      required: ['query'],
    },
    effect: 'read',
    openWorld: false,
    limitMs: 5_000,
    mostTokens: 2_000,
    describe: (args) => toolWording.finding(Arguments.safeParse(args).data?.query ?? ''),
    async run(args) {
      const given = Arguments.safeParse(args)
      if (!given.success) return { text: toolWording.wrongArguments('query must be a text'), failed: true }
      const wanted = [...new Set(wordsIn(given.data.query))].map((word) => ({ word, weight: rarity(word) }))
      const found = indexed
        .map(({ tool, words }) => ({
          tool,
          score: wanted.reduce((all, { word, weight }) => all + (words.has(word) ? weight : 0), 0),
        }))
        .filter(({ score }) => score > 0)
        .toSorted((a, b) => b.score - a.score)
        .slice(0, definitionLimits.found)
        .map(({ tool }) => tool)
      if (found.length === 0) return { text: toolWording.noTool(hidden.map(({ name }) => name)) }
      return { text: toolWording.foundTools(found), opens: found.map(({ name }) => name) }
    },
  }
}

/** Also the parts of `readFile` and `read_file`; without the endings of plurals. */
function wordsIn(text: string): string[] {
  return wordsOf(text.replace(/([a-z])([A-Z])/g, '$1 $2').replace(/[_-]/g, ' ')).map((word) =>
    word.length > 3 ? word.replace(/s$/, '') : word,
  )
}
