/** Commands on the console: typed in a thread, by a button of a notice, or by the command line outside of any thread. */

import type { Blobs } from '../../src/core/blobs.ts'
import { type CommandSpec, commandsTypedAs, decodeAction, type Notice } from '../../src/core/command.ts'
import { ParleyError } from '../../src/core/errors.ts'
import type { HttpContext, Route } from '../../src/core/http.ts'
import type { Intake } from '../../src/core/platform.ts'
import { isUuid } from '../../src/core/uuid.ts'
import { actionWording } from '../../src/wording/answers.ts'
import { consoleWording } from '../../src/wording/page.ts'
import { idOf } from './account.ts'
import { answerOf, type CommandAnswer, type Message, PressAction, RunCommand } from './api.ts'
import type { Board, Owner } from './board.ts'
import { publishDeleted, type Topics, threadTopic, toJson } from './live.ts'
import { type Asker, cliAuthor, conversationOf, jsonIn, withAllNames } from './normalize.ts'
import { kept } from './previews.ts'
import { keepNotice } from './transport.ts'

export interface CommandRoutes {
  board: Board
  blobs: Blobs
  topics: Topics
  intake: Intake
  askerOf(context: HttpContext): Promise<Asker>
}

/** Runs a command that was typed as a message; the result becomes the next message of the thread, and is returned. */
export async function runInThread(
  { board, blobs, topics, intake }: Pick<CommandRoutes, 'board' | 'blobs' | 'topics' | 'intake'>,
  message: Message,
  { author, owner }: Asker,
  locale: string | undefined,
): Promise<Notice> {
  const conversation = conversationOf(message.threadId)
  const notice = await intake.command({
    id: message.id,
    conversation,
    author,
    text: message.text,
    replyTarget: { conversation, data: null },
    locale,
  })
  if (!deletes(message.text) || (await showChanges({ board, topics }, message.threadId, owner)))
    await say({ board, blobs, topics }, message.threadId, answerOf(message.id), notice)
  return notice
}

const deletes = (text: string) => /^\s*(?:\/?parley\s+|\/)?forget\b/i.test(text)

/** A command may have deleted the thread, or messages of it. */
async function showChanges(
  { board, topics }: Pick<CommandRoutes, 'board' | 'topics'>,
  threadId: string,
  owner: Owner,
): Promise<boolean> {
  const known = await board.thread(threadId, owner)
  if (known === null) publishDeleted(topics, threadId, owner)
  else topics.publish(threadTopic(threadId), toJson({ type: 'snapshot', ...known }))
  return known !== null
}

async function say(
  deps: Pick<CommandRoutes, 'board' | 'blobs' | 'topics'>,
  threadId: string,
  id: string,
  notice: Notice,
): Promise<void> {
  const message = await keepNotice(deps, threadId, id, notice, false)
  deps.topics.publish(threadTopic(threadId), toJson({ type: 'message', message }))
}

/** Turns of other threads, and of other platforms, are unknown here. */
export async function hasTurn(board: Pick<Board, 'hasTurn'>, turnId: string, owner: Owner): Promise<boolean> {
  return isUuid(turnId) && (await board.hasTurn(turnId, owner))
}

/** Whether a line is a command that asks a question. */
export function asks(line: string, commands: readonly CommandSpec[]): boolean {
  const typed = `${line.trim().replace(/^\//, '').replaceAll(/\s+/g, ' ')} `
  return commands.some((command) => command.asks === true && typed.startsWith(`${command.name} `))
}

/** A notice as the terminal prints it. */
export async function terminalAnswer(
  { text, failed }: Notice,
  board: Pick<Board, 'names'>,
): Promise<Pick<CommandAnswer, 'text' | 'failed'>> {
  return { text: commandsTypedAs('parley admin ', await withAllNames(text, board)), failed: failed === true }
}

export function commandRoutes(routes: CommandRoutes): Route[] {
  const { intake, board, blobs, askerOf } = routes
  return [
    {
      method: 'GET',
      path: '/console/commands',
      access: ['page'],
      handle: (context) =>
        context.json({
          commands: intake.commands.map(({ name, summary, role, args, examples }) => ({
            name,
            summary,
            role,
            args,
            examples,
          })),
        }),
    },
    {
      // Commands from the terminal run as an admin of the installation.
      method: 'POST',
      path: '/console/commands',
      access: ['terminal'],
      body: { maxBytes: 64_000 },
      async handle(context) {
        const { success, data } = RunCommand.safeParse(jsonIn(context))
        if (!success) throw new ParleyError('request_invalid', consoleWording.commandInvalid)
        if (asks(data.text, intake.commands)) return context.json({ text: '', failed: false, asks: true, files: [] })
        const conversation = conversationOf('cli')
        const notice = await intake.command({
          id: data.id,
          conversation,
          author: cliAuthor,
          text: data.text,
          replyTarget: { conversation, data: null },
        })
        const files = (notice.files ?? []).map(({ name, mediaType, data }) => ({
          name,
          mediaType,
          data: Buffer.from(data).toString('base64'),
        }))
        const answer: CommandAnswer = { ...(await terminalAnswer(notice, board)), asks: false, files }
        return context.json(answer)
      },
    },
    {
      method: 'POST',
      path: '/console/threads/:id/press',
      access: ['page'],
      body: { maxBytes: 64_000 },
      async handle(context) {
        const threadId = idOf(context, 'id')
        const { success, data } = PressAction.safeParse(jsonIn(context))
        const action = success ? decodeAction(data.action) : undefined
        if (!success || action === undefined) throw new ParleyError('request_invalid', consoleWording.buttonUnknown)
        const { author, owner } = await askerOf(context)
        if ((await board.ownerOf(threadId)) !== owner)
          throw new ParleyError('conversation_not_found', consoleWording.threadMissing)
        if ('turnId' in action && !(await hasTurn(board, action.turnId, owner)))
          throw new ParleyError('turn_not_found', actionWording.notFound)
        const conversation = conversationOf(threadId)
        const replyTarget = { conversation, data: null }
        const { notice, turnId } = await intake.act({ ...action, id: data.id, by: author, replyTarget })
        const there = action.kind !== 'command' || !deletes(action.text) || (await showChanges(routes, threadId, owner))
        if (notice !== undefined && there) await say(routes, threadId, answerOf(data.id), notice)
        return context.json({ turnId })
      },
    },
    {
      method: 'GET',
      path: '/console/uploads/:uploadId',
      access: ['page'],
      async handle(context) {
        const [upload] = await board.uploads([idOf(context, 'uploadId')], (await askerOf(context)).owner)
        if (upload === undefined || !(await blobs.has(upload.contentHash)))
          throw new ParleyError('file_missing', consoleWording.fileMissing)
        // The page displays only Parley's own pictures; files from users are downloaded, never opened.
        const shown = upload.mediaType === 'image/png'
        const bytes: Buffer[] = []
        for await (const chunk of await blobs.open(upload.contentHash)) bytes.push(chunk as Buffer)
        const name = encodeURIComponent(upload.name)
        return context.body(new Uint8Array(Buffer.concat(bytes)), 200, {
          'content-type': shown ? 'image/png' : 'application/octet-stream',
          ...kept,
          'content-disposition': `${shown ? 'inline' : 'attachment'}; filename*=UTF-8''${name}`,
        })
      },
    },
  ]
}
