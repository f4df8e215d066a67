/** The shape of parley.yaml. */
import { z } from 'zod'
import { bounds, usd } from '../core/money.ts'
import { routedNames } from '../core/route-decision.ts'
import { readScope } from '../core/scope.ts'
import { isTimeZone, periods } from '../core/window.ts'
import { families, type LimitOverrides, type Limits } from '../media/limits.ts'
import { tiers } from '../models/catalogue.ts'
import { readPrice } from '../models/price.ts'
import { readAddressRange } from '../ops/client-address.ts'
import { settingMust } from '../wording/startup.ts'
import { Amount } from './amount.ts'
import { Embeddings, Rerank } from './embeddings.ts'
import { url } from './environment.ts'
import { Search } from './search.ts'
import { SignIn } from './sign-in.ts'
import { Tools } from './tools.ts'

const Origin = z.url(settingMust.beOrigin).refine((text) => URL.parse(text)?.origin === text, settingMust.beOrigin)

const secureUrl = z.url({ protocol: /^https$/, error: settingMust.beSecureUrl })

const Price = z
  .strictObject({
    input: Amount.optional(),
    output: Amount.optional(),
    cacheRead: Amount.optional(),
    cacheWrite: Amount.optional(),
    perHour: Amount.optional(),
    concurrency: z.int().min(1).max(10_000).optional(),
    perAudioHour: Amount.optional(),
  })
  .transform(({ perHour, concurrency, perAudioHour, input, output, ...cache }, context) => {
    const perToken = [input, output, ...Object.values(cache)].some((amount) => amount !== undefined)
    const pricings = [perToken, perHour !== undefined || concurrency !== undefined, perAudioHour !== undefined]
    if (pricings.filter(Boolean).length === 1) {
      if (perHour !== undefined) return readPrice({ perHour, concurrency })
      if (perAudioHour !== undefined) return readPrice({ perAudioHour })
      if (input !== undefined && output !== undefined) return readPrice({ input, output, ...cache })
    }
    context.addIssue(settingMust.bePrice)
    return z.NEVER
  })

const Budget = z
  .strictObject({
    scope: z.string().transform((written, context) => {
      const scope = readScope(written)
      if (scope !== undefined) return scope
      context.addIssue(settingMust.beScope)
      return z.NEVER
    }),
    period: z.enum(periods),
    usd: Amount,
  })
  .transform(({ scope, period, usd: amount }) => ({ scope, period, amount: usd(amount) }))

/** Not what the request itself needs. */
const ownHeader = /^(?!(?:host|connection|content-|transfer-|accept|proxy-|te$|upgrade))[a-z0-9-]{1,80}$/i

