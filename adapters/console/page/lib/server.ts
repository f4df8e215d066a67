/** The page's calls to the console's server, and the upload of files. Events are in `live.ts`. */

import type { Position } from '../../../../src/core/artifact.ts'
import type { CommandSpec, TurnAction } from '../../../../src/core/command.ts'
import { pageWording } from '../../../../src/wording/page.ts'
import type { SessionState } from '../../account-api.ts'
import type { ApiError, ConsoleStatus, Message, PressAction, SendMessage, Thread, Upload } from '../../api.ts'

/** `status` 0: the server was not reached. `userMessage` is shown on the page. */
export class ServerFailure extends Error {
  readonly status: number
  readonly userMessage: string
  constructor(status: number, userMessage: string) {
    super(userMessage)
    this.status = status
    this.userMessage = userMessage
  }
  /** Whether the same request may succeed later, such as after a sign-in. */
  get passing(): boolean {
    return this.status === 0 || this.status >= 500 || [401, 408, 425, 429].includes(this.status)
  }
}

export interface PageMarks {
  /** Of the page, in points. */
  width: number
  height: number
  /** In fractions of the page. */
  marks: { x: number; y: number; width: number; height: number }[]
}

export interface TextAround {
  from: number
  to: number
  of: number
  lines: string[]
  /** Where each line is in the file, if the lines are not consecutive. */
  places?: { from: number; to: number }[]
  /** Of rows: the number of each, and what the columns are called. */
  numbers?: number[]
  columns?: string[]
  /** A picture of the place is available at `pictureUrl`. */
  picture?: boolean
  /** The recording at `recordingUrl` can be played from the place on. */
  play?: 'audio' | 'video'
}

/** What pressing a button did. `turnId`: the new answer's turn; `notice`: a message about it, in Markdown. */
export interface Pressed {
  turnId?: string
  notice?: { text: string }
}

let unauthorized = () => {}
/** `listener` is called when the server wants a sign-in. */
export function onUnauthorized(listener: () => void): void {
  unauthorized = listener
}

export async function call<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  let response: Response
  try {
    response = await fetch(`/console/${path}`, {
      method,
      body: body === undefined ? undefined : JSON.stringify(body),
      headers: body === undefined ? undefined : { 'content-type': 'application/json' },
      signal,
    })
  } catch (cause) {
    if (signal?.aborted) throw cause
    throw new ServerFailure(0, pageWording.problem.unreachable)
  }
  const text = await response.text().catch(() => '')
  if (response.status === 401) unauthorized()
  if (!response.ok) throw new ServerFailure(response.status, userMessageOf(text, response.status))
  return (text === '' ? undefined : JSON.parse(text)) as T
}

/** The server's sentence from an error body, or a general one. */
function userMessageOf(body: string, status: number): string {
  try {
    const parsed = JSON.parse(body) as Partial<ApiError>
    if (typeof parsed.error?.userMessage === 'string') return parsed.error.userMessage
  } catch {
    // Not from Parley: a proxy's page, or nothing.
  }
  return status === 0 ? pageWording.problem.unreachable : pageWording.problem.serverError(status)
}

/** Why a call failed, in one sentence. */
export const failureMessage = (cause: unknown): string =>
  cause instanceof ServerFailure ? cause.userMessage : pageWording.problem.unknown

const id = encodeURIComponent

export const server = {
  session: () => call<SessionState>('GET', 'session'),
  signOut: () => call<void>('POST', 'sign-out'),
  status: (threadId: string) => call<ConsoleStatus>('GET', `status?thread=${threadId}`),
  threads: () => call<{ threads: Thread[] }>('GET', 'threads').then((body) => body.threads),
  thread: (threadId: string) => call<{ thread: Thread; messages: Message[] }>('GET', `threads/${id(threadId)}`),
  deleteThread: (threadId: string) => call<void>('DELETE', `threads/${id(threadId)}`),
  send: (threadId: string, body: SendMessage) =>
    call<{ message: Message; turnId: string | null }>('POST', `threads/${id(threadId)}/messages`, body),
  commands: () => call<{ commands: CommandSpec[] }>('GET', 'commands').then((body) => body.commands),
  press: (threadId: string, body: PressAction) => call<void>('POST', `threads/${id(threadId)}/press`, body),
  act: (turnId: string, action: TurnAction, comment?: string) =>
    call<Pressed>('POST', `turns/${id(turnId)}/${action}`, comment === undefined ? undefined : { comment }),
  marks: (hash: string, page: number, quote: string, signal: AbortSignal) =>
    call<PageMarks>('GET', `files/${id(hash)}/page/${page}/marks?quote=${id(quote)}`, undefined, signal),
  textAround: (hash: string, at: Position, range: { from: number; to: number }, signal: AbortSignal) => {
    return call<TextAround>('GET', `files/${id(hash)}/text?${placeQuery(at, range)}`, undefined, signal)
  },
}

function placeQuery(at: Position, range: { from: number; to: number }): URLSearchParams {
  const query = new URLSearchParams({
    from: String(Math.floor(range.from)),
    to: String(Math.ceil(range.to)),
    kind: at.kind,
  })
  if (at.kind === 'rows' && at.sheet !== undefined) query.set('sheet', at.sheet)
  if (at.inner !== undefined) query.set('inner', at.inner)
  return query
}

export const uploadUrl = (uploadId: string) => `/console/uploads/${id(uploadId)}`
/** Without a thread: changes of the thread list only. */
export const eventsUrl = (threadId: string | null) =>
  threadId === null ? '/console/events' : `/console/events?thread=${id(threadId)}`
export const pageUrl = (hash: string, page: number, width: number) =>
  `/console/files/${id(hash)}/page/${page}?width=${width}`
export const recordingUrl = (hash: string) => `/console/files/${id(hash)}/recording`
export const pictureUrl = (hash: string, at: Position, range: { from: number; to: number }, width: number) =>
  `/console/files/${id(hash)}/picture?${placeQuery(at, range)}&width=${width}`

export interface RunningUpload {
  done: Promise<Upload>
  cancel(): void
}

/**
 * Sends one file's bytes by XMLHttpRequest, because fetch reports no upload progress. Rejects with `ServerFailure`; never
 * settles once cancelled. `onProgress` gets a fraction.
 */
export function startUpload(uploadId: string, file: File, onProgress: (fraction: number) => void): RunningUpload {
  const request = new XMLHttpRequest()
  const done = new Promise<Upload>((resolve, reject) => {
    request.upload.onprogress = (event) => {
      if (event.lengthComputable && event.total > 0) onProgress(event.loaded / event.total)
    }
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve(JSON.parse(request.responseText) as Upload)
      else {
        if (request.status === 401) unauthorized()
        reject(new ServerFailure(request.status, userMessageOf(request.responseText, request.status)))
      }
    }
    request.onerror = () => reject(new ServerFailure(0, pageWording.problem.uploadInterrupted))
    request.open('PUT', `/console/uploads/${uploadId}?name=${encodeURIComponent(file.name)}`)
    request.setRequestHeader('content-type', file.type === '' ? 'application/octet-stream' : file.type)
    request.send(file)
  })
  return { done, cancel: () => request.abort() }
}

/** A UUID v4. `crypto.randomUUID` exists on secure origins only; a console on plain http in an office network is none. */
export function randomId(): string {
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID()
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
