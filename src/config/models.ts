/** The servers that write and those that hear: where they are, with which keys, and what is known of their models. */
import type { ConfiguredModel } from '../models/catalogue.ts'
import type { Environment } from './environment.ts'
import type { File } from './file.ts'

export type TranscriberSettings =
  | { dialect: 'openai'; url: string; model: string; apiKey?: string }
  | { dialect: 'asr'; url: string; apiKey?: string }

export interface ModelServer {
  name: string
  baseUrl: string
  apiKey?: string
}

export function modelServers({ models }: File, variables: Record<string, string>): ModelServer[] {
  return models.servers.map(({ name, url, keyVariable }) => {
    const apiKey = keyVariable === undefined ? undefined : variables[keyVariable]
    return { name, baseUrl: url, apiKey }
  })
}

const builtInProviders = ['openai', 'anthropic', 'ollama', 'transcriber']

export function serverProblems({ models }: File, variables: Record<string, string>): string[] {
  const names = models.servers.map(({ name }) => name)
  const known = [...builtInProviders, ...names]
  return [
    ...names
      .filter((name, at) => known.indexOf(name) !== builtInProviders.length + at || name === 'extractive')
      .map((name) => `parley.yaml: models.servers: the name ${name} is taken; give this server another one.`),
    ...models.servers.flatMap(({ name, keyVariable }) =>
      keyVariable === undefined || variables[keyVariable] !== undefined
        ? []
        : [`parley.yaml: models.servers: ${name} wants its key in ${keyVariable}, which is not set.`],
    ),
    ...models.list
      .filter(({ provider }) => !known.includes(provider))
      .map(({ id, provider }) => `parley.yaml: models.list: ${id} is of ${provider}; known are ${known.join(', ')}.`),
  ]
}

/** A key goes only to the server that it was given for: OpenAI's to OpenAI alone. */
export function transcriber(environment: Environment): TranscriberSettings | undefined {
  const { TRANSCRIBE_URL: url, TRANSCRIBE_MODEL: model = 'whisper-1', TRANSCRIBE_API_KEY: key } = environment
  const apiKey = key === undefined ? {} : { apiKey: key }
  if (url !== undefined)
    return new URL(url).pathname.replace(/\/$/, '').endsWith('/asr')
      ? { dialect: 'asr', url, ...apiKey }
      : { dialect: 'openai', url, model, ...apiKey }
  if (environment.OPENAI_API_KEY === undefined || environment.OPENAI_BASE_URL !== undefined) return undefined
  return { dialect: 'openai', url: 'https://api.openai.com/v1', model, apiKey: environment.OPENAI_API_KEY }
}

export function configuredModel(model: File['models']['list'][number]): ConfiguredModel {
  const set = Object.fromEntries(Object.entries(model).filter(([, value]) => value !== undefined))
  return { ...set, id: model.id, provider: model.provider }
}

/** Asked for by its key, or by an address that may want none. */
export function cloud(apiKey: string | undefined, baseUrl: string | undefined) {
  return apiKey === undefined && baseUrl === undefined ? undefined : { apiKey, baseUrl }
}

/** Ollama's own variable is often a bare `host:port`, or a host alone, which means Ollama's port. */
export function ollamaUrl(host: string): string {
  if (/^https?:\/\//.test(host)) return host
  const url = new URL(`http://${host}`)
  if (url.port === '' && !/:80\/?$/.test(host)) url.port = '11434'
  return url.href.replace(/\/$/, '')
}
