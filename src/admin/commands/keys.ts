/** Bearer keys for the OpenAI-compatible endpoint: `keys …`. */
import { ParleyError } from '../../core/errors.ts'
import { decimalUsd, formatUsd } from '../../core/money.ts'
import { scopeOf } from '../../core/scope.ts'
import { localTime, periods } from '../../core/window.ts'
import type { Audit } from '../../store/audit.ts'
import type { Budgets } from '../../store/budgets.ts'
import type { Keys } from '../../store/keys.ts'
import { changeId } from '../changes.ts'
import { arg, type Caller, type Command, define } from '../define.ts'
import { forbidden, whoMay } from '../grants.ts'
import { bulleted, code } from '../text.ts'
import { timeZoneFor, type ZoneDeps } from '../time-zone.ts'

export interface KeyDeps extends ZoneDeps {
  audit: Audit
  budgets: Budgets
  keys: Keys
}

export function keyCommands(deps: KeyDeps): Command[] {
  const { audit, budgets, keys } = deps
  const demandAdmin = ({ grants: membership }: Caller) => {
    if (!membership.installation) throw forbidden('Making and revoking keys', whoMay('all'))
  }
  const suggest = async () => (await keys.list()).flatMap((key) => (key.revokedAt === null ? [key.name] : []))
  return [
    define({
      name: 'keys list',
      summary: 'Which keys there are',
      role: 'admin',
      args: {},
      examples: ['keys list'],
      async run(_, caller) {
        demandAdmin(caller)
        const timeZone = await timeZoneFor(deps, caller.spender)
        const lines = (await keys.list()).map(({ id, name, createdBy, createdAt, lastUsedAt, revokedAt }) => {
          const used = lastUsedAt === null ? 'never used' : `last used ${localTime(lastUsedAt, timeZone)}`
          const end = revokedAt === null ? used : `revoked ${localTime(revokedAt, timeZone)}`
          return `${code(name)} (${id}): made by ${createdBy} ${localTime(createdAt, timeZone)}, ${end}`
        })
        return {
          text:
            lines.length === 0
              ? 'There are no keys. `/parley keys create website 20 month` makes one.'
              : bulleted(lines),
          private: true,
        }
      },
    }),
    define({
      name: 'keys create',
      summary: 'Makes a key for programs that speak to Parley as to OpenAI, with a budget of its own',
      role: 'admin',
      changes: true,
      args: {
        name: arg.word('One word for it', 50),
        amount: arg.usd('What it may spend'),
        period: arg.choice('In each', periods),
      },
      examples: ['keys create website 20 month'],
      async run({ name, amount, period }, caller) {
        demandAdmin(caller)
        if (!/^[\p{L}\p{N}][\p{L}\p{N}._-]*$/u.test(name))
          throw new ParleyError('command_invalid', `A key's name is one word, such as \`website\`, not ${code(name)}.`)
        const made = await keys.create(name, caller.by.id)
        if (made === null)
          throw new ParleyError(
            'command_invalid',
            `There is a key ${code(name)} already. Choose another name, or revoke it first.`,
          )
        const scope = scopeOf.key(made.id)
        const timeZone = await timeZoneFor(deps, caller.spender)
        await budgets.set({ scope, period, amount, timeZone }, caller.by.id)
        const after = { id: made.id, name, budget: decimalUsd(amount), period }
        await audit.record({ id: changeId(caller, 'key'), by: caller.by, scope, name: 'key', before: null, after })
        const about = `The key ${code(name)} may spend ${formatUsd(amount)} a ${period}.`
        return {
          text: `${about} Keep it now, it is not shown again:\n\n\`${made.secret}\`\n\nGive it to an OpenAI client as its API key, with Parley's address and \`/v1\` as the base URL.`,
          private: true,
          again: `${about} It was shown when it was made and is not shown again.`,
        }
      },
    }),
    define({
      name: 'keys revoke',
      summary: 'Makes a key useless, at once',
      role: 'admin',
      changes: true,
      args: { name: { ...arg.word('Its name or id', 50), suggest } },
      examples: ['keys revoke website'],
      async run({ name }, caller) {
        demandAdmin(caller)
        const revoked = await keys.revoke(name)
        if (revoked === null)
          throw new ParleyError(
            'command_invalid',
            `No key in use is called ${code(name)}. \`/parley keys list\` shows all.`,
          )
        const before = { id: revoked.id, name: revoked.name }
        await audit.record({
          id: changeId(caller, 'key'),
          by: caller.by,
          scope: scopeOf.key(revoked.id),
          name: 'key',
          before,
          after: null,
        })
        return {
          text: `The key ${code(revoked.name)} opens nothing any more. What it spent stays in \`/parley usage\`.`,
        }
      },
    }),
  ]
}
