/** What a program asks about its own key: a short-lived token in its place, what was spent, and commands with its owner's rights. */
import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { type ActiveKey, KeyScope } from '../../src/core/api-key.ts'
import type { HttpContext, Route } from '../../src/core/http.ts'
import type { Intake } from '../../src/core/platform.ts'
import { type Period, periods } from '../../src/core/window.ts'
import { apiErrors } from '../../src/wording/api.ts'
import { ApiFailure } from './failure.ts'
import { authorOf, conversationOf, keyOf } from './normalize.ts'

export interface Tokens {
  /** For how long a token works, in seconds. */
  seconds: number
  issue(key: ActiveKey, scopes: readonly KeyScope[]): Promise<string>
  /** A JSON Web Key Set (RFC 7517). */
  publicKeys(): Promise<{ keys: object[] }>
}

/** Amounts in decimal USD. */
export interface KeyUsage {
  starts_at: string
  ends_at: string
  time_zone: string
  questions: number
  cost_usd: string
  by_model: { model: string; calls: number; input_tokens: number; output_tokens: number; cost_usd: string }[]
  budgets: { period: string; limit_usd: string; spent_usd: string; reserved_usd: string; resets_at: string }[]
}

export interface AccountDeps {
  tokens: Tokens
  /** What a key has spent in the current day, week or month. */
  usageOf(key: ActiveKey, period: Period): Promise<KeyUsage>
}

/** By RFC 6749, scopes are separated by spaces. An empty body asks for all of the key's. */
const TokenRequest = z.object({ scope: z.string().max(200).optional(), grant_type: z.string().optional() })
const CommandRequest = z.object({ command: z.string().min(1).max(20_000), id: z.uuid().optional() })

export function accountRoutes({ tokens, usageOf }: AccountDeps, intake: Pick<Intake, 'command'>): Route[] {
  return [
    {
      method: 'POST',
      path: '/v1/token',
      access: ['key'],
      body: { maxBytes: 10_000 },
      async handle(context) {
        const key = keyOf(context)
        const { scope } = read(TokenRequest, context)
        const wanted = scope === undefined ? key.scopes : scope.split(/\s+/).filter((name) => name !== '')
        const scopes = wanted.flatMap((name) => KeyScope.safeParse(name).data ?? [])
        const beyond = wanted.find((name) => !key.scopes.some((each) => each === name))
        if (beyond !== undefined || scopes.length === 0)
          throw new ApiFailure(400, apiErrors.scopeBeyondKey(beyond ?? '', key.scopes), {
            param: 'scope',
            code: 'invalid_scope',
          })
        return context.json({
          access_token: await tokens.issue(key, scopes),
          token_type: 'Bearer',
          expires_in: tokens.seconds,
          scope: scopes.join(' '),
        })
      },
    },
    {
      method: 'GET',
      path: '/v1/usage',
      access: ['key:usage:read'],
      async handle(context) {
        const period = z.enum(periods).safeParse(context.req.query('period') ?? 'month')
        if (!period.success)
          throw new ApiFailure(400, apiErrors.invalidParameter('period', periods.join(', ')), { param: 'period' })
        return context.json({ object: 'usage', period: period.data, ...(await usageOf(keyOf(context), period.data)) })
      },
    },
    {
      method: 'POST',
      path: '/v1/commands',
      access: ['key:admin'],
      body: { maxBytes: 64_000 },
      async handle(context) {
        const key = keyOf(context)
        const { command, id = randomUUID() } = read(CommandRequest, context)
        const conversation = conversationOf('commands', key)
        const replyTarget = { conversation, data: null }
        const author = authorOf(key)
        const notice = await intake.command({ id: `${key.id}/${id}`, conversation, author, text: command, replyTarget })
        if (notice.failed) throw new ApiFailure(400, notice.text, { param: 'command', code: 'command_failed' })
        const files = (notice.files ?? []).map(({ name, mediaType, data }) => ({
          name,
          media_type: mediaType,
          data: Buffer.from(data).toString('base64'),
        }))
        return context.json({ object: 'command.answer', text: notice.text, files })
      },
    },
  ]
}

function read<T>(schema: z.ZodType<T>, context: HttpContext): T {
  const body = context.get('body').toString()
  const form = /^application\/x-www-form-urlencoded\b/i.test(context.req.header('content-type') ?? '')
  let sent: unknown
  try {
    sent = form ? Object.fromEntries(new URLSearchParams(body)) : JSON.parse(body === '' ? '{}' : body)
  } catch {
    throw new ApiFailure(400, apiErrors.invalidJson)
  }
  const parsed = schema.safeParse(sent)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const param = issue?.path.join('.') ?? ''
  throw new ApiFailure(400, apiErrors.invalidParameter(param, issue?.message), { param })
}
