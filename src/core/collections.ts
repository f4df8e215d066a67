/**
 * Collections: what Parley was told to know without a question, and whom it may tell. Commands and the page change them by this port, which
 * src/store/collections.ts implements; the workers read what they are made of (workers/learn.ts).
 */
import { z } from 'zod'
import type { Attachment } from './message.ts'
import { comparedAddress, siteOf } from './page-address.ts'
import type { Changer } from './person.ts'
import type { PlaceAddress } from './place.ts'
import type { Scope, Spender } from './scope.ts'

/** Work for the queue: a source, or a file of one. */
export interface LearnedDispatch {
  sourceId: string
  attachmentId?: string | undefined
  dispatch: number
}

export type CollectionAbout = z.infer<typeof CollectionAbout>
export type SourceAbout = CollectionAbout['sources'][number]
const instant = z.coerce.date().nullable()
export const CollectionAbout = z.object({
  id: z.string(),
  name: z.string(),
  createdAt: z.coerce.date(),
  /** Scopes: who may be told what is in it. */
  grants: z.array(z.string()),
  /** The first that was added comes first. */
  sources: z.array(
    z.object({
      id: z.string(),
      kind: z.enum(['file', 'upload', 'link', 'site', 'pins']),
      title: z.string(),
      address: z.string().nullable(),
      /** The most pages of a site. */
      pages: z.number().nullable(),
      refreshHours: z.number().nullable(),
      state: z.enum(['waiting', 'reading', 'read', 'failed']),
      progress: z.string().nullable(),
      /** Of files and pages: that can be found, and that are still to be read. */
      found: z.number(),
      waiting: z.number(),
      /** Sentences. */
      problems: z.array(z.string()),
      refreshedAt: instant,
    }),
  ),
})

/** What becomes part of a collection. */
export type NewSource =
  /** What was shared before: its bytes and its reading are used again, and it goes with the original. */
  | { kind: 'file'; share: { id: string; title: string } }
  | { kind: 'upload'; attachment: Attachment }
  | { kind: 'link'; key: string; address: string; title: string; refreshHours: number | undefined }
  | { kind: 'site'; key: string; address: string; title: string; refreshHours: number | undefined; pages: number }
  | { kind: 'pins'; place: PlaceAddress; title: string; refreshHours: number | undefined }

export interface Teacher {
  by: Changer
  /** For whom paid calls are made. */
  spender: Spender
}

export interface Collections {
  /** By name. */
  list(): Promise<CollectionAbout[]>
  find(id: string): Promise<CollectionAbout | null>
  /** With its first grant. */
  create(name: string, scope: Scope, by: Changer): Promise<{ id: string }>
  /** Adds a source, or reads one that is there again. Throws `request_invalid` when the collection is gone. */
  add(id: string, source: NewSource, who: Teacher): Promise<LearnedDispatch[]>
  grant(id: string, scope: Scope, by: Changer): Promise<void>
  /** The last grant stays: throws `request_invalid`. */
  revoke(id: string, scope: Scope, by: Changer): Promise<void>
  /** All of its links, sites and pinned files, or one. */
  refresh(id: string, sourceId?: string): Promise<LearnedDispatch[]>
  removeSource(id: string, sourceId: string, by: Changer): Promise<void>
  remove(id: string, by: Changer): Promise<void>
  /** What was shared by this name in a conversation or its place: in the conversation itself, then the newest. */
  sharedFile(conversation: string, place: string, name: string): Promise<{ id: string; title: string } | null>
  /** Whether the files of a place are read. */
  isWatched(place: PlaceAddress): Promise<boolean>
  /** Its files are read from now on, and some that are there already. Nothing when that is on already. */
  watch(place: PlaceAddress, who: Teacher): Promise<LearnedDispatch[]>
  /** What was read that way is gone with it. */
  unwatch(place: PlaceAddress, by: Changer): Promise<void>
}

export const siteLimit = 500
export const refreshing = ['daily', 'weekly', 'off'] as const

export function refreshHoursOf(how: (typeof refreshing)[number]): number | undefined {
  return how === 'off' ? undefined : how === 'daily' ? 24 : 168
}

/** A link as people type it, or as a chat program writes it: `<https://…|text>`. `undefined`: it is none. */
export function readAddress(typed: string): { key: string; address: string; site: string } | undefined {
  const [, written = ''] = /^<?(https?:\/\/[^>|\s]+)(?:\|[^>]*)?>?$/i.exec(typed.trim()) ?? []
  const url = URL.parse(written)
  if (url === null) return undefined
  url.hash = ''
  return { key: comparedAddress(url), address: url.href, site: siteOf(url) }
}

/** A thread of the page has an owner instead, and the terminal and programs are nobody's channel. */
export function mayBeGranted(scope: string): boolean {
  return /^(?:all$|team:|(?:workspace|channel):(?!console\/|api\/))/.test(scope)
}
