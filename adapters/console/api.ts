/**
 * What the console page and the `parley ask` command say to the console's server, and back. The page imports the types,
 * the server checks requests with the schemas. All paths lie under `/console`; every error body is `ApiError`.
 *
 *   GET    /console/status?thread=:id           → ConsoleStatus
 *   GET    /console/threads                     → { threads: Thread[] }, newest activity first
 *   GET    /console/threads/:id                 → { thread, messages } in order; 404 for a thread without messages
 *   DELETE /console/threads/:id                 → 204; its running turn is stopped first
 *   PUT    /console/uploads/:uploadId?name=…    raw bytes, Content-Type as the browser knows it → Upload
 *   POST   /console/threads/:id/messages        SendMessage → 202 { message, turnId, notice }; the same `id` again is no harm.
 *                                               `notice`: what a command answered, { text, failed } as the terminal prints it
 *   POST   /console/turns/:turnId/stop          → { turnId }
 *   POST   /console/turns/:turnId/regenerate    → { turnId } of the new turn, which rewrites the same message; so do
 *                                               `cheaper` and `better`, with another model
 *   POST   /console/turns/:turnId/good, /bad    PressButton, if any → { notice }; `why` → { notice }
 *   POST   /console/threads/:id/press           PressAction → { notice?: string, turnId?: string }; a notice is a message of the thread
 *   GET    /console/commands                    → { commands: CommandSpec[] }
 *   POST   /console/commands                    RunCommand → CommandAnswer, outside of any thread
 *   GET    /console/uploads/:uploadId           → the file, as it was shared or as a command made it
 *   GET    /console/events?thread=:id           server-sent events, each `data:` a ConsoleEvent: changes of the thread list,
 *                                               and with `thread` its snapshot first, then what happens in it.
 *   GET    /console/files/:hash/page/:n?width=  → image/png of a page of a PDF
 *   GET    /console/files/:hash/page/:n/marks?quote=…  → { width, height, marks: Mark[] } in fractions of the page
 *   GET    /console/files/:hash/text?kind=&from=&to=&sheet=&inner=
 *                                               → { from, to, of, lines: string[], places?, picture? }: a cited place and
 *                                               what stands around it, in lines, rows, pages, slides or milliseconds, of the
 *                                               sheet `sheet`, in the file `inner` within a mail or an archive. `places` has
 *                                               a { from, to } for each line of what is not numbered by lines or rows;
 *                                               `numbers` has those of rows, and `columns` what their columns are called;
 *                                               `picture` is true where reading took a picture of the place:
 *   GET    /console/files/:hash/picture?kind=&from=&to=&inner=&width=  → image/png
 */
import { z } from 'zod'
import { WebMode } from '../../src/core/message.ts'
import { Citation, Receipt } from '../../src/core/reply.ts'

export type ApiError = { error: { code: string; userMessage: string } }

export interface ConsoleStatus {
  version: string
  /** Models that can answer; empty means quotations only. */
  models: string[]
  /** A sentence to show above the input, such as how to add a model. */
  notice: string | null
  limits: { fileBytes: number; files: number; textChars: number }
  /**
   * What people can choose in the thread: `open`: whether the web is searched; `noSearch`: it is never searched, but links are read;
   * `off`: nothing. `null`: no search engine is connected.
   */
  web: 'open' | 'noSearch' | 'off' | null
}

export type Thread = z.infer<typeof Thread>
export const Thread = z.object({
  id: z.uuid(),
  title: z.string(),
  updatedAt: z.iso.datetime(),
  busy: z.boolean(),
})

export type FileChip = z.infer<typeof FileChip>
export const FileChip = z.object({
  id: z.string(),
  name: z.string(),
  mediaType: z.string(),
  bytes: z.number(),
  /** What a picture of Parley's shows. */
  alt: z.string().optional(),
})

export type MessageState = z.infer<typeof MessageState>
export const MessageState = z.enum(['sent', 'streaming', 'done', 'stopped', 'failed'])

