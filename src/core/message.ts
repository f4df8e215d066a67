/**
 * What a platform hands to intake: a message in Parley's own words. Everything here is plain JSON, because it is stored
 * before the platform's acknowledgement and read again by a worker in another process.
 */
import { z } from 'zod'
import { Json } from './json.ts'
import { AnswerFormat, ProgramTool, ToolCall, ToolChoice, ToolResult } from './tool-call.ts'

export type ConversationRef = z.infer<typeof ConversationRef>
export const ConversationRef = z.object({
  platform: z.string().min(1),
  workspaceId: z.string().min(1),
  channelId: z.string().min(1),
  threadId: z.string().min(1).optional(),
})

/** The one string for lease, history and logs. Parts are escaped, so no two conversations share a key. */
export function conversationKey(ref: ConversationRef): string {
  const parts = [ref.platform, ref.workspaceId, ref.channelId]
  if (ref.threadId !== undefined) parts.push(ref.threadId)
  return parts.map(encodeURIComponent).join('/')
}

/** A file as the platform announced it. Its bytes are fetched by a worker through `locator`, never carried on a job. */
export type Attachment = z.infer<typeof Attachment>
export const Attachment = z.object({
  id: z.string().min(1),
  /** The name its sender gave it; shown to people, never used as a path. */
  name: z.string(),
  /** As the platform declares it; what the bytes say wins. */
  mediaType: z.string(),
  /** Size in bytes, where the platform tells. */
  bytes: z.number().int().nonnegative().optional(),
  durationMs: z.number().nonnegative().optional(),
  /** Where people open it on the platform; citations of the file link to it. */
  link: z.string().optional(),
  /** The message that has it, on platforms where a file goes with its message. */
  messageId: z.string().optional(),
  /** The author of the message recorded it as the message. Never true of what they forward, quote or attach as a file. */
  voiceNote: z.boolean().default(false),
  /** What the platform itself heard in a recording. */
  transcript: z.string().optional(),
  /** SHA-256 of its bytes, hex, where Parley has them already: they are kept with the message and need no fetching. */
  blob: z.string().optional(),
  /** The platform's own record: enough for any worker to fetch the bytes from a fresh process. Holds no secret. */
  locator: Json,
})

/** Files of a message that somebody forwards, answers or asks about: whatever they hold, the asker did not say it. */
export function asContent(files: readonly Attachment[]): Attachment[] {
  return files.map((file) => ({ ...file, voiceNote: false }))
}

/** Where the reply goes, in the platform's own record. */
export type ReplyTarget = z.infer<typeof ReplyTarget>
export const ReplyTarget = z.object({ conversation: ConversationRef, data: Json })

export type Author = z.infer<typeof Author>
export const Author = z.object({
  id: z.string().min(1),
  name: z.string().optional(),
  /**
   * What the platform itself says of this person in this workspace. Owners are Parley's first admins there; `guest` and
   * `stranger` (of another organisation) obey the guest policy. Absent: not known, an ordinary member. `disabled` is Parley's own:
   * an admin disabled the person, who gets no answer.
   */
  membership: z.enum(['owner', 'member', 'guest', 'stranger', 'disabled']).optional(),
  /** The person whose account or key it is, where that is known. Intake fills it in. */
  personId: z.uuid().optional(),
  /** IANA; what day it is for them. Intake fills it in where the person set one. */
  timeZone: z.string().optional(),
  /** The teams whose rules hold for what they ask here. Intake fills it in. */
  teamIds: z.array(z.uuid()).optional(),
})

/** How a model is to pick its words, as programs set it. What a model's server does not take is left out, and the answer says so. */
export type Sampling = z.infer<typeof Sampling>
export const Sampling = z.object({
  topP: z.number().optional(),
  seed: z.int().optional(),
  presencePenalty: z.number().optional(),
  frequencyPenalty: z.number().optional(),
  reasoningEffort: z.string().optional(),
  /** How likely each token was, and so many others in its place. */
  logprobs: z.int().min(0).max(20).optional(),
  /** The answer ends before the first of these. */
  stop: z.array(z.string()).optional(),
})

