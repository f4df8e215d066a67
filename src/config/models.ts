/** Model servers and the transcription server: their addresses, keys and configured models. */

import type { ConfiguredModel } from '../models/catalogue.ts'
import { configurationWording } from '../wording/startup.ts'
import type { Environment } from './environment.ts'
import type { File } from './file.ts'
import { filledHeaders, variablesIn } from './variables.ts'

export type TranscriberSettings =
  | { dialect: 'openai'; url: string; model: string; apiKey?: string | undefined }
  | { dialect: 'asr'; url: string; apiKey?: string | undefined }

export interface ModelServer {
  name: string
  baseUrl: string
  apiKey?: string | undefined
  headers?: Record<string, string> | undefined
  /** Values of variables within the headers. */
  secrets?: string[] | undefined
}

export function modelServers({ models }: File, variables: Record<string, string>): ModelServer[] {
  return models.servers.map(({ name, url, keyVariable, headers }) => {
    const apiKey = keyVariable === undefined ? undefined : variables[keyVariable]
    if (headers === undefined) return { name, baseUrl: url, apiKey }
    return { name, baseUrl: url, apiKey, ...filledHeaders(headers, variables) }
  })
}

const builtInProviders = ['openai', 'anthropic', 'ollama', 'transcriber', 'embeddings']

export function serverProblems({ models }: File, variables: Record<string, string>): string[] {
  const names = models.servers.map(({ name }) => name)
  const known = [...builtInProviders, ...names]
  return [
    ...names
      .filter((name, at) => known.indexOf(name) !== builtInProviders.length + at || name === 'extractive')
      .map((name) => configurationWording.serverNameTaken(name)),
    ...models.servers.flatMap(({ name, keyVariable }) =>
      keyVariable === undefined || variables[keyVariable] !== undefined
        ? []
        : [configurationWording.serverKeyMissing(name, keyVariable)],
    ),
    ...models.servers.flatMap(({ name, headers = {} }) =>
      Object.entries(headers).flatMap(([header, value]) =>
        variablesIn(value)
          .filter((variable) => variables[variable] === undefined)
          .map((variable) => configurationWording.serverHeaderMissing(name, header, variable)),
      ),
    ),
    ...models.list
      .filter(({ provider }) => !known.includes(provider))
      .map(({ id, provider }) => configurationWording.providerUnknown(id, provider, known)),
  ]
}

/** A key is sent only to its own server: OpenAI's key goes to OpenAI alone. */
export function transcriber(environment: Environment): TranscriberSettings | undefined {
  const { TRANSCRIBE_URL: url, TRANSCRIBE_MODEL: model = 'whisper-1', TRANSCRIBE_API_KEY: key } = environment
  if (url !== undefined)
    return new URL(url).pathname.replace(/\/$/, '').endsWith('/asr')
      ? { dialect: 'asr', url, apiKey: key }
      : { dialect: 'openai', url, model, apiKey: key }
  if (environment.OPENAI_API_KEY === undefined || environment.OPENAI_BASE_URL !== undefined) return undefined
  return { dialect: 'openai', url: 'https://api.openai.com/v1', model, apiKey: environment.OPENAI_API_KEY }
}

export function configuredModel(model: File['models']['list'][number]): ConfiguredModel {
  const set = Object.fromEntries(Object.entries(model).filter(([, value]) => value !== undefined))
  return { ...set, id: model.id, provider: model.provider }
}

/** Configured by a key, or by an address that may need none. */
export function cloud(apiKey: string | undefined, baseUrl: string | undefined) {
  return apiKey === undefined && baseUrl === undefined ? undefined : { apiKey, baseUrl }
}

/** OLLAMA_HOST is often just `host:port`, or a host alone, which means Ollama's default port. */
export function ollamaUrl(host: string): string {
  if (/^https?:\/\//.test(host)) return host
  const url = new URL(`http://${host}`)
  if (url.port === '' && !/:80\/?$/.test(host)) url.port = '11434'
  return url.href.replace(/\/$/, '')
}
