/** The search engine for the web: what parley.yaml and the keys say of it, and what its searches cost. */
import { z } from 'zod'
import { type NanoUsd, usd } from '../core/money.ts'
import { searchProblem, searchSettingMust } from '../wording/search.ts'
import { settingMust } from '../wording/startup.ts'
import { Amount } from './amount.ts'
import type { Environment } from './environment.ts'
import { filledHeaders, variablesIn } from './variables.ts'

export const searchProviders = ['searxng', 'brave', 'tavily', 'endpoint'] as const
type Provider = (typeof searchProviders)[number]

/** Published prices in USD per 1,000 searches, October 2026; Tavily's without a plan, at one credit a search. */
const publishedPrices = { searxng: '0', brave: '5', tavily: '8' } as const

const path = z.string().regex(/^[\w.-]{1,200}$/, searchSettingMust.bePath)

const Fields = z.strictObject({
  url: path.default('url'),
  title: path.default('title'),
  snippet: path.default('snippet'),
  published: path.default('published'),
})

export const Search = z
  .strictObject({
    provider: z.enum(searchProviders).optional(),
    url: z.url({ protocol: /^https?$/, error: settingMust.beUrl }).optional(),
    headers: z
      .record(
        z.string().regex(/^[a-z0-9-]{1,80}$/i),
        z
          .string()
          .max(4_000)
          .regex(/^[\x20-\x7e]*$/, settingMust.beHeaderValue),
      )
      .optional(),
    results: path.optional(),
    fields: Fields.optional(),
    pricePerThousand: Amount.optional(),
  })
  .prefault({})
type Search = z.infer<typeof Search>

export type SearchSettings = { pricePerSearch: NanoUsd } & (
  | { provider: 'searxng'; url: string }
  | { provider: 'brave' | 'tavily'; apiKey: string; url: string | undefined }
  | {
      provider: 'endpoint'
      url: string
      headers: Record<string, string>
      secrets: string[]
      results: string
      fields: z.infer<typeof Fields>
    }
)

const keyOf = { brave: 'BRAVE_API_KEY', tavily: 'TAVILY_API_KEY' } as const

/** The one that is named, or the one whose key is set. */
function providerOf({ provider }: Search, environment: Environment): Provider | undefined {
  if (provider !== undefined) return provider
  const { BRAVE_API_KEY: brave, TAVILY_API_KEY: tavily } = environment
  return brave !== undefined ? 'brave' : tavily !== undefined ? 'tavily' : undefined
}

export function searchProblems(search: Search, variables: Record<string, string>, environment: Environment): string[] {
  const { provider: named, url, headers = {}, results, fields, pricePerThousand } = search
  const provider = providerOf(search, environment)
  const { BRAVE_API_KEY: brave, TAVILY_API_KEY: tavily } = environment
  if (provider === undefined) return Object.keys(search).length === 0 ? [] : [searchProblem.providerMissing]
  const key = provider === 'brave' || provider === 'tavily' ? keyOf[provider] : undefined
  return [
    ...(named === undefined && brave !== undefined && tavily !== undefined ? [searchProblem.bothKeys] : []),
    ...(key !== undefined && environment[key] === undefined ? [searchProblem.keyMissing(provider, key)] : []),
    ...(key === undefined && url === undefined ? [searchProblem.urlMissing(provider)] : []),
    ...(provider === 'endpoint' && url !== undefined && !url.includes('{query}')
      ? [`parley.yaml: search.url ${searchSettingMust.haveQuery}.`]
      : []),
    ...(provider === 'endpoint' && pricePerThousand === undefined ? [searchProblem.priceMissing] : []),
    ...(provider === 'endpoint'
      ? []
      : Object.entries({ headers: search.headers, results, fields }).flatMap(([setting, value]) =>
          value === undefined ? [] : [searchProblem.endpointOnly(setting, provider)],
        )),
    ...Object.entries(headers).flatMap(([header, value]) =>
      variablesIn(value)
        .filter((variable) => variables[variable] === undefined)
        .map((variable) => searchProblem.variableMissing(header, variable)),
    ),
  ]
}

/** For settings without problems. */
export function searchSettings(
  search: Search,
  variables: Record<string, string>,
  environment: Environment,
): SearchSettings | undefined {
  const provider = providerOf(search, environment)
  if (provider === undefined) return undefined
  const { url = '', headers = {}, results = '', pricePerThousand } = search
  const thousand = pricePerThousand ?? (provider === 'endpoint' ? '0' : publishedPrices[provider])
  // Rounded up: a search never costs less than its share.
  const pricePerSearch = (usd(thousand) + 999n) / 1_000n
  if (provider === 'searxng') return { provider, pricePerSearch, url }
  if (provider !== 'endpoint')
    return { provider, pricePerSearch, apiKey: environment[keyOf[provider]] ?? '', url: search.url }
  return {
    provider,
    pricePerSearch,
    url,
    ...filledHeaders(headers, variables),
    results,
    fields: search.fields ?? Fields.parse({}),
  }
}
