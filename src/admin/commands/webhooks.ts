/** Programs outside that are told of events: `webhooks …`. */
import { z } from 'zod'
import { readAddress } from '../../core/collections.ts'
import { ParleyError } from '../../core/errors.ts'
import type { Json } from '../../core/json.ts'
import type { Scope } from '../../core/scope.ts'
import { type WebhookEvent, webhookEventNames, webhookEvents } from '../../core/webhook.ts'
import { localTime } from '../../core/window.ts'
import type { Audit } from '../../store/audit.ts'
import type { Replayed, WebhookAbout, Webhooks } from '../../store/webhooks.ts'
import { scopeName } from '../../wording/commands.ts'
import { bulleted } from '../../wording/phrases.ts'
import { webhookWording as wording } from '../../wording/webhooks.ts'
import { changeId } from '../changes.ts'
import { type Answer, type Argument, arg, type Caller, type Command, define } from '../define.ts'
import { timeZoneFor, type ZoneDeps } from '../effective.ts'
import { canChange } from '../grants.ts'
import { demand, scopeOfPlace, widest } from '../place.ts'

export interface WebhookDeps extends ZoneDeps {
  audit: Pick<Audit, 'record'>
  webhooks: Webhooks
  /** Throws with what is wrong with an address, as far as that is known without connecting to it. */
  checkAddress(url: URL): void
  /** Sends a test that was noted: the status of the answer, or what is wrong. `null`: it is gone. */
  sendTest(deliveryId: string): Promise<{ status: number; ms: number } | { problem: string } | null>
  /** Something is due. `cause` is the same when the same call runs again. */
  wakeWebhooks(cause: string): Promise<void>
  /** Whether a private answer on this platform is read by the asker alone, wherever the command was typed. */
  keepsSecrets(platform: string): boolean
  now?: () => Date
}

const mostHooks = 100
const shownDeliveries = 20
const hourMs = 3_600_000
const hours = { h: 1, d: 24 } as const

/** `turn.finished,budget.alert` */
const Events: Argument<WebhookEvent[]> = {
  ...arg.word(`Separated by commas: ${webhookEventNames.join(', ')}; without it, all`, 200),
  schema: z.string().transform((typed, context) => {
    const names = typed.split(',').map((each) => each.trim().toLowerCase())
    const parsed = z.array(z.enum(webhookEventNames)).safeParse(names)
    if (parsed.success) return [...new Set(parsed.data)]
    context.addIssue(wording.eventsWanted(webhookEventNames))
    return z.NEVER
  }),
}

const Address: Argument<URL> = {
  ...arg.word('Where to send it, https://…', 1_000),
  schema: z.string().transform((typed, context) => {
    const url = URL.parse(readAddress(typed)?.address ?? '')
    if (url !== null) return url
    context.addIssue(wording.addressWanted)
    return z.NEVER
  }),
}

/** An event, `failed`, or a time up to now. */
const Which: Argument<{ eventId: string } | { failed: true } | { hours: number }> = {
  ...arg.word('An event ID, failed, or a time such as 24h or 7d', 200),
  schema: z.string().transform((typed, context) => {
    if (/^failed$/i.test(typed)) return { failed: true as const }
    const [, count, unit] = /^(\d{1,3})([hd])$/i.exec(typed) ?? []
    if (count !== undefined) return { hours: Number(count) * hours[unit?.toLowerCase() as keyof typeof hours] }
    if (/^[a-z]+_[\w-]+$/.test(typed)) return { eventId: typed }
    context.addIssue(wording.replayWanted)
    return z.NEVER
  }),
}

