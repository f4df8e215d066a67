/** Keys for the OpenAI-compatible endpoint: `keys …`. */
import { z } from 'zod'
import { KeyScope, keyScopes } from '../../core/api-key.ts'
import { ParleyError } from '../../core/errors.ts'
import { scopeOf } from '../../core/scope.ts'
import { localTime, periods } from '../../core/window.ts'
import type { Audit } from '../../store/audit.ts'
import type { Budgets } from '../../store/budgets.ts'
import type { Keys } from '../../store/keys.ts'
import { nameOfAccount } from '../../wording/commands.ts'
import { keyWording } from '../../wording/commands-money.ts'
import { bulleted } from '../../wording/phrases.ts'
import { changeId } from '../changes.ts'
import { type Argument, arg, type Caller, type Command, define } from '../define.ts'
import { timeZoneFor, type ZoneDeps } from '../effective.ts'
import { demandInstallation } from '../grants.ts'
import { createKeyChanges } from '../key-changes.ts'

export interface KeyDeps extends ZoneDeps {
  audit: Audit
  budgets: Pick<Budgets, 'changed'>
  keys: Keys
  /** Tells every process that a key is revoked, so that its answers end. */
  announceRevoked(keyId: string): void
  now?: () => Date
}

/** At most two years: longer keys are forgotten keys. */
const mostDays = 731
const defaultScopes: KeyScope[] = ['ask']
const unit = { d: 1, w: 7, m: 30, y: 365 } as const

/** `30d`, `8w`, `6m`, `1y` → days. */
const Days: Argument<number> = {
  ...arg.word('When it ends, such as 30d, 8w, 6m or 1y; without it, never', 10),
  schema: z.string().transform((typed, context) => {
    const [, count, letter] = /^(\d{1,3})\s*([dwmy])$/i.exec(typed) ?? []
    const days = Number(count) * unit[letter?.toLowerCase() as keyof typeof unit]
    if (days >= 1 && days <= mostDays) return days
    context.addIssue(keyWording.daysWanted)
    return z.NEVER
  }),
}

/** `ask,usage:read` */
const Scopes: Argument<KeyScope[]> = {
  ...arg.word(`What it may do, separated by commas: ${keyScopes.join(', ')}; without it, ask`, 60),
  schema: z.string().transform((typed, context) => {
    const parsed = z.array(KeyScope).safeParse(typed.split(',').map((each) => each.trim().toLowerCase()))
    if (parsed.success) return [...new Set(parsed.data)]
    context.addIssue(keyWording.scopesWanted(keyScopes))
    return z.NEVER
  }),
}

export function keyCommands(deps: KeyDeps): Command[] {
  const { audit, budgets, keys, announceRevoked, now = () => new Date() } = deps
  const changes = createKeyChanges({ audit, keys, budgetsChanged: () => budgets.changed(), announceRevoked })
  /** Whose keys a caller manages: `undefined` for those of all. People manage their own. */
  function ownerFor({ grants, spender, call }: Caller, mine: boolean): string | undefined {
    if (grants.installation && !mine) return undefined
    if (spender.personId === undefined || call.author.membership === 'guest') {
      if (mine) throw new ParleyError('command_forbidden', keyWording.personNeeded)
      demandInstallation(grants, keyWording.manage)
    }
    return spender.personId
  }
  /** Those that the caller could revoke. */
  const suggest: Argument<string>['suggest'] = async ({ spender, grants }) => {
    const all = (await grants()).installation
    if (!all && spender.personId === undefined) return []
    const found = await keys.list(all ? undefined : spender.personId)
    return found.flatMap((key) => (key.revokedAt === null ? [key.name] : []))
  }
  const mine = arg.flag('Of your own, not of the installation')
  return [
    define({
      name: 'keys list',
      summary: 'Lists your API keys; for admins, all of them',
      role: 'member',
      args: { mine },
      examples: ['keys list', 'keys list --mine'],
      async run({ mine }, caller) {
        const [timeZone, found] = await Promise.all([
          timeZoneFor(deps, caller.spender),
          keys.list(ownerFor(caller, mine)),
        ])
        const lines = found.map((key) => {
          const local = (time: Date) => localTime(time, timeZone)
          const used = key.lastUsedAt === null ? keyWording.neverUsed : keyWording.lastUsed(local(key.lastUsedAt))
          const ended = key.expiresAt !== null && key.expiresAt <= now()
          const status = [
            key.revokedAt === null ? used : keyWording.revokedOn(local(key.revokedAt)),
            ...(key.expiresAt === null ? [] : [keyWording.ends(local(key.expiresAt), ended)]),
            ...(key.scopes.join() === 'ask' ? [] : [keyWording.mayDo(key.scopes)]),
          ].join(', ')
          return keyWording.line(
            {
              ...key,
              createdBy: nameOfAccount(key.createdBy, caller.spender, caller.names),
              owner: key.ownerId === null ? undefined : caller.names.get(scopeOf.person(key.ownerId)),
              created: local(key.createdAt),
            },
            status,
          )
        })
        return { text: lines.length === 0 ? keyWording.none : bulleted(lines), private: true }
      },
    }),
    define({
      name: 'keys create',
      summary: 'Creates an API key with its own budget, for programs that use the OpenAI-compatible API',
      role: 'member',
      changes: true,
      args: {
        name: arg.word('A name in one word', 50),
        amount: arg.usd('How much it can spend, in USD'),
        period: arg.choice('How often the budget resets', periods),
        expires: arg.optional(Days),
        scopes: arg.optional(Scopes),
        mine,
      },
      examples: [
        'keys create website 20 month',
        'keys create report 5 month --expires 30d --scopes ask,usage:read',
        'keys create notebook 5 week --mine',
      ],
      async run({ name, amount, period, expires, scopes = defaultScopes, mine }, caller) {
        const ownerId = ownerFor(caller, mine)
        const timeZone = await timeZoneFor(deps, caller.spender)
        const expiresAt = expires === undefined ? undefined : new Date(now().getTime() + expires * 86_400_000)
        const key = { name, budget: { period, amount, timeZone }, ownerId, scopes, expiresAt }
        const made = await changes.create(key, caller.by, changeId(caller, 'key'))
        const until = expiresAt === undefined ? undefined : localTime(expiresAt, timeZone)
        const about = keyWording.created(name, amount, period, { mine: ownerId !== undefined, until })
        return {
          text: about + keyWording.secret(made.secret),
          private: true,
          again: about + keyWording.shownOnce,
        }
      },
    }),
    define({
      name: 'keys revoke',
      summary: 'Revokes an API key at once',
      role: 'member',
      changes: true,
      args: { name: { ...arg.word('The name or id of the key', 50), suggest } },
      examples: ['keys revoke website'],
      async run({ name }, caller) {
        const revoked = await changes.revoke(name, ownerFor(caller, false), caller.by, changeId(caller, 'key'))
        return { text: keyWording.revoked(revoked.name) }
      },
    }),
  ]
}