/** The words of OpenAI's Chat Completions for it, which programs send and most model servers take. */
export const samplingWords = {
  topP: 'top_p',
  seed: 'seed',
  presencePenalty: 'presence_penalty',
  frequencyPenalty: 'frequency_penalty',
  reasoningEffort: 'reasoning_effort',
  logprobs: 'logprobs',
  stop: 'stop',
} as const satisfies Record<keyof Sampling, string>

/** `auto`: Parley decides by what the question is about (src/search/when-web.ts). */
export type WebMode = z.infer<typeof WebMode>
export const WebMode = z.enum(['auto', 'on', 'off'])

/** What a message asks for beside its words; policies and limits still hold. */
export type Overrides = z.infer<typeof Overrides>
export const Overrides = z.object({
  /** Id or alias of a model. */
  model: z.string().optional(),
  temperature: z.number().min(0).max(2).optional(),
  maxOutputTokens: z.number().int().positive().optional(),
  sampling: Sampling.optional(),
  /** Whether the web is searched, where the place leaves it open. */
  web: WebMode.optional(),
})

/** What was said in a conversation, as its sender tells it. */
export type Told = z.infer<typeof Told>
export const Told = z.object({
  role: z.enum(['user', 'assistant']),
  text: z.string(),
  /** Of the assistant: what it asked to be called. */
  calls: z.array(ToolCall).optional(),
  /** Of the user: what the calls of the message before gave. */
  results: z.array(ToolResult).optional(),
})

/** How a program, which composes its own prompts, wants its question answered. */
export type Program = z.infer<typeof Program>
export const Program = z.object({
  /** The prompt is its own: nothing that Parley or admins say about persona and form is added. */
  ownPrompt: z.boolean(),
  /** If what it sent does not fit the model: refuse the question, or leave out the oldest messages and say so. */
  overflow: z.enum(['refuse', 'cut']),
  /** Whether another model may answer in place of the one that it named. */
  fallback: z.boolean(),
  /** What was said after the question: calls with their results, and at the end the beginning of the answer, which the model continues. */
  after: z.array(Told).optional(),
  /** `transcript`: the recording in words is the answer, and no model is asked. Default: an answer. */
  task: z.literal('transcript').optional(),
  /** Functions that the program runs. */
  tools: z.array(ProgramTool).optional(),
  toolChoice: ToolChoice.optional(),
  /** Whether one answer may call several. Default true. */
  parallelCalls: z.boolean().optional(),
  format: AnswerFormat.optional(),
  /** Names of what the request had and Parley does not know. */
  ignored: z.array(z.string()),
  /** Of the request, because an Idempotency-Key belongs to one request only. */
  digest: z.string(),
})

export type IncomingMessage = z.infer<typeof IncomingMessage>
export const IncomingMessage = z.object({
  /** The platform's own id of the message or event: a redelivery, and an edit of the message, carry the same one. */
  id: z.string().min(1),
  conversation: ConversationRef,
  author: Author,
  /** Markdown, without the mention that woke Parley. */
  text: z.string(),
  kind: z.enum(['mention', 'direct', 'thread', 'command']),
  attachments: z.array(Attachment),
  replyTarget: ReplyTarget,
  /** The text of the message that this one answers or forwards. */
  quoted: z.string().optional(),
  /** All that was said before it in its conversation was read with it, or nothing was said there. */
  upToDate: z.boolean().optional(),
  /** What belongs to the question and could not be read, as sentences for its receipt: a thread, a file in it. */
  unread: z.array(z.string()).optional(),
  overrides: Overrides.optional(),
  /** The API key that the question came with. */
  keyId: z.string().optional(),
  /** What was said before, oldest first, where the sender tells it each time instead of Parley remembering it. */
  history: z.array(Told).optional(),
  /** Instructions that the sender sets for this answer. */
  instructions: z.string().optional(),
  program: Program.optional(),
  /** Only its author may see the answer, where the platform can. */
  private: z.boolean().optional(),
  /** Its thread has readers of its own, such as a private thread on Discord: what is shared there is not shared with the channel. */
  ownPlace: z.boolean().optional(),
  /** BCP 47. */
  locale: z.string().optional(),
  /** ISO 8601, by the platform's clock. */
  sentAt: z.iso.datetime({ offset: true }),
})
