/** Servers of tools: what parley.yaml says of them. */
import { z } from 'zod'
import { readScope, type Scope } from '../core/scope.ts'
import { ToolRole, type ToolServer, toolServerName } from '../core/tool-servers.ts'
import { settingMust } from '../wording/startup.ts'
import { toolSettingMust as must, toolServerProblem as problem } from '../wording/tool-servers.ts'
import { filledHeaders, variablesIn } from './variables.ts'

export const toolSeconds = { usual: 60, most: 600 }

const Server = z.strictObject({
  name: z.string().regex(toolServerName, settingMust.beServerName),
  /** A program, or the address of a server. */
  command: z.string().min(1).max(1_000).optional(),
  args: z.array(z.string().max(4_000)).default([]),
  env: z.array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, settingMust.beVariableName)).default([]),
  url: z.url({ protocol: /^https?$/, error: settingMust.beUrl }).optional(),
  headers: z
    .record(
      z.string().regex(/^[a-z0-9-]{1,80}$/i),
      z
        .string()
        .max(4_000)
        .regex(/^[\x20-\x7e]*$/, settingMust.beHeaderValue),
    )
    .optional(),
  where: z
    .array(
      z.string().transform((written, context): Scope => {
        const scope = readScope(written)
        if (scope !== undefined) return scope
        context.addIssue(settingMust.beScope)
        return z.NEVER
      }),
    )
    .min(1, must.haveScopes)
    .default(['all']),
  roles: z.array(ToolRole).min(1).default(['member', 'manager', 'admin']),
  local: z.boolean().default(false),
  seconds: z.number().min(1).max(toolSeconds.most).default(toolSeconds.usual),
})

export const Tools = z.strictObject({ servers: z.array(Server).default([]) }).prefault({})
type Tools = z.infer<typeof Tools>

export interface ConfiguredToolServer {
  server: ToolServer
  /** Of a server by HTTP, with the values of its variables. */
  headers: Record<string, string>
  /** What a program finds in its environment. */
  variables: Record<string, string>
}

export function toolServerProblems({ servers }: Tools, variables: Record<string, string>): string[] {
  const names = servers.map(({ name }) => name)
  return [
    ...names.filter((name, at) => names.indexOf(name) !== at).map(problem.twice),
    ...servers.flatMap(({ name, command, url, args, env, headers = {} }) => {
      const ofHttp = variablesIn(Object.values(headers).join('\n'))
      const missing = [...env, ...ofHttp].filter((variable) => variables[variable] === undefined)
      const mixed =
        (command === undefined && args.length + env.length > 0) ||
        (url === undefined && Object.keys(headers).length > 0)
      return [
        ...((command === undefined) === (url === undefined) ? [problem.commandOrUrl(name)] : []),
        ...(mixed ? [problem.mixed(name)] : []),
        ...[...new Set(missing)].map((variable) => problem.variableMissing(name, variable)),
      ]
    }),
  ]
}

/** For settings without problems. */
export function toolServers({ servers }: Tools, variables: Record<string, string>) {
  const all = servers.map(({ command, args, env, url = '', headers, ...rest }): ConfiguredToolServer => {
    const at: ToolServer['at'] = command === undefined ? { kind: 'http', url } : { kind: 'stdio', command, args, env }
    return {
      server: { ...rest, at },
      headers: filledHeaders(headers ?? {}, variables).headers,
      variables: Object.fromEntries(['PATH', ...env].map((name) => [name, variables[name] ?? ''])),
    }
  })
  const secrets = servers.flatMap(({ env, headers = {} }) => [
    ...filledHeaders(headers, variables).secrets,
    // Redacting shorter ones would hide ordinary words.
    ...env.flatMap((name) => variables[name] ?? []).filter(({ length }) => length >= 8),
  ])
  return { servers: all, secrets, path: variables.PATH }
}
