/** Servers that offer tools, and which of their tools models may call: `tools …`. */
import { ParleyError } from '../../core/errors.ts'
import {
  isApproved,
  type KnownTool,
  saysItReads,
  type ToolServer,
  type ToolServerStore,
  toolServerName,
} from '../../core/tool-servers.ts'
import { scopeName } from '../../wording/commands.ts'
import { bulleted } from '../../wording/phrases.ts'
import { toolCommandWording as wording } from '../../wording/tool-servers.ts'
import { arg, type Caller, type Command, define } from '../define.ts'
import { words } from '../line.ts'
import { demand, scopeOfPlace } from '../place.ts'

export interface ToolServerDeps {
  toolServers: {
    store: ToolServerStore
    /** Those of parley.yaml. */
    configured: readonly ToolServer[]
    /** Tells the processes that hold connections. */
    changed(): void
  }
}

/** The command line of this machine has proven its user, who could start the program anyway. */
const terminal = 'console/local/cli'

const all = 'all'
const shortHash = 12

export function toolCommands(deps: ToolServerDeps): Command[] {
  // The table is also made without services, for its names.
  const { store, configured } = deps.toolServers ?? {}
  const servers = async () => [...configured, ...(await store.servers()).filter(isNew)]
  const isNew = ({ name }: ToolServer) => configured.every((server) => server.name !== name)

  const serverArg = () => ({
    ...arg.word('A server, by name', 40),
    suggest: async () => (await servers()).map(({ name }) => name),
  })
  const toolArg = (summary: string) => arg.word(summary, 300)

  async function find(name: string): Promise<ToolServer> {
    const known = await servers()
    const found = known.find((server) => server.name === name.toLowerCase())
    if (found !== undefined) return found
    const names = known.map((server) => server.name)
    throw new ParleyError('command_invalid', wording.noServer(name, names))
  }

  function findTool(tools: readonly KnownTool[], server: string, name: string): KnownTool {
    const hash = /^#([0-9a-f]{12,64})$/.exec(name)?.[1]
    const found = tools.find((tool) => (hash === undefined ? tool.name === name : tool.hash.startsWith(hash)))
    if (found === undefined && hash !== undefined)
      throw new ParleyError('command_invalid', wording.changedMeanwhile(server))
    if (found === undefined) throw new ParleyError('command_invalid', wording.noTool(server, name))
    return found
  }

  const who = ({ where }: ToolServer, { spender, names }: Caller) =>
    where.map((scope) => scopeName(scope, spender, names))

  return [
    define({
      name: 'tools list',
      summary: 'Lists the servers that offer tools, and how many of their tools are approved',
      role: 'admin',
      args: {},
      examples: ['tools list'],
      async run(_, caller) {
        demand(caller, 'all')
        const known = await servers()
        const tools = await store.tools(known.map(({ name }) => name))
        const lines = known.map((server) =>
          wording.server(
            server,
            who(server, caller),
            tools.filter((tool) => tool.server === server.name),
          ),
        )
        return { text: lines.length === 0 ? wording.noServers : bulleted(lines), private: true }
      },
    }),
    define({
      name: 'tools show',
      summary: 'Shows the tools of a server, or one of them with its definition and what has changed in it',
      role: 'admin',
      args: { server: serverArg(), tool: arg.optional(toolArg('A tool, by name')) },
      examples: ['tools show files', 'tools show files read_text_file'],
      async run({ server: typed, tool: name }, caller) {
        demand(caller, 'all')
        const server = await find(typed)
        const tools = await store.tools([server.name])
        if (name === undefined)
          return {
            text: tools.length === 0 ? wording.noTools(server.name) : bulleted(tools.map(wording.tool)),
            private: true,
          }
        const tool = findTool(tools, server.name, name)
        const approve = (as: 'read' | 'write') => ({
          label: wording.approveAs[as],
          action: {
            kind: 'command' as const,
            // By its hash: what was shown is what is approved.
            text: `tools approve ${server.name} #${tool.hash.slice(0, shortHash)} as ${as}`,
          },
        })
        const waits = tool.listed && !isApproved(tool)
        const buttons = [...(saysItReads(tool.definition) ? [approve('read')] : []), approve('write')]
        return { text: wording.definition(tool), private: true, buttons: waits ? buttons : [] }
      },
    }),
    define({
      name: 'tools approve',
      summary: 'Lets models call a tool as it is now; a tool that is approved as `read` is called without asking',
      role: 'admin',
      changes: true,
      args: {
        server: serverArg(),
        tool: toolArg('A tool, by name or by the hash of its definition, or `all` that are not approved yet'),
        as: arg.optional(arg.choice('Whether it only reads; `write` by default', ['read', 'write'])),
      },
      examples: ['tools approve files read_text_file as read', 'tools approve files all as read'],
      async run({ server: typed, tool: name, as = 'write' }, caller) {
        demand(caller, 'all')
        const server = await find(typed)
        const tools = await store.tools([server.name])
        const chosen =
          name === all
            ? tools.filter(
                (tool) => !isApproved(tool) && tool.listed && (as === 'write' || saysItReads(tool.definition)),
              )
            : [findTool(tools, server.name, name)]
        const [first] = chosen
        if (first === undefined) throw new ParleyError('command_invalid', wording.nothingToApprove(server.name))
        const reads = as === 'read'
        if (reads && !saysItReads(first.definition))
          throw new ParleyError('command_invalid', wording.doesNotRead(server.name, first.name))
        const wanted = chosen.map((tool) => ({ name: tool.name, hash: tool.hash, reads }))
        const approved = await store.approve(server.name, wanted, caller.by)
        if (approved.length === 0)
          throw new ParleyError('command_invalid', wording.changedSince(server.name, first.name))
        return { text: wording.approved(server.name, approved, reads) }
      },
    }),
    define({
      name: 'tools revoke',
      summary: 'Takes the approval of a tool away: models may not call it any more',
      role: 'admin',
      changes: true,
      args: { server: serverArg(), tool: toolArg('A tool, by name') },
      examples: ['tools revoke files write_file'],
      async run({ server: typed, tool: name }, caller) {
        demand(caller, 'all')
        const server = await find(typed)
        const revoked = await store.revoke(server.name, name, caller.by)
        return { text: revoked ? wording.revoked(server.name, name) : wording.notApproved(server.name, name) }
      },
    }),
    define({
      name: 'tools add',
      summary: 'Adds a server that offers tools: by its address, or in the terminal by a command',
      role: 'admin',
      changes: true,
      args: {
        name: arg.word('What it is called here', 40),
        address: arg.word('Its address with https://, or a command in quotes', 2_000),
        for: arg.optional(arg.place('Who may use it; by default, everybody')),
      },
      examples: [
        'tools add tickets https://tickets.example.com/mcp',
        'tools add wiki https://wiki.example.com/mcp for workspace',
      ],
      async run({ name: typed, address, for: place }, caller) {
        demand(caller, 'all')
        const name = typed.toLowerCase()
        if (!toolServerName.test(name)) throw new ParleyError('command_invalid', wording.badName)
        if (!isNew({ name } as ToolServer)) throw new ParleyError('command_invalid', wording.taken(name))
        const scope = await scopeOfPlace(place ?? { kind: 'all' }, caller)
        const server: ToolServer = {
          name,
          at: readAddress(address, caller),
          where: [scope],
          roles: ['member', 'manager', 'admin'],
          local: false,
          seconds: 60,
        }
        if (!(await store.add(server, caller.by))) throw new ParleyError('command_invalid', wording.taken(name))
        deps.toolServers.changed()
        return { text: wording.added(name) }
      },
    }),
    define({
      name: 'tools remove',
      summary: 'Removes a server that was added by command, with the approvals of its tools',
      role: 'admin',
      changes: true,
      args: { server: serverArg(), yes: arg.flag('Removes at once, without asking') },
      examples: ['tools remove tickets'],
      async run({ server: typed, yes }, caller) {
        demand(caller, 'all')
        const { name } = await find(typed)
        if (!isNew({ name } as ToolServer)) throw new ParleyError('command_invalid', wording.inFile(name))
        if (!yes)
          return {
            text: wording.askRemove(name),
            buttons: [
              {
                label: wording.remove,
                style: 'danger',
                action: { kind: 'command', text: `tools remove ${name} --yes` },
              },
            ],
            private: true,
          }
        await store.remove(name, caller.by)
        deps.toolServers.changed()
        return { text: wording.removed(name) }
      },
    }),
  ]
}

/** Whoever may add a program runs it on this machine, so it takes the terminal there. Throws `command_invalid`, `command_forbidden`. */
function readAddress(typed: string, { by }: Caller): ToolServer['at'] {
  const link = /^<?(https?:\/\/[^\s>|]+)(?:\|[^>]*)?>?$/.exec(typed)?.[1]
  if (link !== undefined) {
    const url = URL.parse(link)
    if (url === null || url.username !== '' || url.password !== '')
      throw new ParleyError('command_invalid', wording.badAddress)
    return { kind: 'http', url: url.href }
  }
  if (by.id !== terminal) throw new ParleyError('command_forbidden', wording.programsInTerminal)
  const [command, ...args] = words(typed).map(({ text }) => text)
  if (command === undefined) throw new ParleyError('command_invalid', wording.badAddress)
  return { kind: 'stdio', command, args, env: [] }
}
