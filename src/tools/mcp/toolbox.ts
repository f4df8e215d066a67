/** The approved tools of all servers that a question may use, as tools of an answer. */
import type { Role } from '../../core/command.ts'
import type { Json } from '../../core/json.ts'
import type { Author, ConversationRef } from '../../core/message.ts'
import { scopesOf } from '../../core/scope.ts'
import { plainName } from '../../core/text/plain-name.ts'
import {
  isApproved,
  type KnownTool,
  saysItReads,
  type ToolServer,
  type ToolServerStore,
} from '../../core/tool-servers.ts'
import { toolServerWording as wording } from '../../wording/tool-servers.ts'
import type { OfferedTo, Tool, Toolbox } from '../tool.ts'
import type { ToolConnection } from './connection.ts'
import { definitionHash, modelTool, toolName } from './definitions.ts'
import { toolResult } from './results.ts'

export interface ServerToolsDeps {
  connections(): readonly ToolConnection[]
  store: Pick<ToolServerStore, 'tools'>
  roleOf(author: Author, conversation: ConversationRef): Promise<Role>
  /** Whether people are asked before a tool that writes is called; without it, such tools are not offered. */
  asksBeforeWrites: boolean
  /** Names of other tools. */
  taken?: ReadonlySet<string>
}

/** Tokens of one result. */
const mostTokens = 6_000
/** Servers may tell of progress as often as they like; each time that people see it is a request to their platform. */
const progressEveryMs = 2_000

export function createServerTools(deps: ServerToolsDeps): Toolbox {
  const { store, asksBeforeWrites, taken = new Set() } = deps

  async function allowed(turn: OfferedTo): Promise<ToolConnection[]> {
    const scopes: readonly string[] = scopesOf(turn.spender)
    const here = deps
      .connections()
      .filter(({ server }) => server.where.some((scope) => scopes.includes(scope)) && (server.local || !turn.localOnly))
    if (here.length === 0) return []
    const { membership } = turn.author
    const isGuest = membership === 'guest' || membership === 'stranger'
    const role = isGuest ? 'guest' : await deps.roleOf(turn.author, turn.conversation)
    return here.filter(({ server }) => server.roles.includes(role))
  }

  return {
    async offered(turn) {
      const connections = await allowed(turn)
      if (connections.length === 0) return []
      const known = await store.tools(connections.map(({ server }) => server.name))
      const names = new Set(taken)
      return connections.flatMap((connection) => {
        const { name } = connection.server
        const approved = known.filter((tool) => tool.server === name && isApproved(tool))
        if (approved.length === 0) return []
        const listed = connection.tools()
        if (listed === undefined) {
          turn.note(wording.left(name))
          return []
        }
        return approved.flatMap((tool) => {
          const reads = tool.approved?.reads === true && saysItReads(tool.definition)
          if (!reads && !asksBeforeWrites) return []
          const own = toolName(name, tool.name, (taken) => names.has(taken))
          const made = names.has(own) ? undefined : serverTool(connection, tool, own, reads)
          if (made !== undefined) names.add(own)
          return made ?? []
        })
      })
    },
  }
}

function serverTool(connection: ToolConnection, tool: KnownTool, name: string, reads: boolean): Tool | undefined {
  const { server } = connection
  const described = modelTool(server.name, tool.definition, name)
  if (described === undefined) return undefined
  return {
    ...described,
    effect: reads ? 'read' : 'write',
    server: server.name,
    openWorld: true,
    limitMs: server.seconds * 1000,
    mostTokens,
    describe: (args) => wording.calls(server.name, plainName(tool.name, 60), argumentsOf(args)),
    async run(args, call) {
      // What the server lists now may not be what was approved.
      if (!isStillListed(connection, server, tool)) return { text: wording.changed(tool.name), failed: true }
      const given = args !== null && typeof args === 'object' && !Array.isArray(args) ? args : {}
      let shownAt = Number.NEGATIVE_INFINITY
      const result = await connection.call(tool.name, given, {
        reads,
        signal: call.signal,
        progress: ({ progress, total }) => {
          const now = performance.now()
          if (now - shownAt < progressEveryMs) return
          shownAt = now
          call.progress(wording.progress(server.name, plainName(tool.name, 60), progress, total))
        },
      })
      return toolResult(result)
    },
  }
}

function isStillListed(connection: ToolConnection, server: ToolServer, { name, hash }: KnownTool): boolean {
  const listed = connection.tools()
  // Not connected: the call waits for the connection, or fails.
  if (listed === undefined) return true
  const now = listed.find((each) => each.name === name)
  return now !== undefined && definitionHash(server, now) === hash
}

/** The values that people may know: `notes.txt`, `3`. */
function argumentsOf(args: Json): string {
  const values = args !== null && typeof args === 'object' && !Array.isArray(args) ? Object.values(args) : []
  const shown = values.filter((value) => typeof value === 'string' || typeof value === 'number')
  return plainName(shown.slice(0, 3).join(', '), 80)
}
