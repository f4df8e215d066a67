/** Keys for the OpenAI-compatible endpoint: `keys …`. */
import { ParleyError } from '../../core/errors.ts'
import { decimalUsd } from '../../core/money.ts'
import { scopeOf } from '../../core/scope.ts'
import { localTime, periods } from '../../core/window.ts'
import type { Audit } from '../../store/audit.ts'
import type { Budgets } from '../../store/budgets.ts'
import type { Keys } from '../../store/keys.ts'
import { keyWording } from '../../wording/commands-money.ts'
import { bulleted } from '../../wording/phrases.ts'
import { changeId } from '../changes.ts'
import { arg, type Caller, type Command, define } from '../define.ts'
import { timeZoneFor, type ZoneDeps } from '../effective.ts'
import { demandInstallation } from '../grants.ts'

export interface KeyDeps extends ZoneDeps {
  audit: Audit
  budgets: Budgets
  keys: Keys
}

export function keyCommands(deps: KeyDeps): Command[] {
  const { audit, budgets, keys } = deps
  const demandAdmin = ({ grants }: Caller) => demandInstallation(grants, keyWording.manage)
  const suggest = async () => (await keys.list()).flatMap((key) => (key.revokedAt === null ? [key.name] : []))
  return [
    define({
      name: 'keys list',
      summary: 'Lists the API keys',
      role: 'admin',
      args: {},
      examples: ['keys list'],
      async run(_, caller) {
        demandAdmin(caller)
        const timeZone = await timeZoneFor(deps, caller.spender)
        const lines = (await keys.list()).map(({ id, name, createdBy, createdAt, lastUsedAt, revokedAt }) => {
          const used = lastUsedAt === null ? keyWording.neverUsed : keyWording.lastUsed(localTime(lastUsedAt, timeZone))
          const status = revokedAt === null ? used : keyWording.revokedOn(localTime(revokedAt, timeZone))
          return keyWording.line({ name, id, createdBy, created: localTime(createdAt, timeZone) }, status)
        })
        return { text: lines.length === 0 ? keyWording.none : bulleted(lines), private: true }
      },
    }),
    define({
      name: 'keys create',
      summary: 'Creates an API key with its own budget, for programs that use the OpenAI-compatible API',
      role: 'admin',
      changes: true,
      args: {
        name: arg.word('A name in one word', 50),
        amount: arg.usd('How much it can spend, in USD'),
        period: arg.choice('How often the budget resets', periods),
      },
      examples: ['keys create website 20 month'],
      async run({ name, amount, period }, caller) {
        demandAdmin(caller)
        if (!/^[\p{L}\p{N}][\p{L}\p{N}._-]*$/u.test(name))
          throw new ParleyError('command_invalid', keyWording.notOneWord(name))
        const made = await keys.create(name, caller.by.id)
        if (made === null) throw new ParleyError('command_invalid', keyWording.taken(name))
        const scope = scopeOf.key(made.id)
        const timeZone = await timeZoneFor(deps, caller.spender)
        await budgets.set({ scope, period, amount, timeZone }, caller.by.id)
        const after = { id: made.id, name, budget: decimalUsd(amount), period }
        await audit.record({ id: changeId(caller, 'key'), by: caller.by, scope, name: 'key', before: null, after })
        const about = keyWording.created(name, amount, period)
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
      role: 'admin',
      changes: true,
      args: { name: { ...arg.word('The name or id of the key', 50), suggest } },
      examples: ['keys revoke website'],
      async run({ name }, caller) {
        demandAdmin(caller)
        const revoked = await keys.revoke(name)
        if (revoked === null) throw new ParleyError('command_invalid', keyWording.unknown(name))
        const before = { id: revoked.id, name: revoked.name }
        await audit.record({
          id: changeId(caller, 'key'),
          by: caller.by,
          scope: scopeOf.key(revoked.id),
          name: 'key',
          before,
          after: null,
        })
        return { text: keyWording.revoked(revoked.name) }
      },
    }),
  ]
}
