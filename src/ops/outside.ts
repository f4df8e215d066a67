/** What people outside find at PUBLIC_URL: it must be the platforms' addresses and never the page. */
import { z } from 'zod'

const forward = 'Let the proxy forward /slack/, /api/messages and /v1 only; docs/proxies.md has the lines to copy.'
const Status = z.object({ version: z.string(), models: z.array(z.string()), limits: z.object({}) })
const Refused = z.object({ error: z.object({ code: z.enum(['request_forbidden', 'credentials_missing']) }) })

/** Asks without any proof, as a stranger would. */
export async function lookFromOutside(publicUrl: string): Promise<{ ok: boolean; userMessage: string }> {
  const answers = await Promise.all(['/', '/console/status'].map((path) => ask(new URL(path, publicUrl))))
  const [page, status] = answers
  if (page === null && status === null)
    return {
      ok: true,
      userMessage: `${publicUrl} does not answer from this machine, so nobody looked for the page there.`,
    }
  const open = page?.text.includes('<title>Parley</title>') || Status.safeParse(status?.json).success
  if (open) return { ok: false, userMessage: `${publicUrl} shows Parley's page to everybody. ${forward}` }
  const refused = answers.some((answer) => Refused.safeParse(answer?.json).success)
  if (refused)
    return { ok: true, userMessage: `${publicUrl} leads to the page, and Parley refuses it there. ${forward}` }
  return { ok: true, userMessage: `${publicUrl} does not lead to the page` }
}

async function ask(url: URL): Promise<{ text: string; json: unknown } | null> {
  try {
    const answer = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(10_000) })
    const text = (await answer.text()).slice(0, 100_000)
    // A login page of somebody else's in front of it is no page of Parley's.
    if (answer.status >= 500) return null
    return { text: answer.ok ? text : '', json: parse(text) }
  } catch {
    return null
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
