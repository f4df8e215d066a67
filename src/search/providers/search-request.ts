/** One request to a search engine that an admin configured: JSON within a bounded size, and failures as Parley's codes. */
import { z } from 'zod'
import { ParleyError } from '../../core/errors.ts'
import { readRetryAfter } from '../../core/retry-after.ts'
import { searchWording } from '../../wording/search.ts'
import type { WebHit } from '../web.ts'

export interface Engine {
  label: string
  /** The setting that an admin checks when the key is refused. */
  keySetting: string
  /** The setting with its address. Default: search.url. */
  addressSetting?: string
  /** What a status means, where this engine has its own meaning. */
  failure?: (status: number, headers: Headers) => ParleyError | undefined
}

const mostBytes = 2_000_000

export async function askEngine<Shape extends z.ZodType>(
  { label, keySetting, addressSetting = 'search.url', failure }: Engine,
  url: URL,
  init: { method?: string; headers?: Record<string, string>; body?: string; signal: AbortSignal },
  shape: Shape,
): Promise<z.infer<Shape>> {
  const { signal } = init
  let response: Response
  try {
    // A redirect may carry the key elsewhere, so it is not followed.
    response = await fetch(url, { ...init, redirect: 'manual' })
  } catch (cause) {
    signal.throwIfAborted()
    throw new ParleyError('search_unreachable', searchWording.unreachable(label), { cause })
  }
  const { status, headers } = response
  if (status !== 200) {
    await response.body?.cancel().catch(() => {})
    throw failure?.(status, headers) ?? usualFailure({ label, keySetting, addressSetting }, status, headers)
  }
  const text = await textOf(response, label, signal)
  const parsed = shape.safeParse(jsonOf(text, label, addressSetting))
  if (parsed.success) return parsed.data
  throw new ParleyError('search_rejected', searchWording.otherShape(label, addressSetting))
}

function usualFailure(
  { label, keySetting, addressSetting }: Required<Pick<Engine, 'label' | 'keySetting' | 'addressSetting'>>,
  status: number,
  headers: Headers,
): ParleyError {
  if (status >= 300 && status < 400)
    return new ParleyError('search_rejected', searchWording.redirected(label, addressSetting))
  if (status === 429)
    return new ParleyError('search_busy', searchWording.busy(label), {
      retryAfterMs: readRetryAfter(headers.get('retry-after')),
    })
  if (status === 401 || status === 403)
    return new ParleyError('search_refused_key', searchWording.refusedKey(label, keySetting))
  if (status >= 500 || status === 408) return new ParleyError('search_unreachable', searchWording.unreachable(label))
  return new ParleyError('search_rejected', searchWording.rejected(label, status))
}

async function textOf(response: Response, label: string, signal: AbortSignal): Promise<string> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const piece of response.body ?? []) {
      bytes += piece.length
      if (bytes > mostBytes) throw new ParleyError('search_rejected', searchWording.tooLarge(label, mostBytes / 1e6))
      pieces.push(piece)
    }
  } catch (cause) {
    if (cause instanceof ParleyError) throw cause
    signal.throwIfAborted()
    throw new ParleyError('search_unreachable', searchWording.unreachable(label), { cause })
  }
  return new TextDecoder().decode(Buffer.concat(pieces))
}

function jsonOf(text: string, label: string, addressSetting: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    const isPage = text.trimStart().startsWith('<')
    throw new ParleyError(
      'search_rejected',
      isPage ? searchWording.notJson(label, addressSetting) : searchWording.otherShape(label, addressSetting),
    )
  }
}

/** What SearXNG and Tavily answer; each has its own name for the date. */
export const ContentResults = z.object({
  results: z.array(
    z
      .object({
        url: z.string(),
        title: z.string().nullish(),
        content: z.string().nullish(),
        publishedDate: z.string().nullish().catch(undefined),
        published_date: z.string().nullish().catch(undefined),
      })
      .transform(({ url, title, content, publishedDate, published_date }) => {
        return { url, title, snippet: content, published: publishedDate ?? published_date }
      }),
  ),
})

/** Results as they come in; those without a web address are left out. */
export function hitsOf(
  results: readonly { url: string; title?: string | null; snippet?: string | null; published?: string | null }[],
  limit: number,
): WebHit[] {
  return results
    .filter(({ url }) => /^https?:\/\//i.test(url) && URL.canParse(url))
    .slice(0, limit)
    .map(({ url, title, snippet, published }) => ({
      url,
      title: plain(title ?? '').slice(0, 300),
      snippet: plain(snippet ?? '').slice(0, 1_000),
      published: dayOf(published),
    }))
}

/** Engines mark the words of the query with tags. */
function plain(text: string): string {
  return text
    .replace(/<\/?(?:strong|b|em|i|mark)>/gi, '')
    .replace(/&(amp|lt|gt|quot|#0?39|#x27);/gi, (whole, name: string) => entities[name.toLowerCase()] ?? whole)
    .replace(/\s+/g, ' ')
    .trim()
}

const entities: Record<string, string> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  '#39': "'",
  '#039': "'",
  '#x27': "'",
}

function dayOf(text: string | null | undefined): string | undefined {
  const at = Date.parse(text ?? '')
  return Number.isNaN(at) ? undefined : new Date(at).toISOString().slice(0, 10)
}