/** `slack/T1/U1`, `console/local/<person>`, `oidc:<issuer>#<subject>`, `email:<address>`. */
const admin = /^(?:[^/\s]+\/[^/\s]+\/[^/\s]+|oidc:https?:\/\/[^\s#]+#\S+|email:[^\s@]+@[^\s@]+)$/

/** The shape of parley.yaml; a test checks that `parley.example.yaml` shows every key. */
export type File = z.infer<typeof File>
export const File = z.strictObject({
  /** Admins of the whole installation. The owners of a workspace are its admins without being listed here. */
  admins: z.array(z.string().regex(admin, settingMust.beUser)).default([]),
  /** Sign-in to the page. */
  signIn: SignIn,
  models: z
    .strictObject({
      default: z.string().min(1).optional(),
      /** Servers with a Chat Completions API, in addition to OPENAI_BASE_URL. */
      servers: z
        .array(
          z.strictObject({
            name: z.string().regex(/^[a-z][a-z0-9-]{0,30}$/, settingMust.beServerName),
            url,
            /** The environment variable with the key. */
            keyVariable: z
              .string()
              .regex(/^[A-Z][A-Z0-9_]*$/, settingMust.beVariableName)
              .optional(),
            /** Sent with each request; `${NAME}` in a value is the environment variable. */
            headers: z
              .record(
                z.string(),
                z
                  .string()
                  .max(4_000)
                  .regex(/^[\x20-\x7e]*$/, settingMust.beHeaderValue),
              )
              .refine(
                (headers) => Object.keys(headers).every((name) => ownHeader.test(name)),
                settingMust.haveHeaderNames,
              )
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
              .regex(/^[\p{L}\p{N}][\p{L}\p{N}._-]{0,63}$/u, settingMust.beAlias)
              .refine((alias) => !routedNames.includes(alias.toLowerCase()), settingMust.notBeReserved)
              .optional(),
            tier: z.enum(tiers).optional(),
            local: z.boolean().optional(),
            vision: z.boolean().optional(),
            audio: z.boolean().optional(),
            tools: z.boolean().optional(),
            contextWindow: z.int().min(1024).max(bounds.count).optional(),
            maxOutputTokens: z.int().min(16).max(bounds.count).optional(),
            price: Price.optional(),
          }),
        )
        .default([]),
    })
    .prefault({}),
  /** The time zone in which budgets reset, unless an admin has set another. */
  timezone: z.string().refine(isTimeZone, settingMust.beTimeZone).default('UTC'),
  budgets: z
    .array(Budget)
    .refine(
      (budgets) => new Set(budgets.map(({ scope, period }) => `${period} ${scope}`)).size === budgets.length,
      settingMust.notRepeatBudgets,
    )
    .default([]),
  /** The search engine for the web. */
  search: Search,
  /** Search by meaning in files. */
  embeddings: Embeddings,
  rerank: Rerank,
  /** Servers that offer tools. */
  tools: Tools,
  /** The OpenAI-compatible endpoint. */
  api: z
    .strictObject({
      /** Origins of pages that may call it from a browser. */
      origins: z.array(Origin).default([]),
    })
    .prefault({}),
  /** Programs outside that are told of events. */
  webhooks: z
    .strictObject({
      /** Origins that may be sent to although they are not public, or use http or another port. */
      allow: z.array(Origin).default([]),
    })
    .prefault({}),
  /** Proxies whose `X-Forwarded-For` counts: addresses and ranges. */
  trustedProxies: z
    .array(
      z.string().transform((text, context) => {
        const range = readAddressRange(text)
        if (range !== undefined) return range
        context.addIssue(settingMust.beAddressRange)
        return z.NEVER
      }),
    )
    .default([]),
  discord: z.strictObject({ shards: z.int().min(1).max(1000).optional() }).prefault({}),
  teams: z
    .strictObject({
      cloud: z.enum(['public', 'usgov', 'usgovdod', 'china']).default('public'),
      tenants: z.array(z.guid(settingMust.beTenantId)).default([]),
      fileHosts: z.array(z.string().regex(/^[\w.-]+(?::\d+)?$/, settingMust.beFileHost)).default([]),
      streamSeconds: z.number().min(1).max(110).default(100),
      app: z
        .strictObject({
          name: z.string().trim().min(1).max(30).optional(),
          fullName: z.string().trim().min(1).max(100).optional(),
          developer: z.string().trim().min(1).max(32).optional(),
          websiteUrl: secureUrl.optional(),
          privacyUrl: secureUrl.optional(),
          termsUrl: secureUrl.optional(),
        })
        .prefault({}),
    })
    .prefault({}),
  turns: z
    .strictObject({
      concurrency: z.int().min(1).max(1000).default(200),
      readers: z.int().min(1).max(64).default(2),
    })
    .prefault({}),
  /** Files shared earlier. */
  memory: z
    .strictObject({
      otherWords: z.boolean().default(false),
    })
    .prefault({}),
  /** After how many days questions, answers and files are deleted. */
  retention: z
    .strictObject({
      days: z.int().min(1).max(36_500).optional(),
      /** Of what one person alone reads. */
      directDays: z.int().min(1).max(36_500).optional(),
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
  /** Limits per family of formats; the defaults are in src/media/limits.ts. */
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

export function readingLimits(reading: File['reading']): LimitOverrides {
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
      pixels: rest.megapixels === undefined ? undefined : rest.megapixels * 1e6,
      unpackedBytes: rest.unpackedMegabytes === undefined ? undefined : rest.unpackedMegabytes * 1e6,
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
