/** Checks PUBLIC_URL from outside: it must lead to the platforms' addresses and never to the page. */

import { z } from 'zod'
import { doctorWording } from '../wording/terminal.ts'

const Status = z.object({ version: z.string(), models: z.array(z.string()), limits: z.object({}) })
const Refused = z.object({ error: z.object({ code: z.enum(['request_forbidden', 'credentials_missing']) }) })

/** Sends requests without credentials, as a stranger would. */
export async function lookFromOutside(publicUrl: string): Promise<{ ok: boolean; userMessage: string }> {
  const answers = await Promise.all(['/', '/console/status'].map((path) => ask(new URL(path, publicUrl))))
  const [page, status] = answers
  if (page === null && status === null) return { ok: true, userMessage: doctorWording.publicUnreachable(publicUrl) }
  const open = page?.text.includes('<title>Parley</title>') || Status.safeParse(status?.json).success
  if (open) return { ok: false, userMessage: doctorWording.publicOpen(publicUrl) }
  const refused = answers.some((answer) => Refused.safeParse(answer?.json).success)
  if (refused) return { ok: true, userMessage: doctorWording.publicRefused(publicUrl) }
  return { ok: true, userMessage: doctorWording.publicClosed(publicUrl) }
}

async function ask(url: URL): Promise<{ text: string; json: unknown } | null> {
  try {
    const answer = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(10_000) })
    const text = (await answer.text()).slice(0, 100_000)
    // A server error says nothing about the page.
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
