/**
 * One model of the catalogue, from all that is said of it: by admins, parley.yaml, its provider, the published list, and its
 * name, in this order. Pure.
 */

import { BlockList, isIP } from 'node:net'
import { boundedCount } from '../core/money.ts'
import type { AdminChanges, ConfiguredModel, Model, PriceSource, Tier } from './catalogue.ts'
import { type KnownModel, knownFamily, knownModel, type Published, parametersIn } from './known-models.ts'
import type { ModelInfo } from './model.ts'
import { free, type Price, readPrice, type StatedPrice } from './price.ts'

export interface Said {
  /** At least its id and provider. */
  configured: ConfiguredModel
  origin: 'configured' | 'discovered'
  info: ModelInfo | undefined
  /** Where it is asked. */
  address: string | undefined
  published: Published | undefined
  /** Its context window where none is known. */
  defaultWindow: number | undefined
  changes: AdminChanges
}

const UNKNOWN_WINDOW = 8_192
const MAX_OUTPUT = 4_096
/** Models of such limits think in their output before they answer, and need the room. */
const REASONS = 100_000
const MAX_REASONED = 16_384
/** Of a million tokens of output. */
const SMALL_BELOW = 3_000_000_000n
const LARGE_FROM = 20_000_000_000n

/** How settings and people name a model in full. */
export function modelKey({ provider, id }: { provider: string; id: string }): string {
  return `${provider}/${id}`
}

export function completeModel(said: Said): Model {
  const { configured, origin, info, address, changes } = said
  const { id, provider, alias } = configured
  const family = knownFamily(id)
  const known: KnownModel = { ...family, ...knownModel(id) }
  const local = configured.local ?? onOwnHardware(provider, address, info ?? { id })
  const price = priceOf(said, local)
  const contextWindow = windowOf(said, local)
  const key = modelKey(configured)
  const adminAliases = Object.entries(changes.aliases ?? {}).flatMap(([name, model]) => (model === key ? [name] : []))
  const label = configured.label ?? info?.label
  return {
    id,
    provider,
    kind: 'generative',
    label,
    aliases: [...adminAliases, ...(alias === undefined || Object.hasOwn(changes.aliases ?? {}, alias) ? [] : [alias])],
    contextWindow,
    maxOutputTokens: outputOf(said, known, contextWindow),
    ...price,
    tier: configured.tier ?? known.tier ?? tierOf(price.price, info?.parameters ?? parametersIn(id)),
    local,
    enabled: !(changes.disabled ?? []).includes(key),
    ...abilities(configured, info, known),
    billsWholeAnswer: billsWholeAnswer(address) ? true : undefined,
    origin,
  }
}

function priceOf(
  { configured, changes, published }: Said,
  local: boolean,
): { price?: Price; priceSource: PriceSource } {
  const key = modelKey(configured)
  const stated = Object.hasOwn(changes.prices ?? {}, key) ? changes.prices?.[key] : undefined
  // A price that an older version accepted may be too large for the database: it counts as unknown.
  if (stated !== undefined)
    return isReadable(stated) ? { price: readPrice(stated), priceSource: 'admin' } : { priceSource: 'unknown' }
  if (configured.price !== undefined) return { price: configured.price, priceSource: 'configured' }
  if (published?.price !== undefined) return { price: published.price, priceSource: 'published' }
  return local ? { price: free, priceSource: 'hardware' } : { priceSource: 'unknown' }
}

function isReadable(stated: StatedPrice): boolean {
  try {
    return readPrice(stated) !== undefined
  } catch {
    return false
  }
}

/** The provider knows its limit best; an admin may stay below it. */
function windowOf({ configured, info, published, defaultWindow }: Said, local: boolean): number {
  const limits = [info?.contextWindow, configured.contextWindow].map((limit = 0) => boundedCount(limit)).filter(Boolean)
  if (limits.length > 0) return Math.min(...limits)
  const exact = knownModel(configured.id)?.contextWindow ?? published?.contextWindow
  // An own server gives a model the memory that it has, rarely all that the model was trained for.
  const family = local ? undefined : knownFamily(configured.id)?.contextWindow
  return exact ?? defaultWindow ?? family ?? UNKNOWN_WINDOW
}

/** An answer gets at most a quarter of a small window, or nothing is left for the files. */
function outputOf({ configured, info }: Said, known: KnownModel, window: number): number {
  // A limit of 0 counts as unknown.
  const limit = boundedCount(info?.maxOutputTokens ?? 0) || known.maxOutputTokens
  const reasons = info?.reasoning ?? (limit !== undefined && limit >= REASONS)
  const most = reasons ? MAX_REASONED : MAX_OUTPUT
  const output = Math.min(limit ?? most, most, Math.floor(window / 4))
  return Math.min(configured.maxOutputTokens ?? output, Math.floor(window / 2))
}

