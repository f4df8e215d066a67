/** The table of environment variables. */

import { isIP } from 'node:net'
import querystring from 'node:querystring'
import { z } from 'zod'
import { settingMust } from '../wording/startup.ts'

export const url = z.url({ protocol: /^https?$/, error: settingMust.beUrl })
const whole = (least: number, most: number) =>
  z.coerce
    .number(settingMust.beWholeNumber(least, most))
    .int(settingMust.beWholeNumber(least, most))
    .min(least, settingMust.beWholeNumber(least, most))
    .max(most, settingMust.beWholeNumber(least, most))
const list = <const Values extends readonly [string, ...string[]]>(values: Values) =>
  z
    .string()
    .transform((text) => text.split(',').map((each) => each.trim()))
    .pipe(z.array(z.enum(values)).min(1))

/** All environment variables; a test checks that `.env.example` has the same names. */
export type Environment = z.infer<typeof Environment>
export const Environment = z.object({
  PARLEY_HOME: z.string().min(1).default('.parley'),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, settingMust.bePostgresUrl)
    .optional(),
  REDIS_URL: z
    .string()
    .regex(/^(?:rediss?:\/)?\//, settingMust.beRedisUrl)
    .optional(),
  PORT: whole(0, 65_535).default(8787),
  HOST: z.string().min(1).default('127.0.0.1'),
  ROLE: z.enum(['all', 'gateway', 'worker']).default('all'),
  QUEUES: list(['turn', 'media', 'system']).default(['turn', 'media', 'system']),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  /** Encrypts the secrets that Parley stores. */
  PARLEY_SECRET: z.string().min(16, settingMust.beLongSecret).optional(),
  /** The address of this port from outside. */
  PUBLIC_URL: url.optional(),
  SLACK_BOT_TOKEN: z
    .string()
    .startsWith('xoxb-', {
      error: ({ input }) => (String(input).startsWith('xoxe') ? settingMust.notRotate : settingMust.beBotToken),
    })
    .optional(),
  SLACK_SIGNING_SECRET: z.string().min(8).optional(),
  SLACK_APP_TOKEN: z.string().startsWith('xapp-', settingMust.beAppToken).optional(),
  SLACK_API_URL: url.optional(),
  SLACK_CLIENT_ID: z.string().min(1).optional(),
  SLACK_CLIENT_SECRET: z.string().min(1).optional(),
  OPENAI_API_KEY: z.string().min(1).optional(),
  OPENAI_BASE_URL: url.optional(),
  ANTHROPIC_API_KEY: z.string().min(1).optional(),
  ANTHROPIC_BASE_URL: url.optional(),
  OLLAMA_HOST: z
    .string()
    .refine((host) => URL.canParse(/^https?:\/\//.test(host) ? host : `http://${host}`), settingMust.beHost)
    .optional(),
  TRANSCRIBE_URL: url.optional(),
  TRANSCRIBE_MODEL: z.string().min(1).optional(),
  TRANSCRIBE_API_KEY: z.string().min(1).optional(),
  SMTP_URL: z.url({ protocol: /^smtps?$/, error: settingMust.beSmtp }).optional(),
  MAIL_FROM: z
    .string()
    .regex(/^(?:[^<>\r\n]{1,100}<[^\s<>@]+@[^\s<>@]+>|[^\s<>@]+@[^\s<>@]+)$/, settingMust.beSender)
    .optional(),
  EMBEDDINGS_URL: url.optional(),
  EMBEDDINGS_MODEL: z.string().min(1).optional(),
  EMBEDDINGS_API_KEY: z.string().min(1).optional(),
  RERANK_URL: url.optional(),
  RERANK_MODEL: z.string().min(1).optional(),
  RERANK_API_KEY: z.string().min(1).optional(),
  BRAVE_API_KEY: z.string().min(1).optional(),
  TAVILY_API_KEY: z.string().min(1).optional(),
  FFMPEG_PATH: z.string().min(1).optional(),
  DISCORD_TOKEN: z.string().min(1).optional(),
  DISCORD_API_URL: url.optional(),
  TEAMS_CLIENT_ID: z.string().min(1).optional(),
  TEAMS_CLIENT_SECRET: z.string().min(1).optional(),
  TEAMS_TENANT_ID: z.string().min(1).optional(),
  TEAMS_OPENID_METADATA_URL: url.endsWith('/openidconfiguration', settingMust.beMetadataUrl).optional(),
  TEAMS_TOKEN_ISSUER: z.string().min(1).optional(),
  TEAMS_AUTH: z.enum(['on', 'off']).default('on'),
  TEAMS_LOGIN_URL: url.optional(),
  TEAMS_GRAPH_URL: url.optional(),
  TEAMS_SERVICE_URL: url.optional(),
})

/** Whether only this machine can reach a server bound to `host`. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase()
  return bare === 'localhost' || bare === '::1' || (isIP(bare) === 4 && bare.startsWith('127.'))
}

/** Keys and tokens, recognized by their names, and passwords in addresses. */
export function secretsIn(environment: Environment): string[] {
  return Object.entries(environment).flatMap(([name, value]) => {
    if (typeof value !== 'string') return []
    if (/_(?:KEY|SECRET|TOKEN)$/.test(name)) return [value]
    const password = URL.canParse(value) ? new URL(value).password : ''
    // Redacting shorter ones would hide ordinary words.
    return [...new Set([password, querystring.unescape(password)])].filter(({ length }) => length >= 6)
  })
}
