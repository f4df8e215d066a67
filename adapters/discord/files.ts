/** Downloads files from Discord's servers. Their addresses expire after a day; Parley then asks Discord for new ones. */
import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { z } from 'zod'
import { ParleyError } from '../../src/core/errors.ts'
import type { Attachment } from '../../src/core/message.ts'
import type { Files } from '../../src/core/platform.ts'
import { discordFileWording } from '../../src/wording/discord.ts'
import { type Api, DiscordRefusal } from './rest.ts'

const Locator = z.object({ url: z.string() })
const Refreshed = z.object({ refreshed_urls: z.array(z.object({ refreshed: z.string().nullish() })) })

/** Where Discord keeps what people send. */
const hosts = ['cdn.discordapp.com', 'media.discordapp.net']

export interface FilesDeps {
  api: Api
  /** Where DISCORD_API_URL points to another server, that one may serve files too. */
  apiUrl?: string
}

export function createFiles({ api, apiUrl }: FilesDeps): Files {
  const own = apiUrl === undefined ? undefined : new URL(apiUrl).host

  /** Nothing but Discord's own servers is asked: the address came with a message. */
  function genuine(url: string, file: Attachment): URL {
    const parsed = URL.canParse(url) ? new URL(url) : undefined
    const known = parsed?.protocol === 'https:' && hosts.includes(parsed.host)
    if (parsed !== undefined && (known || parsed.host === own)) return parsed
    throw new ParleyError('file_fetch_failed', discordFileWording.foreignServer(file.name))
  }

  async function get(url: string, file: Attachment, signal: AbortSignal): Promise<Response> {
    try {
      return await fetch(genuine(url, file), { signal, redirect: 'error' })
    } catch (cause) {
      signal.throwIfAborted()
      if (cause instanceof ParleyError) throw cause
      throw new ParleyError('file_fetch_failed', discordFileWording.fetchFailed(file.name), {
        cause: cause instanceof Error ? new Error(cause.message) : undefined,
      })
    }
  }

  async function fresh(url: string, signal: AbortSignal): Promise<string | undefined> {
    try {
      const body = { attachment_urls: [url] }
      const answer = Refreshed.parse(await api.call('POST', '/attachments/refresh-urls', { body, signal }))
      return answer.refreshed_urls[0]?.refreshed ?? undefined
    } catch (error) {
      if (error instanceof DiscordRefusal && error.status < 500) return undefined
      throw error
    }
  }

  return {
    async fetch(file, { signal }) {
      const { url } = Locator.parse(file.locator)
      let response = await get(url, file, signal)
      if (gone(response)) {
        await response.body?.cancel()
        const renewed = await fresh(url, signal)
        if (renewed !== undefined) response = await get(renewed, file, signal)
      }
      if (gone(response)) throw new ParleyError('file_missing', discordFileWording.gone(file.name))
      if (!response.ok || response.body === null)
        throw new ParleyError('file_fetch_failed', discordFileWording.rejected(file.name, response.status))
      return Readable.fromWeb(response.body as ReadableStream)
    },
  }
}

/** Discord answers an expired address like one that never existed. */
const gone = ({ status }: Response) => status === 403 || status === 404 || status === 410
