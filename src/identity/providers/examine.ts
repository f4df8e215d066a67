/** What "Try it" looks at, apart from any sign-in: whether the provider can be reached and is who parley.yaml says. */
import { z } from 'zod'
import { providerCheckWording as wording } from '../../wording/sign-in-flows.ts'
import type { ProviderCheck, ProviderSettings } from '../provider.ts'
import { clockToleranceSeconds, isTemplate, type ProviderDeps } from './deps.ts'

const Metadata = z.object({
  issuer: z.string().max(500),
  authorization_endpoint: z.string().max(2000),
  token_endpoint: z.string().max(2000),
  jwks_uri: z.string().max(2000),
})
const Keys = z.object({ keys: z.array(z.unknown()).min(1) })

type Checks = ProviderCheck[]

export async function examineOpenId(settings: ProviderSettings, { fetchFrom }: ProviderDeps): Promise<Checks> {
  const { issuer, kind, tenants } = settings
  const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const answer = await ask(address, fetchFrom)
  if ('failed' in answer)
    return [{ name: 'discovery', ok: false, userMessage: wording.unreachable(address, answer.failed) }]
  const checks: Checks = [clockOf(answer.date)]
  const metadata = Metadata.safeParse(answer.body)
  if (!metadata.success) {
    const field = metadata.error.issues[0]?.path.join('.') || 'JSON'
    return [{ name: 'discovery', ok: false, userMessage: wording.notDiscovery(address, field) }, ...checks]
  }
  const { issuer: found, jwks_uri } = metadata.data
  const same = isTemplate(found) ? kind === 'entra' : found.replace(/\/$/, '') === issuer.replace(/\/$/, '')
  const sentence = isTemplate(found) ? wording.issuerTemplate(tenants.length) : wording.issuerSame(found)
  return [
    { name: 'discovery', ok: true, userMessage: wording.discovered(address) },
    { name: 'issuer', ok: same, userMessage: same ? sentence : wording.issuerDiffers(found, issuer) },
    await keysOf(jwks_uri, fetchFrom),
    ...checks,
  ]
}

/** Of a provider without discovery: whether its site responds. */
export async function examineSite(address: string, { fetchFrom }: ProviderDeps): Promise<Checks> {
  const answer = await ask(address, fetchFrom, { anyStatus: true })
  if ('failed' in answer)
    return [{ name: 'discovery', ok: false, userMessage: wording.unreachable(address, answer.failed) }]
  return [{ name: 'discovery', ok: true, userMessage: wording.discovered(address) }, clockOf(answer.date)]
}

async function keysOf(address: string, fetchFrom: ProviderDeps['fetchFrom']): Promise<ProviderCheck> {
  const answer = await ask(address, fetchFrom)
  const keys = 'failed' in answer ? undefined : Keys.safeParse(answer.body)
  if (keys?.success) return { name: 'keys', ok: true, userMessage: wording.keysFine(keys.data.keys.length) }
  const reason = 'failed' in answer ? answer.failed : 'keys'
  return { name: 'keys', ok: false, userMessage: wording.keysMissing(reason) }
}

type Answer = { body: unknown; date: string | null } | { failed: string }

async function ask(
  address: string,
  fetchFrom: ProviderDeps['fetchFrom'],
  { anyStatus = false }: { anyStatus?: boolean } = {},
): Promise<Answer> {
  if (!URL.canParse(address)) return { failed: address }
  const { origin } = new URL(address)
  try {
    const signal = AbortSignal.timeout(5000)
    const response = await fetchFrom([origin])(address, { headers: { accept: 'application/json' }, signal })
    if (!anyStatus && response.status !== 200) return { failed: wording.status(response.status) }
    const text = await response.text()
    return { body: parsed(text), date: response.headers.get('date') }
  } catch (thrown) {
    return { failed: reasonOf(thrown) }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** `ECONNREFUSED`, `ENOTFOUND`, `DEPTH_ZERO_SELF_SIGNED_CERT`: what an admin can look up. */
function reasonOf(thrown: unknown): string {
  const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code
  return cause instanceof Error ? cause.message : String(cause)
}

function clockOf(date: string | null): ProviderCheck {
  const theirs = date === null ? Number.NaN : Date.parse(date)
  if (Number.isNaN(theirs)) return { name: 'clock', ok: true, userMessage: wording.clockUnknown }
  const seconds = Math.abs(Math.round((Date.now() - theirs) / 1000))
  const ok = seconds <= clockToleranceSeconds
  return { name: 'clock', ok, userMessage: ok ? wording.clockFine(seconds) : wording.clockOff(seconds) }
}