export function webhookCommands(deps: WebhookDeps): Command[] {
  const { webhooks, audit, now = () => new Date() } = deps

  const mine = async ({ grants, spender }: Pick<Caller, 'grants' | 'spender'>): Promise<WebhookAbout[]> =>
    (await webhooks.list()).filter(({ scope }) => canChange(grants, scope, spender))

  /** One that the caller may not change is none. */
  async function named(typed: string, caller: Caller): Promise<WebhookAbout> {
    const found = (await mine(caller)).find(
      ({ name, id }) => name.toLowerCase() === typed.toLowerCase() || id === typed,
    )
    if (found === undefined) throw new ParleyError('command_invalid', wording.unknown(typed))
    return found
  }

  async function note({ id, name, scope }: Pick<WebhookAbout, 'id' | 'name' | 'scope'>, caller: Caller, after: Json) {
    await audit.record({
      id: changeId(caller, 'webhook'),
      by: caller.by,
      scope,
      name: 'webhook',
      before: { id, name },
      after,
    })
  }

  function demandSecrecy({ call }: Caller): void {
    if (call.direct !== true && !deps.keepsSecrets(call.conversation.platform))
      throw new ParleyError('command_forbidden', wording.notPrivate)
  }

  async function grantable(place: Parameters<typeof scopeOfPlace>[0] | undefined, caller: Caller): Promise<Scope> {
    const scope = await scopeOfPlace(place ?? widest(caller.grants), caller)
    if (!/^(?:all$|workspace:|team:|channel:)/.test(scope)) throw new ParleyError('command_invalid', wording.wrongScope)
    demand(caller, scope)
    return scope
  }

  function accepted(url: URL): void {
    try {
      deps.checkAddress(url)
    } catch (thrown) {
      if (!(thrown instanceof ParleyError)) throw thrown
      throw new ParleyError('command_invalid', thrown.userMessage, { cause: thrown })
    }
  }

  const hook: Argument<string> = {
    ...arg.word('A webhook, by name', 50),
    suggest: async ({ spender, grants }) => (await mine({ spender, grants: await grants() })).map(({ name }) => name),
  }

  return [
    define({
      name: 'webhooks list',
      summary: 'Lists the programs that are told of events',
      role: 'admin',
      args: {},
      examples: ['webhooks list'],
      async run(_, caller) {
        const [found, timeZone] = await Promise.all([mine(caller), timeZoneFor(deps, caller.spender)])
        const lines = found.map((each) =>
          wording.line({ ...each, who: scopeName(each.scope, caller.spender, caller.names) }, statusOf(each, timeZone)),
        )
        return { text: lines.length === 0 ? wording.none : bulleted(lines), private: true }
      },
    }),
    define({
      name: 'webhooks add',
      summary: 'Tells a program of events, by signed requests',
      role: 'admin',
      changes: true,
      args: {
        name: arg.word('A name in one word', 50),
        address: Address,
        events: arg.optional(Events),
        text: arg.flag('With questions and answers, of public places and those of its team'),
        for: arg.optional(arg.place('Whose events: channel, workspace, team:… or everywhere')),
      },
      examples: [
        'webhooks add crm https://example.com/hooks',
        'webhooks add costs https://example.com/hooks --events budget.alert,approval.asked for workspace',
        'webhooks add archive https://example.com/hooks --text for <#C123>',
      ],
      async run({ name, address, events = [...webhookEventNames], text: withText, for: place }, caller) {
        demandSecrecy(caller)
        if (!/^[\p{L}\p{N}][\p{L}\p{N}._-]*$/u.test(name))
          throw new ParleyError('command_invalid', wording.notOneWord(name))
        const scope = await grantable(place, caller)
        accepted(address)
        if ((await webhooks.list()).length >= mostHooks)
          throw new ParleyError('command_invalid', wording.tooMany(mostHooks))
        const added = { name, address: address.href, events, scope, withText, createdBy: caller.by.id }
        const made = await webhooks.add(added)
        if (made === null) throw new ParleyError('command_invalid', wording.taken(name))
        const { id } = made
        const after = { id, name, origin: address.origin, events: [...events], text: withText }
        await audit.record({
          id: changeId(caller, 'webhook'),
          by: caller.by,
          scope,
          name: 'webhook',
          before: null,
          after,
        })
        const who = scopeName(scope, caller.spender, caller.names)
        const hasText = withText && events.some((each) => webhookEvents[each].text)
        const about = wording.added(name, events, who, hasText)
        return secretly(about, made.secret, name)
      },
    }),
    define({
      name: 'webhooks remove',
      summary: 'Stops telling a program',
      role: 'admin',
      changes: true,
      args: { name: hook, yes: arg.flag('Removes at once, without asking') },
      examples: ['webhooks remove crm'],
      async run({ name: typed, yes }, caller) {
        const found = await named(typed, caller)
        if (!yes) {
          const action = { kind: 'command', text: `webhooks remove ${found.id} --yes` } as const
          const button = { label: wording.remove, style: 'danger', action } as const
          return { text: wording.askRemove(found.name), buttons: [button], private: true }
        }
        await webhooks.remove(found.id)
        await note(found, caller, null)
        return { text: wording.removed(found.name) }
      },
    }),
    define({
      name: 'webhooks rotate',
      summary: 'Makes a new signing secret; the old one also signs for a day',
      role: 'admin',
      changes: true,
      args: { name: hook },
      examples: ['webhooks rotate crm'],
      async run({ name: typed }, caller) {
        demandSecrecy(caller)
        const found = await named(typed, caller)
        const { secret, until } = await webhooks.rotate(found.id)
        await note(found, caller, { rotated: true })
        const about = wording.rotated(found.name, localTime(until, await timeZoneFor(deps, caller.spender)))
        return secretly(about, secret, found.name)
      },
    }),
    define({
      name: 'webhooks test',
      summary: 'Sends a test event now and shows the answer',
      role: 'admin',
      changes: true,
      args: { name: hook },
      examples: ['webhooks test crm'],
      async run({ name: typed }, caller) {
        const found = await named(typed, caller)
        const ended = await deps.sendTest(await webhooks.noteTest(found.id))
        if (ended === null) throw new ParleyError('command_invalid', wording.unknown(typed))
        await note(found, caller, { tested: true })
        const { name } = found
        const text =
          'problem' in ended ? wording.testFailed(name, ended.problem) : wording.testDone(name, ended.status, ended.ms)
        return { text: text + (found.state === 'disabled' ? wording.stillDisabled(name) : ''), private: true }
      },
    }),
    define({
      name: 'webhooks enable',
      summary: 'Sends to a disabled webhook again',
      role: 'admin',
      changes: true,
      args: { name: hook },
      examples: ['webhooks enable crm'],
      async run({ name: typed }, caller) {
        const found = await named(typed, caller)
        await webhooks.enable(found.id)
        await note(found, caller, { enabled: true })
        await deps.wakeWebhooks(changeId(caller, 'webhook'))
        return { text: wording.enabled(found.name) }
      },
    }),
    define({
      name: 'webhooks deliveries',
      summary: 'Lists the last deliveries of a webhook',
      role: 'admin',
      args: { name: hook },
      examples: ['webhooks deliveries crm'],
      async run({ name: typed }, caller) {
        const found = await named(typed, caller)
        const [last, timeZone] = await Promise.all([
          webhooks.deliveries(found.id, shownDeliveries),
          timeZoneFor(deps, caller.spender),
        ])
        if (last.length === 0) return { text: wording.noDeliveries(found.name), private: true }
        const lines = last.map(({ createdAt, nextAt, ...each }) => {
          const times = { at: localTime(createdAt, timeZone), nextAt: localTime(nextAt, timeZone) }
          return wording.delivery({ ...each, ...times })
        })
        return { text: bulleted(lines), private: true }
      },
    }),
    define({
      name: 'webhooks replay',
      summary: 'Sends deliveries of the last 30 days again, with the same IDs',
      role: 'admin',
      changes: true,
      args: { name: hook, which: Which },
      examples: ['webhooks replay crm failed', 'webhooks replay crm 24h'],
      async run({ name: typed, which }, caller) {
        const found = await named(typed, caller)
        const chosen: Replayed = 'hours' in which ? { since: new Date(now().getTime() - which.hours * hourMs) } : which
        const count = await webhooks.replay(found.id, chosen)
        await note(found, caller, { replayed: count })
        if (count > 0) await deps.wakeWebhooks(changeId(caller, 'webhook'))
        return { text: wording.replayed(found.name, count) }
      },
    }),
  ]
}

function secretly(about: string, secret: string, name: string): Answer {
  return { text: about + wording.secret(secret), private: true, again: about + wording.shownOnce(name) }
}

function statusOf({ state, reason, failingSince, problem, lastDoneAt }: WebhookAbout, timeZone: string): string {
  if (state === 'disabled') return wording.isDisabled(reason, problem)
  if (failingSince !== null) return wording.failing(localTime(failingSince, timeZone), problem ?? '')
  return lastDoneAt === null ? wording.neverSent : wording.works
}
