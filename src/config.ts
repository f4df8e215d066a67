/**
 * The only reader of the environment and of parley.yaml. Every problem is told at once, and no secret is ever printed.
 * The environment wins over the file.
 */
import { existsSync, readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { resolve } from 'node:path'
import querystring from 'node:querystring'
import { parse as parseYaml, YAMLParseError } from 'yaml'
import { z } from 'zod'
import { ParleyError } from './core/errors.ts'
import { decimalUsd, usd } from './core/money.ts'
import type { Scope } from './core/scope.ts'
import { isTimeZone, periods } from './core/window.ts'
import { families, type LimitOverrides, type Limits } from './media/limits.ts'
import { type ConfiguredModel, tiers } from './models/catalogue.ts'
import { readPrice } from './models/stated-price.ts'

const url = z.url({ protocol: /^https?$/, error: 'wants an address that starts with http:// or https://' })
const whole = (least: number, most: number) => z.coerce.number().int().min(least).max(most)
const list = <const Values extends readonly [string, ...string[]]>(values: Values) =>
  z
    .string()
    .transform((text) => text.split(',').map((each) => each.trim()))
    .pipe(z.array(z.enum(values)).min(1))

/** THE table of environment variables; `.env.example` holds the same names, by a test. */
export const Environment = z.object({
  PARLEY_HOME: z.string().min(1).default('.parley'),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'wants an address that starts with postgres://')
    .optional(),
  REDIS_URL: z
    .string()
    .regex(/^(?:rediss?:\/)?\//, 'wants an address that starts with redis://, or the path of a socket')
    .optional(),
  PORT: whole(0, 65_535).default(8787),
  HOST: z.string().min(1).default('127.0.0.1'),
  ROLE: z.enum(['all', 'gateway', 'worker']).default('all'),
  QUEUES: list(['turn', 'media', 'system']).default(['turn', 'media', 'system']),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  /** Encrypts the secrets that Parley stores. */
  PARLEY_SECRET: z.string().min(16, 'wants at least 16 characters: `openssl rand -hex 32` gives a good one').optional(),
  /** Where people and platforms reach this port from outside. */
  PUBLIC_URL: url.optional(),
  SLACK_BOT_TOKEN: z.string().startsWith('xoxb-', 'wants a bot token, which starts with xoxb-').optional(),
  SLACK_SIGNING_SECRET: z.string().min(8).optional(),
  SLACK_APP_TOKEN: z.string().startsWith('xapp-', 'wants an app-level token, which starts with xapp-').optional(),
  SLACK_API_URL: url.optional(),
  SLACK_CLIENT_ID: z.string().min(1).optional(),
  SLACK_CLIENT_SECRET: z.string().min(1).optional(),
  OPENAI_API_KEY: z.string().min(1).optional(),
  OPENAI_BASE_URL: url.optional(),
  ANTHROPIC_API_KEY: z.string().min(1).optional(),
  ANTHROPIC_BASE_URL: url.optional(),
  OLLAMA_HOST: z
    .string()
    .refine(
      (host) => URL.canParse(/^https?:\/\//.test(host) ? host : `http://${host}`),
      'wants an address such as 127.0.0.1:11434',
    )
    .optional(),
  TRANSCRIBE_URL: url.optional(),
  TRANSCRIBE_MODEL: z.string().min(1).optional(),
  TRANSCRIBE_API_KEY: z.string().min(1).optional(),
  FFMPEG_PATH: z.string().min(1).optional(),
  DISCORD_TOKEN: z.string().min(1).optional(),
  DISCORD_API_URL: url.optional(),
  TEAMS_CLIENT_ID: z.string().min(1).optional(),
  TEAMS_CLIENT_SECRET: z.string().min(1).optional(),
  TEAMS_TENANT_ID: z.string().min(1).optional(),
  TEAMS_OPENID_METADATA_URL: url
    .endsWith('/openidconfiguration', 'wants an address that ends in /openidconfiguration')
    .optional(),
  TEAMS_TOKEN_ISSUER: z.string().min(1).optional(),
  TEAMS_AUTH: z.enum(['on', 'off']).default('on'),
  TEAMS_LOGIN_URL: url.optional(),
  TEAMS_GRAPH_URL: url.optional(),
  TEAMS_SERVICE_URL: url.optional(),
})

/** Decimal USD, kept as its text: prices are never floats. */
const Amount = z.union([z.string(), z.number()]).transform((value, context) => {
  try {
    return decimalUsd(usd(String(value)))
  } catch {
    context.addIssue('wants USD with at most nine decimals, such as 0.15')
    return z.NEVER
  }
})

const Price = z
  .strictObject({
    input: Amount.optional(),
    output: Amount.optional(),
    cacheRead: Amount.optional(),
    cacheWrite: Amount.optional(),
    cacheWrite1h: Amount.optional(),
    perHour: Amount.optional(),
    concurrency: z.int().min(1).max(10_000).optional(),
    perAudioHour: Amount.optional(),
  })
  .transform(({ perHour, concurrency, perAudioHour, input, output, ...cache }, context) => {
    const perToken = [input, output, ...Object.values(cache)].some((amount) => amount !== undefined)
    const ways = [perToken, perHour !== undefined || concurrency !== undefined, perAudioHour !== undefined]
    if (ways.filter(Boolean).length === 1) {
      if (perHour !== undefined) return readPrice({ perHour, concurrency })
      if (perAudioHour !== undefined) return readPrice({ perAudioHour })
      if (input !== undefined && output !== undefined) return readPrice({ input, output, ...cache })
    }
    context.addIssue(
      'wants one of these: input and output in USD per million tokens, perHour in USD per hour of the hardware, perAudioHour in USD per hour of sound',
    )
    return z.NEVER
  })

const Budget = z
  .strictObject({
    scope: z
      .string()
      .regex(
        /^(?:all|workspace:[^/]+\/[^/]+|channel:[^/]+\/[^/]+\/[^/]+|user:[^/]+\/[^/]+\/[^/]+|model:[^/]+\/[^/]+|key:[^/]+)$/,
        'wants all, workspace:slack/T1, channel:slack/T1/C1, user:slack/T1/U1, model:openai/gpt-5 or key:<id>',
      ),
    period: z.enum(periods),
    usd: Amount,
  })
  .transform(({ scope, period, usd: amount }) => ({ scope: scope as Scope, period, amount: usd(amount) }))

/** The shape of parley.yaml; `parley.example.yaml` shows every key, by a test. */
export const File = z.strictObject({
  /** Of the whole installation. Each workspace's own owners are admins of their workspace without being named here. */
  admins: z
    .array(
      z.string().regex(/^[^/\s]+\/[^/\s]+\/[^/\s]+$/, 'wants platform/workspace/person, such as slack/T0123/U0456'),
    )
    .default([]),
  models: z
    .strictObject({
      default: z.string().min(1).optional(),
      /** Servers that speak Chat Completions, beside the one of OPENAI_BASE_URL. */
      servers: z
        .array(
          z.strictObject({
            name: z.string().regex(/^[a-z][a-z0-9-]{0,30}$/, 'wants a short name in small letters, such as gpu'),
            url,
            /** The environment variable that holds the key. */
            keyVariable: z
              .string()
              .regex(/^[A-Z][A-Z0-9_]*$/, 'wants the name of an environment variable, never the key itself')
              .optional(),
          }),
        )
        .default([]),
      list: z
        .array(
          z.strictObject({
            id: z.string().min(1),
            provider: z.string().min(1),
            label: z.string().min(1).max(80).optional(),
            alias: z
              .string()
              .regex(/^[\p{L}\p{N}][\p{L}\p{N}._-]{0,63}$/u, 'wants one word, such as fast')
              .optional(),
            tier: z.enum(tiers).optional(),
            local: z.boolean().optional(),
            vision: z.boolean().optional(),
            audio: z.boolean().optional(),
            tools: z.boolean().optional(),
            contextWindow: z.int().min(1024).optional(),
            maxOutputTokens: z.int().min(16).optional(),
            price: Price.optional(),
          }),
        )
        .default([]),
    })
    .prefault({}),
  /** In whose days, weeks and months budgets reset, unless an admin has set another. */
  timezone: z
    .string()
    .refine(isTimeZone, 'wants an IANA time zone, such as Europe/Berlin, America/New_York or UTC')
    .default('UTC'),
  budgets: z
    .array(Budget)
    .refine(
      (budgets) => new Set(budgets.map(({ scope, period }) => `${period} ${scope}`)).size === budgets.length,
      'names one scope and period twice',
    )
    .default([]),
  discord: z.strictObject({ shards: z.int().min(1).max(1000).optional() }).prefault({}),
  teams: z
    .strictObject({
      tenants: z.array(z.guid('wants the id of a tenant')).default([]),
      fileHosts: z.array(z.string().regex(/^[\w.-]+(?::\d+)?$/, 'wants a host, such as files.example.com')).default([]),
      streamSeconds: z.number().min(1).max(110).default(100),
    })
    .prefault({}),
  turns: z
    .strictObject({
      concurrency: z.int().min(1).max(1000).default(200),
      readers: z.int().min(1).max(64).default(2),
    })
    .prefault({}),
  limits: z
    .strictObject({
      fileMegabytes: z.number().positive().max(2000).default(100),
      filesPerMessage: z.int().min(1).max(20).default(10),
      messageCharacters: z.int().min(1000).max(1_000_000).default(100_000),
      promptTokens: z.int().min(1000).default(60_000),
    })
    .prefault({}),
  /** By family of formats; what is not set keeps its default (src/media/limits.ts). */
  reading: z
    .partialRecord(
      z.enum(families),
      z.strictObject({
        megabytes: z.number().positive().optional(),
        seconds: z.number().positive().optional(),
        memoryMegabytes: z.number().min(192).optional(),
        pages: z.int().min(1).optional(),
        rows: z.int().min(1).optional(),
        characters: z.int().min(1000).optional(),
        minutes: z.number().positive().optional(),
        frames: z.int().min(1).max(100).optional(),
        megapixels: z.number().positive().optional(),
        unpackedMegabytes: z.number().positive().optional(),
        ratio: z.number().min(1).optional(),
        entries: z.int().min(1).optional(),
        files: z.int().min(1).optional(),
        ocrPages: z.int().min(0).optional(),
        ocrSeconds: z.number().min(0).optional(),
      }),
    )
    .default({}),
})

export type TranscriberSettings =
  | { dialect: 'openai'; url: string; model: string; apiKey?: string }
  | { dialect: 'asr'; url: string; apiKey?: string }

export type Config = ReturnType<typeof settle>

export interface ConfigSources {
  /** Default: the process's own. It wins over `.env`. */
  env?: NodeJS.ProcessEnv
  /** Where `.env` and parley.yaml lie. */
  cwd?: string
  /** What a command decides, whatever the environment says. */
  overrides?: Record<string, string>
}

/** Reads the whole configuration. Throws `config_invalid`, whose `tell` lists every problem, one a line. */
export function readConfig({ env = process.env, cwd = process.cwd(), overrides = {} }: ConfigSources = {}): Config {
  const problems: string[] = []
  const variables = cleaned({ ...readDotEnv(cwd), ...env, ...overrides })
  const environment = check(Environment, variables, (name) => name, problems)
  const file = check(File, readYaml(cwd, problems), (path) => `parley.yaml: ${path}`, problems)
  if (environment) problems.push(...contradictions(environment))
  if (file) problems.push(...serverProblems(file, variables))
  if (!environment || !file || problems.length > 0) {
    const many = problems.length === 1 ? 'one thing' : `${problems.length} things`
    throw new ParleyError(
      'config_invalid',
      `Parley cannot start: ${many} in its configuration must be mended.\n${problems.map((each) => `  - ${each}`).join('\n')}`,
    )
  }
  const servers = file.models.servers.map(({ name, url: baseUrl, keyVariable }) => {
    const apiKey = keyVariable === undefined ? undefined : variables[keyVariable]
    return { name, baseUrl, ...(apiKey === undefined ? {} : { apiKey }) }
  })
  return settle(environment, file, servers, cwd, env.PORT !== undefined && env.PORT !== '')
}

const builtInProviders = ['openai', 'anthropic', 'ollama', 'transcriber']

function serverProblems({ models }: z.infer<typeof File>, variables: Record<string, string>): string[] {
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

/** Rules over several settings. */
function contradictions(environment: z.infer<typeof Environment>): string[] {
  const split = environment.ROLE !== 'all' && environment.DATABASE_URL === undefined
  return [
    ...(split
      ? [
          `ROLE=${environment.ROLE} runs beside other processes and needs their DATABASE_URL. Set it, or leave ROLE out to run everything in one process.`,
        ]
      : []),
    ...slackContradictions(environment),
    ...teamsContradictions(environment),
  ]
}

function slackContradictions(environment: z.infer<typeof Environment>): string[] {
  const { SLACK_CLIENT_ID: id, SLACK_CLIENT_SECRET: secret, SLACK_APP_TOKEN: app, ROLE } = environment
  const { SLACK_BOT_TOKEN: bot, SLACK_SIGNING_SECRET: signing } = environment
  if ([id, secret, app, bot, signing].every((value) => value === undefined)) return []
  const oauth = id !== undefined || secret !== undefined
  const wanting = (names: string[], why: string) => `Slack is configured by half: set ${names.join(' and ')}, ${why}.`
  const problems: string[] = []
  if (bot === undefined && !oauth) problems.push(wanting(['SLACK_BOT_TOKEN'], 'which Parley answers with'))
  if (signing === undefined && app === undefined && ROLE !== 'worker')
    problems.push(
      wanting(['SLACK_SIGNING_SECRET (events over HTTP) or SLACK_APP_TOKEN (Socket Mode)'], 'how events come in'),
    )
  if (!oauth) return problems
  const needed = { SLACK_CLIENT_ID: id, SLACK_CLIENT_SECRET: secret, PARLEY_SECRET: environment.PARLEY_SECRET }
  const inbound = ROLE === 'worker' ? {} : { SLACK_SIGNING_SECRET: signing, PUBLIC_URL: environment.PUBLIC_URL }
  const missing = Object.entries({ ...needed, ...inbound }).flatMap(([name, value]) =>
    value === undefined ? [name] : [],
  )
  return missing.length === 0 ? problems : [...problems, wanting(missing, 'for installation by several workspaces')]
}

function slackSettings(environment: z.infer<typeof Environment>) {
  const { SLACK_CLIENT_ID: clientId, SLACK_CLIENT_SECRET: clientSecret } = environment
  const { SLACK_BOT_TOKEN: botToken, SLACK_SIGNING_SECRET: signingSecret, SLACK_APP_TOKEN: appToken } = environment
  if (botToken === undefined && clientId === undefined) return undefined
  const { SLACK_API_URL: apiUrl, PUBLIC_URL: publicUrl } = environment
  return {
    ...(botToken === undefined ? {} : { botToken }),
    ...(signingSecret === undefined ? {} : { signingSecret }),
    ...(appToken === undefined ? {} : { appToken }),
    ...(apiUrl === undefined ? {} : { apiUrl }),
    ...(publicUrl === undefined ? {} : { publicUrl }),
    ...(clientId === undefined || clientSecret === undefined ? {} : { oauth: { clientId, clientSecret } }),
  }
}

interface ModelServer {
  name: string
  baseUrl: string
  apiKey?: string
}

function settle(
  environment: z.infer<typeof Environment>,
  file: z.infer<typeof File>,
  servers: ModelServer[],
  cwd: string,
  portGiven: boolean,
) {
  return {
    home: resolve(cwd, environment.PARLEY_HOME),
    databaseUrl: environment.DATABASE_URL,
    redisUrl: environment.REDIS_URL,
    port: environment.PORT,
    /** A worker opens a port for its health only when told which: several may share a machine. */
    workerPort: portGiven ? environment.PORT : undefined,
    host: environment.HOST,
    loopback: isLoopback(environment.HOST),
    role: environment.ROLE,
    queues: environment.QUEUES,
    logLevel: environment.LOG_LEVEL,
    secret: environment.PARLEY_SECRET,
    /** Values that no log may hold. */
    secrets: secretsIn(environment),
    admins: file.admins,
    providers: {
      openai: cloud(environment.OPENAI_API_KEY, environment.OPENAI_BASE_URL),
      anthropic: cloud(environment.ANTHROPIC_API_KEY, environment.ANTHROPIC_BASE_URL),
      ollama: environment.OLLAMA_HOST === undefined ? undefined : { baseUrl: ollamaUrl(environment.OLLAMA_HOST) },
      servers,
    },
    publicUrl: environment.PUBLIC_URL,
    slack: slackSettings(environment),
    discord: discord(environment, file),
    teams: teamsSettings(environment, file),
    transcriber: transcriber(environment),
    ffmpegPath: environment.FFMPEG_PATH === undefined ? undefined : resolve(cwd, environment.FFMPEG_PATH),
    models: { default: file.models.default, list: file.models.list.map(configuredModel) },
    timeZone: file.timezone,
    budgets: file.budgets.map((budget) => ({ ...budget, timeZone: file.timezone })),
    turns: file.turns,
    reading: readingLimits(file.reading),
    limits: { ...file.limits, fileBytes: file.limits.fileMegabytes * 1_000_000 },
  }
}

function teamsContradictions(environment: z.infer<typeof Environment>): string[] {
  const { TEAMS_CLIENT_ID: id, TEAMS_CLIENT_SECRET: secret, TEAMS_AUTH: auth, HOST } = environment
  const problems: string[] = []
  if (auth === 'off' && !isLoopback(HOST))
    problems.push(
      `TEAMS_AUTH=off takes messages from whoever reaches the port, and is for this machine alone: leave it out, or HOST=${HOST}.`,
    )
  if ((id === undefined) !== (secret === undefined))
    problems.push(
      `Teams is configured by half: set ${id === undefined ? 'TEAMS_CLIENT_ID' : 'TEAMS_CLIENT_SECRET'}, too, of the same app registration.`,
    )
  return problems
}

function teamsSettings(environment: z.infer<typeof Environment>, { teams }: z.infer<typeof File>) {
  const { TEAMS_CLIENT_ID: clientId, TEAMS_CLIENT_SECRET: clientSecret, TEAMS_TENANT_ID: tenantId } = environment
  const unchecked = environment.TEAMS_AUTH === 'off'
  if (clientId === undefined && !unchecked) return undefined
  const addresses = {
    openIdMetadataUrl: environment.TEAMS_OPENID_METADATA_URL,
    tokenIssuer: environment.TEAMS_TOKEN_ISSUER,
    loginUrl: environment.TEAMS_LOGIN_URL,
    graphUrl: environment.TEAMS_GRAPH_URL,
    serviceUrl: environment.TEAMS_SERVICE_URL,
  }
  return {
    ...present({ clientId, clientSecret, tenantId, ...addresses }),
    unchecked,
    // An app of one organisation serves that one, unless more are named.
    tenants: [...new Set([...(tenantId === undefined ? [] : [tenantId]), ...teams.tenants])],
    fileHosts: teams.fileHosts.map((host) => host.toLowerCase()),
    streamMs: teams.streamSeconds * 1000,
  }
}

/** Those that are set. */
function present<Name extends string>(values: Record<Name, string | undefined>): { [Each in Name]?: string } {
  const set: { [Each in Name]?: string } = {}
  for (const name in values) {
    const value = values[name]
    if (value !== undefined) set[name] = value
  }
  return set
}

function discord(
  { DISCORD_TOKEN: token, DISCORD_API_URL: apiUrl }: z.infer<typeof Environment>,
  file: z.infer<typeof File>,
) {
  if (token === undefined) return undefined
  const { shards } = file.discord
  return { token, ...(apiUrl === undefined ? {} : { apiUrl }), ...(shards === undefined ? {} : { shards }) }
}

/** Keys and tokens by their names, and the passwords of addresses. */
function secretsIn(environment: z.infer<typeof Environment>): string[] {
  return Object.entries(environment).flatMap(([name, value]) => {
    if (typeof value !== 'string') return []
    if (/_(?:KEY|SECRET|TOKEN)$/.test(name)) return [value]
    const password = URL.canParse(value) ? new URL(value).password : ''
    // Shorter ones would blot out ordinary words.
    return [...new Set([password, querystring.unescape(password)])].filter(({ length }) => length >= 6)
  })
}

/** A key goes only to the server that it was given for: OpenAI's to OpenAI alone. */
function transcriber(environment: z.infer<typeof Environment>): TranscriberSettings | undefined {
  const { TRANSCRIBE_URL: url, TRANSCRIBE_MODEL: model = 'whisper-1', TRANSCRIBE_API_KEY: key } = environment
  const apiKey = key === undefined ? {} : { apiKey: key }
  if (url !== undefined)
    return new URL(url).pathname.replace(/\/$/, '').endsWith('/asr')
      ? { dialect: 'asr', url, ...apiKey }
      : { dialect: 'openai', url, model, ...apiKey }
  if (environment.OPENAI_API_KEY === undefined || environment.OPENAI_BASE_URL !== undefined) return undefined
  return { dialect: 'openai', url: 'https://api.openai.com/v1', model, apiKey: environment.OPENAI_API_KEY }
}

function configuredModel(model: z.infer<typeof File>['models']['list'][number]): ConfiguredModel {
  const set = Object.fromEntries(Object.entries(model).filter(([, value]) => value !== undefined))
  return { ...set, id: model.id, provider: model.provider }
}

function readingLimits(reading: z.infer<typeof File>['reading']): LimitOverrides {
  const overrides: LimitOverrides = {}
  for (const family of families) {
    const set = reading[family]
    if (set === undefined) continue
    const { megabytes, memoryMegabytes, ...rest } = set
    const all: { [Name in keyof Limits]: Limits[Name] | undefined } = {
      bytes: megabytes === undefined ? undefined : megabytes * 1e6,
      memoryMb: memoryMegabytes,
      seconds: rest.seconds,
      pages: rest.pages,
      rows: rest.rows,
      characters: rest.characters,
      minutes: rest.minutes,
      frames: rest.frames,
      ...(rest.megapixels === undefined ? {} : { pixels: rest.megapixels * 1e6 }),
      ...(rest.unpackedMegabytes === undefined ? {} : { unpackedBytes: rest.unpackedMegabytes * 1e6 }),
      ratio: rest.ratio,
      entries: rest.entries,
      files: rest.files,
      ocrPages: rest.ocrPages,
      ocrSeconds: rest.ocrSeconds,
    }
    overrides[family] = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
  }
  return overrides
}

/** The folder a command was called from: npm moves to the package's own and keeps it here. */
export function callerFolder(): string {
  return process.env.INIT_CWD ?? process.cwd()
}

/** Whether only this machine can reach a server bound to `host`. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase()
  return bare === 'localhost' || bare === '::1' || (isIP(bare) === 4 && bare.startsWith('127.'))
}

/** Asked for by its key, or by an address that may want none. */
function cloud(apiKey: string | undefined, baseUrl: string | undefined) {
  return apiKey === undefined && baseUrl === undefined ? undefined : { apiKey, baseUrl }
}

/** Ollama's own variable is often a bare `host:port`, or a host alone, which means Ollama's port. */
function ollamaUrl(host: string): string {
  if (/^https?:\/\//.test(host)) return host
  const url = new URL(`http://${host}`)
  if (url.port === '' && !/:80\/?$/.test(host)) url.port = '11434'
  return url.href.replace(/\/$/, '')
}

/** An empty variable, as compose files write for an unset one, counts as unset. */
function cleaned(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      value === undefined || value.trim() === '' ? [] : [[name, value.trim()]],
    ),
  )
}

function readDotEnv(cwd: string): Record<string, string> {
  const path = resolve(cwd, '.env')
  if (!existsSync(path)) return {}
  const values: Record<string, string> = {}
  for (const line of readFileSync(path, 'utf8').split(/\r?\n/)) {
    const match = /^\s*(?:export\s+)?([A-Z][A-Z0-9_]*)\s*=\s*(.*?)\s*$/.exec(line)
    if (match?.[1]) values[match[1]] = (match[2] ?? '').replace(/^(["'])(.*)\1$/, '$2')
  }
  return values
}

function readYaml(cwd: string, problems: string[]): unknown {
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
function check<Schema extends z.ZodType>(
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
