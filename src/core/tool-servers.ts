/**
 * Servers that offer tools by the Model Context Protocol: how they are reached, who may use them, what they say of their tools, and which
 * of these an admin has approved. src/tools/mcp/ talks to them.
 */
import { z } from 'zod'
import { Json } from './json.ts'
import type { Changer } from './person.ts'
import { isScope, type Scope } from './scope.ts'

/** Without `_`, which ends it in the names of its tools. */
export const toolServerName = /^[a-z][a-z0-9-]{0,30}$/

/** Whose questions may use a server, by what they are in the place of the question. */
export type ToolRole = z.infer<typeof ToolRole>
export const ToolRole = z.enum(['guest', 'member', 'manager', 'admin'])

export type ToolServerAddress = z.infer<typeof ToolServerAddress>
export const ToolServerAddress = z.discriminatedUnion('kind', [
  /** A program on this machine. `env` names the variables that it is given beside PATH. */
  z.object({
    kind: z.literal('stdio'),
    command: z.string(),
    args: z.array(z.string()),
    env: z.array(z.string()),
  }),
  /** Streamable HTTP. */
  z.object({ kind: z.literal('http'), url: z.string() }),
])

export type ToolServer = z.infer<typeof ToolServer>
export const ToolServer = z.object({
  name: z.string(),
  at: ToolServerAddress,
  /** The places and people that it is for; never empty. */
  where: z.array(z.custom<Scope>((value) => typeof value === 'string' && isScope(value))),
  roles: z.array(ToolRole),
  /** It sends nothing out of the network, as an admin says. */
  local: z.boolean(),
  /** How long one call may take. */
  seconds: z.number(),
})

/** What a server says of one of its tools: untrusted data. */
export type ToolDefinition = z.infer<typeof ToolDefinition>
export const ToolDefinition = z.object({
  name: z.string(),
  title: z.string().optional(),
  description: z.string().optional(),
  inputSchema: z.record(z.string(), Json),
  annotations: z.record(z.string(), Json).optional(),
})

/** A tool as it was last listed by its server. */
export interface KnownTool {
  server: string
  name: string
  /** Of the definition and of how its server is reached. */
  hash: string
  definition: ToolDefinition
  /** Whether the server still lists it. */
  listed: boolean
  /** What an admin has approved, which may be another definition than the present one. */
  approved?: { hash: string; definition: ToolDefinition; reads: boolean; by: string; at: Date } | undefined
}

/** Whether models may be offered a tool: its definition is the approved one. */
export const isApproved = ({ listed, hash, approved }: KnownTool): boolean => listed && approved?.hash === hash

/** Whether its server says that it only reads. */
export const saysItReads = ({ annotations }: ToolDefinition): boolean => annotations?.readOnlyHint === true

export interface ToolServerStore {
  /** Those that were added by command. */
  servers(): Promise<ToolServer[]>
  /** `false`: there is one of this name already. */
  add(server: ToolServer, by: Changer): Promise<boolean>
  /** Its definitions and approvals go with it. `false`: there was none. */
  remove(name: string, by: Changer): Promise<boolean>
  /** Everything that a server lists now. */
  list(server: string, tools: readonly Pick<KnownTool, 'name' | 'hash' | 'definition'>[]): Promise<void>
  /** By server and name. */
  tools(servers: readonly string[]): Promise<KnownTool[]>
  /** Approves these definitions and no others. Returns the names of those that still have them. */
  approve(
    server: string,
    tools: readonly { name: string; hash: string; reads: boolean }[],
    by: Changer,
  ): Promise<string[]>
  /** `false`: it was not approved. */
  revoke(server: string, name: string, by: Changer): Promise<boolean>
}
