/**
 * Whether a model runs on own hardware: what is asked of it stays in the house, and its tokens cost nothing by themselves.
 * Told by where its server is, unless the server itself says that the model is somebody else's.
 */
import { BlockList, isIP } from 'node:net'
import type { ModelInfo } from './model.ts'

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

/** `address`: where the model is asked, `undefined` where unknown. */
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
