/** Embeddings for programs: by the server that Parley searches with, paid by the key. A part of the composition root. */
import type { ProgramEmbeddings } from '../../adapters/api/embeddings.ts'
import { createTurnRules } from '../admin/turn-rules.ts'
import type { ActiveKey } from '../core/api-key.ts'
import { monotonic } from '../core/clock.ts'
import { ParleyError } from '../core/errors.ts'
import type { Spender } from '../core/scope.ts'
import { estimateTokens } from '../core/text/estimate-tokens.ts'
import { modelKey } from '../models/complete-model.ts'
import { createMeteredEmbeddings } from '../routing/metered-embeddings.ts'
import { embeddingWording } from '../wording/embeddings.ts'
import { openEmbeddingServer } from './embeddings.ts'
import type { Money, Services } from './services.ts'

/** A server is asked for its models at most so often. */
const listedForMs = 60_000

export function createProgramEmbeddings(
  {
    config: { embeddings: settings },
    messaging,
    models,
    log,
  }: Pick<Services, 'config' | 'messaging' | 'models' | 'log'>,
  /** Opened after the platforms. */
  money: () => Pick<Money, 'budget'>,
  spenderOfKey: (key: ActiveKey) => Promise<Spender>,
): ProgramEmbeddings | undefined {
  if (settings === undefined) return undefined
  const server = openEmbeddingServer(settings, log)
  const about = (model: string) => models.catalogue.about(server.provider, model)
  const rules = createTurnRules(messaging.settings)
  let listed: { at: number; models: string[] } | undefined
  return {
    async models(signal) {
      if (settings.model !== undefined) return [settings.model]
      if (listed !== undefined && monotonic() - listed.at < listedForMs) return listed.models
      listed = { models: await server.list(signal), at: monotonic() }
      return listed.models
    },
    async embed(key, request) {
      const spender = await spenderOfKey(key)
      const [{ policy }, model] = await Promise.all([rules(spender), about(request.model)])
      const off = !model.enabled || policy.disabled.includes(modelKey(model))
      if (off || (policy.localOnly && !model.local))
        throw new ParleyError('model_not_allowed', embeddingWording.notAllowed(model.id, off))
      const metered = createMeteredEmbeddings({ server, budget: money().budget, about, booksFree: true })
      const { vectors, tokens } = await metered.embed({ ...request, as: 'given', spender })
      return { vectors, tokens: tokens ?? request.texts.reduce((sum, text) => sum + estimateTokens(text), 0) }
    },
  }
}
