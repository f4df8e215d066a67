/** `${NAME}` in a value is an environment variable, and `NAME_FILE` is the file that a secret is read from. */
import { readFileSync } from 'node:fs'
import { searchProblem } from '../wording/search.ts'

const inBraces = /\$\{([A-Z][A-Z0-9_]*)\}/g

export function variablesIn(value: string): string[] {
  return [...value.matchAll(inBraces)].map(([, variable = '']) => variable)
}

/** Headers with their variables filled in, and the values of those variables, which are secrets. */
export function filledHeaders(headers: Record<string, string>, variables: Record<string, string>) {
  const fill = (value: string) => value.replace(inBraces, (_, variable: string) => variables[variable] ?? '')
  return {
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, fill(value)])),
    secrets: Object.values(headers)
      .flatMap(variablesIn)
      .flatMap((variable) => variables[variable] || []),
  }
}

/** Secrets that orchestrators mount as files. */
export const mountable = [
  'BRAVE_API_KEY',
  'TAVILY_API_KEY',
  'EMBEDDINGS_API_KEY',
  'RERANK_API_KEY',
  'SMTP_URL',
] as const

export function withSecretFiles(variables: Record<string, string>, problems: string[]): Record<string, string> {
  const found = { ...variables }
  for (const name of mountable) {
    const path = variables[`${name}_FILE`]
    if (path === undefined) continue
    if (variables[name] !== undefined) problems.push(searchProblem.twice(name))
    try {
      const value = readFileSync(path, 'utf8').trim()
      if (value !== '') found[name] = value
      else problems.push(searchProblem.fileUnreadable(`${name}_FILE`))
    } catch {
      problems.push(searchProblem.fileUnreadable(`${name}_FILE`))
    }
  }
  return found
}
