/**
 * Files that Parley sends in personal chats: Teams asks the person first, then provides an upload URL. Until then the file is a
 * stored blob, so that the person can accept it after a restart of Parley too.
 */
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { z } from 'zod'
import type { OutgoingFile } from '../../src/core/command.ts'
import type { Log } from '../../src/core/log.ts'
import type { Records } from '../../src/core/platform-state.ts'
import { teamsWording } from '../../src/wording/teams.ts'
import { plain, type TargetData } from './activity.ts'
import type { Api, CallOptions } from './api.ts'
import type { BlobStore } from './files.ts'
import { guardedFetch, type Hosts } from './hosts.ts'
import type { PostRef } from './post-keys.ts'

export interface Consents {
  /** `turnId`: the turn whose answer the file belongs to. */
  ask(at: TargetData, file: OutgoingFile, key: string, options: CallOptions & { turnId?: string }): Promise<PostRef>
  withdraw(key: string): Promise<void>
  /** The person agreed: uploads the file to the URL from Teams, and replaces the card with the file. */
  accept(at: TargetData, consent: Consent, hosts: Hosts, options: CallOptions): Promise<void>
}

export interface Consent {
  key: string
  /** The message with the card. */
  card: string
  upload: {
    uploadUrl: string
    contentUrl: string
    name: string
    uniqueId?: string | undefined
    fileType?: string | undefined
  }
}

const ConsentRequest = z.object({ blob: z.string(), mediaType: z.string(), conversation: z.string(), at: z.number() })
const maxBytes = 50_000_000

export function createConsents(deps: { api: Api; records: Records; blobs: BlobStore; log: Log }): Consents {
  const { api, records, blobs, log } = deps
  return {
    async ask(at, { name, mediaType, data, alt }, key, options) {
      await using blob = await blobs.put(Readable.from([Buffer.from(data)]), { maxBytes })
      await records.put(
        `consent/${key}`,
        plain({ blob: blob.hash, mediaType, conversation: at.conversation, at: Date.now() }),
        { blobs: [blob.hash], turn: options.turnId },
      )
      const content = {
        description: alt ?? teamsWording.files.fromParley,
        sizeInBytes: blob.bytes,
        acceptContext: { parley: key },
        declineContext: { parley: key },
      }
      const attachment = { contentType: 'application/vnd.microsoft.teams.card.file.consent', name, content }
      const sent = await api.create(at, { type: 'message', attachments: [attachment] }, options)
      return { id: sent?.id ?? '', file: key }
    },
    withdraw: (key) => records.remove(`consent/${key}`),
    async accept(at, { key, card, upload }, hosts, options) {
      const consent = ConsentRequest.safeParse(await records.get(`consent/${key}`)).data
      if (consent === undefined || consent.conversation !== at.conversation || !(await blobs.has(consent.blob))) {
        await api.update(at, card, { type: 'message', text: teamsWording.files.offerGone }, options)
        return
      }
      const bytes = new Uint8Array(await buffer(await blobs.open(consent.blob)))
      const response = await guardedFetch(
        upload.uploadUrl,
        {
          method: 'PUT',
          body: bytes,
          signal: options.signal,
          headers: {
            'content-type': consent.mediaType,
            'content-range': `bytes 0-${bytes.length - 1}/${bytes.length}`,
          },
        },
        { hosts, tokenFor: async () => undefined },
      )
      await response.body?.cancel()
      if (!response.ok) {
        log.warn({ status: response.status }, 'OneDrive did not accept a file')
        const text = teamsWording.files.notUploaded(upload.name, response.status)
        await api.create(at, { type: 'message', text }, options)
        return
      }
      const { uniqueId, fileType, contentUrl, name } = upload
      const file = {
        contentType: 'application/vnd.microsoft.teams.card.file.info',
        contentUrl,
        name,
        content: { uniqueId, fileType },
      }
      await api.update(at, card, { type: 'message', attachments: [file] }, options)
    },
  }
}
