/** The shape of parley.yaml. */
import { z } from 'zod'
import { decimalUsd, usd } from '../core/money.ts'
import type { Scope } from '../core/scope.ts'
import { isTimeZone, periods } from '../core/window.ts'
import { families } from '../media/limits.ts'
import { tiers } from '../models/catalogue.ts'
import { readPrice } from '../models/stated-price.ts'
import { url } from './environment.ts'

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
export type File = z.infer<typeof File>
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
