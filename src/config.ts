/**
 * The only reader of the environment and of parley.yaml. It reports all problems at once and never prints a secret.
 * The environment wins over the file.
 */

import { resolve } from 'node:path'
import { embeddingProblems, embeddingSettings, rerankSettings } from './config/embeddings.ts'
import { Environment, isLoopback, secretsIn } from './config/environment.ts'
import { File, readingLimits } from './config/file.ts'
import { mailProblems, mailSettings } from './config/mail.ts'
import {
  cloud,
  configuredModel,
  type ModelServer,
  modelServers,
  ollamaUrl,
  serverProblems,
  transcriber,
} from './config/models.ts'
import { isExposed, type PlatformName, platformProblems, platformSettings } from './config/platforms.ts'
import { type SearchSettings, searchProblems, searchSettings } from './config/search.ts'
import { type SignInSettings, signInProblems, signInSecrets, signInSettings } from './config/sign-in.ts'
import { check, cleaned, readDotEnv, readYaml } from './config/sources.ts'
import { toolServerProblems, toolServers } from './config/tools.ts'
import { withSecretFiles } from './config/variables.ts'
import { ParleyError } from './core/errors.ts'
import { configurationWording } from './wording/startup.ts'

export type Config = ReturnType<typeof settle>

export interface ConfigSources {
  /** Default: `process.env`. It wins over `.env`. */
  env?: NodeJS.ProcessEnv
  /** The folder of `.env` and parley.yaml. */
  cwd?: string
  /** Settings of a command; they win over the environment. */
  overrides?: Record<string, string>
  /** A platform that is being set up: what is still missing for it is no problem. */
  unfinished?: PlatformName
}

/** Reads the whole configuration. Throws `config_invalid`, whose `userMessage` lists every problem on its own line. */
export function readConfig(sources: ConfigSources = {}): Config {
  const { env = process.env, cwd = process.cwd(), overrides = {}, unfinished } = sources
  const problems: string[] = []
  const variables = withSecretFiles(cleaned({ ...readDotEnv(cwd), ...env, ...overrides }), problems)
  const environment = check(Environment, variables, (name) => name, problems)
  const file = check(
    File,
    readYaml(cwd, problems),
    (path) => (path === '' ? configurationWording.theFile : configurationWording.inFile(path)),
    problems,
  )
  if (environment) problems.push(...contradictions(environment, unfinished))
  if (file) problems.push(...serverProblems(file, variables), ...toolServerProblems(file.tools, variables))
  if (file && environment) problems.push(...signInProblems(file.signIn, variables, environment))
  if (file && environment) problems.push(...searchProblems(file.search, variables, environment))
  if (!environment || !file || problems.length > 0) {
    throw new ParleyError('config_invalid', configurationWording.fixSettings(problems))
  }
  const portGiven = env.PORT !== undefined && env.PORT !== ''
  const signIn = signInSettings(file.signIn, variables)
  const search = searchSettings(file.search, variables, environment)
  return settle(environment, file, modelServers(file, variables), {
    ...{ cwd, portGiven, unfinished, signIn, search },
    tools: toolServers(file.tools, variables),
  })
}

/** Rules over several settings. */
function contradictions(environment: Environment, unfinished: PlatformName | undefined): string[] {
  const split = environment.ROLE !== 'all' && environment.DATABASE_URL === undefined
  return [
    ...(split ? [configurationWording.databaseNeeded(environment.ROLE)] : []),
    ...mailProblems(environment),
    ...platformProblems(environment, unfinished),
    ...embeddingProblems(environment),
  ]
}

interface Circumstances {
  cwd: string
  portGiven: boolean
  unfinished: PlatformName | undefined
  signIn: SignInSettings
  search: SearchSettings | undefined
  tools: ReturnType<typeof toolServers>
}

function settle(environment: Environment, file: File, servers: ModelServer[], circumstances: Circumstances) {
  const { cwd, portGiven, unfinished, signIn, search, tools } = circumstances
  const ollama = environment.OLLAMA_HOST === undefined ? undefined : ollamaUrl(environment.OLLAMA_HOST)
  return {
    home: resolve(cwd, environment.PARLEY_HOME),
    databaseUrl: environment.DATABASE_URL,
    redisUrl: environment.REDIS_URL,
    port: environment.PORT,
    /** A worker opens a health port only if PORT is set, because several workers may share a machine. */
    workerPort: portGiven ? environment.PORT : undefined,
    host: environment.HOST,
    loopback: isLoopback(environment.HOST),
    role: environment.ROLE,
    queues: environment.QUEUES,
    logLevel: environment.LOG_LEVEL,
    secret: environment.PARLEY_SECRET,
    /** Values that no log may hold. */
    secrets: [
      ...secretsIn(environment),
      ...servers.flatMap(({ apiKey, secrets = [] }) => [...(apiKey ? [apiKey] : []), ...secrets]),
      ...signInSecrets(signIn),
      ...(search?.provider === 'endpoint' ? search.secrets : []),
      ...tools.secrets,
    ],
    admins: file.admins,
    signIn,
    providers: {
      openai: cloud(environment.OPENAI_API_KEY, environment.OPENAI_BASE_URL),
      anthropic: cloud(environment.ANTHROPIC_API_KEY, environment.ANTHROPIC_BASE_URL),
      ollama: ollama === undefined ? undefined : { baseUrl: ollama },
      servers,
    },
    publicUrl: environment.PUBLIC_URL,
    exposed: isExposed(environment),
    ...platformSettings(environment, file, unfinished),
    transcriber: transcriber(environment),
    search,
    toolServers: tools.servers,
    /** Where programs of servers that were added by command are found. */
    toolPath: tools.path,
    mail: mailSettings(environment),
    memory: file.memory,
    retention: file.retention,
    embeddings: embeddingSettings(file.embeddings, environment, ollama),
    rerank: rerankSettings(file.rerank, environment),
    ffmpegPath: environment.FFMPEG_PATH === undefined ? undefined : resolve(cwd, environment.FFMPEG_PATH),
    models: { default: file.models.default, list: file.models.list.map(configuredModel) },
    timeZone: file.timezone,
    api: file.api,
    webhooks: file.webhooks,
    trustedProxies: file.trustedProxies,
    budgets: file.budgets.map((budget) => ({ ...budget, timeZone: file.timezone })),
    turns: file.turns,
    reading: readingLimits(file.reading),
    limits: { ...file.limits, fileBytes: file.limits.fileMegabytes * 1_000_000 },
  }
}

/** The folder where a command was typed. npm changes to the package's folder and keeps the original in INIT_CWD. */
export function callerFolder(): string {
  return process.env.INIT_CWD ?? process.cwd()
}
