/** Sentences about servers that offer tools. */
import { visible } from '../core/text/visible.ts'
import type { KnownTool, ToolServer } from '../core/tool-servers.ts'
import { code, listed, many } from './phrases.ts'

/** Completes "must …". */
export const toolSettingMust = { haveScopes: 'must name at least one place, such as all or channel:slack/T1/C1' }

export const toolServerProblem = {
  twice: (name: string) => `parley.yaml: tools.servers has ${name} twice. Give each server a name of its own.`,
  commandOrUrl: (name: string) => `parley.yaml: the tool server ${name} needs either command or url.`,
  mixed: (name: string) =>
    `parley.yaml: of the tool server ${name}, args and env belong to a command, and headers belong to a url.`,
  variableMissing: (name: string, variable: string) =>
    `parley.yaml: the tool server ${name} names the environment variable ${variable}, which is not set.`,
}
export const toolServerWording = {
  notStarted: (name: string) => `The tool server ${name} cannot be started. Check its command.`,
  gone: (name: string) => `The tool server ${name} has ended. Parley starts it again.`,
  unreachable: (name: string) => `The tool server ${name} does not answer. Parley keeps trying.`,
  refused: (name: string) =>
    `The tool server ${name} refuses the credentials that it is sent. Check its headers in parley.yaml.`,
  endedMeanwhile: (name: string) =>
    `The tool server ${name} ended during the call. It is not known whether the call had its effect, so it was not repeated.`,
  /** In the receipt of an answer. */
  left: (name: string) => `The tools of ${name} were not available: its server does not answer.`,

  /** For models. */
  describes: (server: string, description: string) =>
    description === ''
      ? `A tool of the server ${server}.`
      : `Of the server ${server}, in its own words: ${description}`,
  changed: (tool: string) => `${tool} has changed since it was approved and cannot be called. Answer without it.`,
  empty: '[The result is empty.]',
  notShown: (kind: string, type: string, bytes: number) =>
    `[${kind}, ${type}, ${Math.max(1, Math.round(bytes / 1000))} kB: it cannot be shown here.]`,
  link: (title: string, uri: string, description: string | undefined) =>
    `[Link: ${title} <${uri}>${description === undefined ? '' : `: ${description}`}]`,
  resource: (uri: string, text: string) => `<${uri}>\n${text}`,

  /** For people, while it runs. */
  calls: (server: string, tool: string, args: string) => `${server}: ${tool}${args === '' ? '' : ` (${args})`}`,
  progress: (server: string, tool: string, progress: number, total: number | undefined) =>
    total === undefined || total <= 0
      ? `${server}: ${tool}, step ${Math.round(progress)}`
      : `${server}: ${tool}, ${Math.min(100, Math.round((progress / total) * 100))} %`,
}

const mostText = 1_500

/** What strangers wrote, so that it formats nothing and calls nobody. */
function block(text: string): string {
  const shown = visible(text).replaceAll('```', "'''")
  return `\`\`\`\n${shown.length > mostText ? `${shown.slice(0, mostText)}…` : shown}\n\`\`\``
}

function state({ listed, hash, approved }: KnownTool): string {
  if (!listed) return 'not offered by its server any more'
  if (approved === undefined) return 'not approved'
  if (approved.hash !== hash) return 'changed since it was approved, so it is off'
  return approved.reads ? 'approved as reading' : 'approved as writing'
}

function address({ at }: ToolServer): string {
  return code(at.kind === 'http' ? at.url : [at.command, ...at.args].join(' '))
}

const parts = {
  description: ({ definition: { title = '', description = '' } }: Defined) => [title, description].join('\n').trim(),
  arguments: ({ definition }: Defined) => JSON.stringify(definition.inputSchema, null, 1),
  hints: ({ definition }: Defined) => JSON.stringify(definition.annotations ?? {}),
}
type Defined = Pick<KnownTool, 'definition'>

function changes({ definition, approved }: KnownTool): string[] {
  if (approved === undefined) return []
  const changed = Object.entries(parts).flatMap(([name, read]) => {
    const [before, now] = [read({ definition: approved.definition }), read({ definition })]
    return before === now ? [] : [`**Changed: ${name}.** Approved was:\n${block(before)}`]
  })
  return changed.length > 0 ? changed : ['**Changed:** how its server is reached, or words that cannot be seen.']
}

