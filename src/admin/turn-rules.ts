/** The settings that hold for a question, in the words of whoever routes and answers it. */
import { type Scope, scopesOf } from '../core/scope.ts'
import type { RulesOf, TurnRules } from '../routing/rules.ts'
import type { Settings } from '../store/settings.ts'
import { type Effective, effective } from './effective.ts'

/** Reads from memory where nothing changed. */
export function createTurnRules(settings: Pick<Settings, 'read'>): RulesOf {
  return async (spender) => {
    const scopes = scopesOf(spender)
    const found = await settings.read(scopes)
    const pinnedAt = scopes.findLast((scope) => found.get(scope)?.['models.pinned'] !== undefined)
    return turnRules(effective(scopes, found), pinnedAt)
  }
}

/** `pinnedAt`: the narrowest scope that pins a model. */
function turnRules({ models, policy, persona }: Effective, pinnedAt: Scope | undefined): TurnRules {
  const { instructions, language, temperature, maxOutputTokens } = persona
  return {
    policy: {
      localOnly: policy.localOnly,
      atLimit: policy.atLimit,
      disabled: [...models.disabled],
      allowed: policy.allowedModels === undefined ? undefined : [...policy.allowedModels],
    },
    pinned: models.pinned === undefined ? undefined : { model: models.pinned, by: forWhom(pinnedAt) },
    defaultModel: models.default,
    aliases: models.aliases,
    persona: {
      instructions: instructions === undefined ? [] : [instructions],
      language,
      temperature,
      maxOutputTokens,
    },
  }
}

/** As the end of "… is pinned". */
function forWhom(scope: Scope | undefined): string {
  const kind = scope?.split(':', 1)[0]
  if (kind === 'user') return 'for you'
  if (kind === 'key') return 'for this API key'
  return kind === 'channel' || kind === 'workspace' ? `for this ${kind}` : 'for everybody'
}
