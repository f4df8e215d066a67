/** Reads the environment, `.env` and parley.yaml, and checks each against its schema. */

import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parse as parseYaml, YAMLParseError } from 'yaml'
import type { z } from 'zod'
import { configurationWording, settingMust } from '../wording/startup.ts'

/** An empty variable, as compose files write for an unset one, counts as unset. */
export function cleaned(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      value === undefined || value.trim() === '' ? [] : [[name, value.trim()]],
    ),
  )
}

export function readDotEnv(cwd: string): Record<string, string> {
  const path = resolve(cwd, '.env')
  if (!existsSync(path)) return {}
  const values: Record<string, string> = {}
  for (const line of readFileSync(path, 'utf8').split(/\r?\n/)) {
    const match = /^\s*(?:export\s+)?([A-Z][A-Z0-9_]*)\s*=\s*(.*?)\s*$/.exec(line)
    if (match?.[1]) values[match[1]] = (match[2] ?? '').replace(/^(["'])(.*)\1$/, '$2')
  }
  return values
}

export function readYaml(cwd: string, problems: string[]): unknown {
  const path = resolve(cwd, 'parley.yaml')
  if (!existsSync(path)) return {}
  try {
    return parseYaml(readFileSync(path, 'utf8')) ?? {}
  } catch (error) {
    const parsing = error instanceof YAMLParseError ? error : undefined
    const at = parsing?.linePos?.[0]
    const reason = parsing?.message.split('\n')[0]?.replace(/ at line .*$/, '')
    problems.push(configurationWording.invalidYaml(at && { line: at.line, column: at.col }, reason))
    return {}
  }
}

/** Never prints a value, because it may be a secret. */
export function check<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  at: (path: string) => string,
  problems: string[],
): z.infer<Schema> | undefined {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  for (const issue of result.error.issues) {
    const path = issue.path.map(String).join('.')
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys)
        problems.push(configurationWording.unknownSetting(at(path === '' ? key : `${path}.${key}`)))
    } else {
      problems.push(configurationWording.problem(at(path), describeIssue(issue)))
    }
  }
  return undefined
}

/** Completes the sentence that starts with the setting's name. Messages of the schema itself already do. */
function describeIssue(issue: z.core.$ZodIssue): string {
  if (issue.message.startsWith('must ')) return issue.message
  switch (issue.code) {
    case 'invalid_type':
      return settingMust.beOfType(issue.expected)
    case 'invalid_value':
      return settingMust.beOneOf(issue.values.map(String))
    case 'too_small':
      return settingMust.beAtLeast(Number(issue.minimum), unitOf(issue.origin), issue.inclusive !== false)
    case 'too_big':
      return settingMust.beAtMost(Number(issue.maximum), unitOf(issue.origin))
    case 'invalid_key':
      return settingMust.beKnownName
    default:
      return settingMust.beValid
  }
}

function unitOf(origin: string): 'number' | 'characters' | 'entries' {
  return origin === 'string'
    ? 'characters'
    : origin === 'array' || origin === 'set' || origin === 'map'
      ? 'entries'
      : 'number'
}
