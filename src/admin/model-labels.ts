/** What people call models, beside the names of other scopes. */
import { type Scope, scopeOf } from '../core/scope.ts'
import type { Model } from '../models/catalogue.ts'
import type { ScopeNames } from '../wording/commands.ts'

export function withModelLabels(
  names: () => Promise<ScopeNames>,
  models: () => Promise<readonly Model[]>,
): () => Promise<ScopeNames> {
  return async () => new Map([...(await names()), ...labelsOf(await models())])
}

/** With the provider where several models have the same label. */
function labelsOf(models: readonly Model[]): [Scope, string][] {
  return models.flatMap(({ provider, id, label }): [Scope, string][] => {
    if (label === undefined) return []
    const same = models.filter((other) => other.label === label)
    return [[scopeOf.model(provider, id), same.length > 1 ? `${label} (${provider})` : label]]
  })
}