export const toolCommandWording = {
  noServers:
    'There are no servers of tools. Add one with `/parley tools add <name> <address>`, or in parley.yaml (docs/tools.md).',
  noServer: (name: string, names: readonly string[]) =>
    `There is no tool server called ${code(name)}. ${names.length === 0 ? 'There are none yet.' : `There are: ${listed(names.map(code))}.`}`,
  noTool: (server: string, tool: string) =>
    `${server} has no tool called ${code(tool)}. \`/parley tools show ${server}\` lists them.`,
  noTools: (server: string) =>
    `No tools of ${server} are known yet. Parley asks the server as soon as it can reach it; the log says what is wrong.`,
  server: (server: ToolServer, who: readonly string[], tools: readonly KnownTool[]) => {
    const count = (wanted: (tool: KnownTool) => boolean) => tools.filter(wanted).length
    const changed = count((tool) => tool.approved !== undefined && tool.listed && tool.approved.hash !== tool.hash)
    const approved = count((tool) => tool.listed && tool.approved?.hash === tool.hash)
    const all = count((tool) => tool.listed)
    const alert = changed === 0 ? '' : `, **${changed} changed and off**`
    return `**${server.name}** (${address(server)}), for ${listed(who)}: ${approved} of ${many(all, 'tool')} approved${alert}`
  },
  tool: (tool: KnownTool) => `${code(visible(tool.name))}: ${state(tool)}`,
  definition: (tool: KnownTool) =>
    [
      `**${code(visible(tool.name))}** of ${tool.server}: ${state(tool)}. Its server ${tool.definition.annotations?.readOnlyHint === true ? 'says that it only reads' : 'does not say that it only reads'}.`,
      ...(tool.approved === undefined || tool.approved.hash === tool.hash ? [] : changes(tool)),
      block(`${parts.description(tool)}\n\n${parts.arguments(tool)}`),
    ].join('\n'),
  approveAs: { read: 'Approve as reading', write: 'Approve as writing' },
  nothingToApprove: (server: string) =>
    `Nothing to approve: ${server} has no such tools that are not approved yet. \`/parley tools show ${server}\` lists them.`,
  changedSince: (server: string, tool: string) =>
    `${code(tool)} has changed meanwhile. Look at it again: \`/parley tools show ${server} "${tool}"\`.`,
  changedMeanwhile: (server: string) =>
    `That tool of ${server} has changed meanwhile. Look at it again: \`/parley tools show ${server}\`.`,
  doesNotRead: (server: string, tool: string) =>
    `The server does not say that ${code(tool)} only reads, so it cannot be approved as reading. \`/parley tools approve ${server} "${tool}"\` approves it as writing.`,
  approved: (server: string, names: readonly string[], reads: boolean) =>
    `Models may call ${listed(names.map(code))} of ${server} now${reads ? '' : ', and a person has to agree to each call'}. If a definition changes, its tool is off until you approve it again.`,
  revoked: (server: string, tool: string) => `Models may not call ${code(tool)} of ${server} any more.`,
  notApproved: (server: string, tool: string) => `${code(tool)} of ${server} was not approved.`,
  badName: 'The name of a server has small letters, digits and hyphens, at most 31, and begins with a letter.',
  taken: (name: string) => `There is a tool server called ${code(name)} already. Choose another name.`,
  badAddress:
    'That is neither an address with https:// nor a command. Keys belong into `headers` in parley.yaml, not into the address.',
  programsInTerminal:
    'A program can be added in the terminal of the machine (`parley admin tools add …`) or in parley.yaml, because it runs there.',
  added: (name: string) =>
    `Added ${name}. Parley asks it for its tools now; \`/parley tools show ${name}\` lists them. Nothing is called before you approve it.`,
  inFile: (name: string) => `${name} is set in parley.yaml. Remove it there.`,
  askRemove: (name: string) => `Remove ${name}, with the approvals of its tools?`,
  remove: 'Remove',
  removed: (name: string) => `Removed ${name}.`,
}