function abilities(configured: ConfiguredModel, info: ModelInfo | undefined, known: KnownModel) {
  const found: Pick<Model, 'vision' | 'audio' | 'tools'> = {}
  for (const ability of ['vision', 'audio', 'tools'] as const) {
    const has = configured[ability] ?? info?.[ability] ?? known[ability]
    if (has !== undefined) found[ability] = has
  }
  return found
}

function tierOf(price: Price | undefined, parameters: number | undefined): Tier {
  const output = price?.kind === 'tokens' ? price.rates.output : 0n
  if (output > 0n) return output < SMALL_BELOW ? 'small' : output < LARGE_FROM ? 'medium' : 'large'
  if (parameters === undefined) return 'medium'
  return parameters < 10 ? 'small' : parameters < 50 ? 'medium' : 'large'
}

/** Addresses that lead no further than one's own network: loopback, private, link-local, unique local, shared (RFC 6598). */
const own = new BlockList()
for (const [net, bits] of [
  ['127.0.0.0', 8],
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
  ['100.64.0.0', 10],
] as const)
  own.addSubnet(net, bits, 'ipv4')
for (const [net, bits] of [
  ['::1', 128],
  ['fc00::', 7],
  ['fe80::', 10],
] as const)
  own.addSubnet(net, bits, 'ipv6')

const ownNames = /^localhost$|\.(?:localhost|local|internal|lan|home\.arpa|cluster\.local|svc)$/

/** What a proxy such as LiteLLM says of the models that it passes on, and no server says of its own. */
const companies = new Set([
  'openai',
  'openai-internal',
  'openai-dev',
  'system',
  'azure',
  'anthropic',
  'vertex_ai',
  'bedrock',
])

/** Of a server's address. A name without a dot is one of the own network: `http://vllm:8000`. */
function isOwnAddress(address: string): boolean {
  const host = URL.parse(address)
    ?.hostname.toLowerCase()
    .replace(/^\[|\]$|\.$/g, '')
  if (host === undefined || host === '') return false
  const version = isIP(host)
  if (version !== 0) return own.check(host, version === 4 ? 'ipv4' : 'ipv6')
  return ownNames.test(host) || !host.includes('.')
}

/**
 * Whether a model runs on own hardware: what is asked of it stays in the house, and its tokens cost nothing by themselves.
 * Told by where its server is, unless the server itself says that the model is somebody else's. `address`: where the model
 * is asked, `undefined` where unknown.
 */
export function onOwnHardware(
  provider: string,
  address: string | undefined,
  { id, owner }: Pick<ModelInfo, 'id' | 'owner'>,
): boolean {
  if (provider === 'ollama') return !rentedOllama(address, id)
  // Behind Anthropic's API on a private address stands a company's gateway, and Claude runs nowhere but at clouds.
  if (provider === 'anthropic' && id.startsWith('claude')) return false
  return address !== undefined && isOwnAddress(address) && !companies.has(owner?.toLowerCase() ?? '')
}

/** Ollama passes models named `…-cloud` on to its company's servers, and these may be asked directly. */
function rentedOllama(address: string | undefined, id: string): boolean {
  const host = address === undefined ? undefined : URL.parse(address)?.hostname
  return /[-:]cloud$/.test(id) || (host !== undefined && /(?:^|\.)ollama\.com$/.test(host))
}

/**
 * Servers that go on generating when their client hangs up, and bill the whole answer. As OpenRouter lists them, which passes
 * requests on to all of them: https://openrouter.ai/docs/api-reference/streaming (stream cancellation). OpenRouter itself is
 * among them here, because nobody can tell to whom it passes a request on. Used to book stopped answers.
 */
const hosts = [
  'openrouter.ai',
  'amazonaws.com',
  'groq.com',
  'modal.run',
  'googleapis.com',
  'minimax.io',
  'minimaxi.com',
  'huggingface.co',
  'huggingface.cloud',
  'replicate.com',
  'perplexity.ai',
  'mistral.ai',
  'ai21.com',
  'featherless.ai',
  'lambda.ai',
  'sambanova.ai',
  'inflection.ai',
  'aionlabs.ai',
  'aliyuncs.com',
  'nebius.com',
  'nebius.ai',
  'kluster.ai',
  'targon.com',
  'inference.net',
]

/** `address`: where the model is asked, `undefined` where unknown. */
function billsWholeAnswer(address: string | undefined): boolean {
  const host = address === undefined ? undefined : URL.parse(address)?.hostname.toLowerCase()
  return host !== undefined && hosts.some((name) => host === name || host.endsWith(`.${name}`))
}
