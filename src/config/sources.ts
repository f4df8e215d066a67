/** Where the configuration comes from: the environment, `.env` and parley.yaml, each checked by its schema. */
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parse as parseYaml, YAMLParseError } from 'yaml'
import type { z } from 'zod'

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
    const where =
      error instanceof YAMLParseError && error.linePos
        ? ` (line ${error.linePos[0].line}, column ${error.linePos[0].col})`
        : ''
    const what =
      error instanceof YAMLParseError ? error.message.split('\n')[0]?.replace(/ at line .*$/, '') : 'it cannot be read'
    problems.push(`parley.yaml is not valid YAML${where}: ${what}.`)
    return {}
  }
}

/** Never prints a value: it may be a secret. */
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
        problems.push(
          `${at(path === '' ? key : `${path}.${key}`)} is not a setting that Parley knows. See parley.example.yaml.`,
        )
    } else {
      problems.push(`${at(path)}: ${issue.message.replace(/, received .*$/, '')}`)
    }
  }
  return undefined
}