export type Message = z.infer<typeof Message>
export const Message = z.object({
  /** Of a user's message: the `id` it was sent with. */
  id: z.string(),
  threadId: z.uuid(),
  /** Position in the thread: order by it. */
  seq: z.number(),
  role: z.enum(['user', 'parley']),
  /** Markdown; in Parley's messages `[n]` refers to `citations`. */
  text: z.string(),
  state: MessageState,
  createdAt: z.iso.datetime(),
  /** Absent briefly, while a user's message is being stored. */
  turnId: z.uuid().nullable(),
  attachments: z.array(FileChip),
  citations: z.array(Citation),
  /** `action` is what pressing sends back. */
  buttons: z.array(
    z.object({ label: z.string(), action: z.string(), style: z.enum(['primary', 'danger']).optional() }),
  ),
  receipt: Receipt.nullable(),
  /** The rating of this answer on the page. */
  feedback: z.enum(['good', 'bad']).nullable(),
})

export type Upload = z.infer<typeof Upload>
export const Upload = z.object({ uploadId: z.uuid(), name: z.string(), mediaType: z.string(), bytes: z.number() })

export type SendMessage = z.infer<typeof SendMessage>
export const SendMessage = z.object({
  /** Made by the sender; sending it again after a lost answer does not double the message. */
  id: z.uuid().toLowerCase(),
  text: z.string(),
  uploads: z.array(z.uuid().toLowerCase()).max(20),
  /** BCP 47. */
  locale: z.string().max(35).optional(),
  /** Name or alias of the model that should answer. */
  model: z.string().min(1).max(200).optional(),
  /** Whether the web is searched; absent: as the place has it. */
  web: WebMode.optional(),
})

export type PressButton = z.infer<typeof PressButton>
export const PressButton = z.object({ comment: z.string().max(4000).optional() })

export type ConsoleEvent =
  /** Everything of the thread so far; replaces what the page holds. Sent first, also after a reconnect. */
  | { type: 'snapshot'; thread: Thread | null; messages: Message[]; status: TurnStatus | null }
  /** A message is new or has changed as a whole. */
  | { type: 'message'; message: Message }
  /** Text from `offset` (in UTF-16 units) on is now `text`. Where text is missing before it, reconnect. */
  | { type: 'text'; messageId: string; offset: number; text: string }
  /** What the model of a running turn thinks: from `offset` on it is now `text`. Where something is missing before it, wait. */
  | { type: 'thoughts'; turnId: string; offset: number; text: string }
  | { type: 'removed'; messageId: string }
  /** What is happening in the thread, or `null`: "Reading report.pdf, page 120 of 200". */
  | { type: 'status'; status: TurnStatus | null }
  | { type: 'thread'; thread: Thread }
  | { type: 'threadDeleted'; threadId: string }
  /** The session has ended: sign in again. The stream ends, too. */
  | { type: 'signedOut' }
  /** One's own role, name, teams or accounts have changed: ask for the session again. */
  | { type: 'accountChanged' }

export interface TurnStatus {
  threadId: string
  turnId: string
  state: 'queued' | 'reading' | 'answering'
  text: string
}

/** A message that is a command: a slash and one word. A path such as `/etc/hosts` is none. */
export function isCommand(text: string): boolean {
  return /^\/\p{L}[\p{L}\d-]*(?:\s|$)/u.test(text.trim())
}

/** The id of the message that answers a command or a button. */
export const answerOf = (id: string) => `${id}.answer`

export type PressAction = z.infer<typeof PressAction>
export const PressAction = z.object({ id: z.uuid().toLowerCase(), action: z.string().min(1).max(2000) })

export type RunCommand = z.infer<typeof RunCommand>
export const RunCommand = z.object({ id: z.uuid().toLowerCase(), text: z.string().max(20_000) })

/**
 * `data` in base64. `failed`: the text says why nothing was done. `asks`: nothing was done, because its answer needs a thread: send it
 * as a message of one.
 */
export interface CommandAnswer {
  text: string
  failed: boolean
  asks: boolean
  files: { name: string; mediaType: string; data: string }[]
}
