/** The settings in effect for a question, in the form that routing uses. */
import { type Scope, scopesOf } from '../core/scope.ts'
import type { RulesOf, TurnRules } from '../routing/rules.ts'
import type { Settings } from '../store/settings.ts'
import { modelWording } from '../wording/commands-models.ts'
import { type Effective, effective } from './effective.ts'

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
      web: policy.web,
      memory: policy.memory,
      tools: policy.tools,
      approvals: policy.approvals,
      disabled: [...models.disabled],
      allowed: policy.allowedModels === undefined ? undefined : [...policy.allowedModels],
    },
    pinned: models.pinned === undefined ? undefined : { model: models.pinned, by: pinnedBy(pinnedAt) },
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

function pinnedBy(scope: Scope | undefined): string {
  const kind = scope?.split(':', 1)[0] ?? 'all'
  const known: Readonly<Record<string, string>> = modelWording.pinnedBy
  return known[kind] ?? modelWording.pinnedBy.all
}
