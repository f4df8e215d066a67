/** Creates and revokes API keys, with their budget and their audit entry. Commands and the page do it by this. */
import type { ActiveKey } from '../core/api-key.ts'
import { ParleyError } from '../core/errors.ts'
import { decimalUsd } from '../core/money.ts'
import { omitUndefined } from '../core/omit-undefined.ts'
import type { Changer } from '../core/person.ts'
import { scopeOf } from '../core/scope.ts'
import type { Audit } from '../store/audit.ts'
import type { KeyAbout, Keys, NewKey } from '../store/keys.ts'
import { keyWording } from '../wording/commands-money.ts'

export interface KeyChangeDeps {
  audit: Pick<Audit, 'record'>
  keys: Pick<Keys, 'create' | 'revoke'>
  /** Tells every process that a key brought its budget. */
  budgetsChanged(): void
  /** Tells every process that a key is revoked, so that its answers end. */
  announceRevoked(keyId: string): void
}

export interface KeyChanges {
  /** `changeId`: of the audit entry. Throws `command_invalid` for a name that is none or is taken. */
  create(key: Omit<NewKey, 'by'>, by: Changer, changeId: string): Promise<Pick<ActiveKey, 'id'> & { secret: string }>
  /** `ownerId`: only a key of this person. Throws `command_invalid` if there is none. */
  revoke(nameOrId: string, ownerId: string | undefined, by: Changer, changeId: string): Promise<KeyAbout>
}

export function createKeyChanges({ audit, keys, budgetsChanged, announceRevoked }: KeyChangeDeps): KeyChanges {
  return {
    async create(key, by, changeId) {
      const { name, budget, ownerId, scopes, expiresAt } = key
      if (!/^[\p{L}\p{N}][\p{L}\p{N}._-]*$/u.test(name))
        throw new ParleyError('command_invalid', keyWording.notOneWord(name))
      // Such a key runs commands as its owner, with what they may do at that moment.
      if (scopes.includes('admin') && ownerId === undefined)
        throw new ParleyError('command_invalid', keyWording.adminNeedsOwner)
      const made = await keys.create({ ...key, by: by.id })
      if (made === null) throw new ParleyError('command_invalid', keyWording.taken(name))
      budgetsChanged()
      const after = omitUndefined({
        id: made.id,
        name,
        budget: decimalUsd(budget.amount),
        period: budget.period,
        owner: ownerId,
        scopes: [...scopes],
        expires: expiresAt?.toISOString(),
      })
      await audit.record({ id: changeId, by, scope: scopeOf.key(made.id), name: 'key', before: null, after })
      return made
    },

    async revoke(nameOrId, ownerId, by, changeId) {
      const revoked = await keys.revoke(nameOrId, ownerId)
      if (revoked === null) throw new ParleyError('command_invalid', keyWording.unknown(nameOrId))
      const { id, name } = revoked
      announceRevoked(id)
      await audit.record({ id: changeId, by, scope: scopeOf.key(id), name: 'key', before: { id, name }, after: null })
      return revoked
    },
  }
}
