/** The servers that write, and what there is to know of their models. A part of the composition root. */

import { catalogueChanges } from '../admin/changes.ts'
import type { Config } from '../config.ts'
import { ParleyError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { omitUndefined } from '../core/omit-undefined.ts'
import { createCatalogue } from '../models/catalogue.ts'
import { anthropicUrl, createAnthropicProvider } from '../models/providers/anthropic.ts'
import { createExtractiveProvider } from '../models/providers/extractive.ts'
import { createPublishedPrices } from '../models/providers/genai-prices.ts'
import { createOllamaProvider } from '../models/providers/ollama.ts'
import { createOllamaModels } from '../models/providers/ollama-local.ts'
import { createOpenAiProvider } from '../models/providers/openai.ts'
import { isOpenAi, openAiUrl } from '../models/providers/openai-client.ts'
import { createOpenAiResponsesProvider } from '../models/providers/openai-responses.ts'
import { configurationWording } from '../wording/startup.ts'
import type { Messaging } from './services.ts'

export function openModels(config: Config, { settings }: Messaging, log: Log) {
  const { openai, anthropic, ollama, servers } = config.providers
  const openAiProvider = isOpenAi(openai?.baseUrl) ? createOpenAiResponsesProvider : createOpenAiProvider
  const providers = [
    ...(openai ? [openAiProvider({ name: 'openai', ...omitUndefined(openai), log })] : []),
    ...(anthropic ? [createAnthropicProvider({ name: 'anthropic', ...omitUndefined(anthropic), log })] : []),
    ...(ollama
      ? [createOllamaProvider({ name: 'ollama', ...ollama, contextWindows: windowsOf('ollama', config), log })]
      : []),
    ...servers.map((server) => createOpenAiProvider({ ...omitUndefined(server), log })),
    createExtractiveProvider(),
  ]
  const catalogue = createCatalogue({
    configured: config.models.list,
    providers,
    defaultModel: config.models.default,
    log,
    published: createPublishedPrices(),
    changes: catalogueChanges(settings),
    // A provider's address decides which prices apply and whether its models are local.
    addresses: omitUndefined({
      openai: openai && (openai.baseUrl ?? openAiUrl),
      anthropic: anthropic && (anthropic.baseUrl ?? anthropicUrl),
      ollama: ollama?.baseUrl,
      transcriber: config.transcriber?.url,
      embeddings: config.embeddings?.url,
      ...Object.fromEntries(servers.map(({ name, baseUrl }) => [name, baseUrl])),
    }),
  })
  return {
    catalogue,
    providers,
    /** Models that can be pulled and deleted; absent where nothing keeps any. */
    local: ollama && createOllamaModels({ name: 'ollama', ...ollama, log }),
    provider(name: string) {
      const known = catalogue.provider(name)
      if (known) return known
      throw new ParleyError('model_unknown', configurationWording.providerMissing(name))
    },
    /** Models that write; without any, answers are quotations. */
    writing: async () => (await catalogue.models()).filter((model) => model.kind !== 'extractive'),
  }
}

function windowsOf(provider: string, { models }: Config): Record<string, number> {
  const set = models.list.flatMap((model) =>
    model.provider === provider && model.contextWindow !== undefined ? [[model.id, model.contextWindow] as const] : [],
  )
  return Object.fromEntries(set)
}
