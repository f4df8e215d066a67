/** Commands on the console: typed in a thread, by a button of a notice, or by the command line outside of any thread. */

import type { Blobs } from '../../src/core/blobs.ts'
import { commandsTypedAs, decodeAction, type Notice } from '../../src/core/command.ts'
import { ParleyError } from '../../src/core/errors.ts'
import type { HttpContext, Route } from '../../src/core/http.ts'
import type { Intake } from '../../src/core/platform.ts'
import { consoleWording } from '../../src/wording/page.ts'
import { answerOf, type CommandAnswer, type Message, PressAction, RunCommand } from './api.ts'
import type { Board } from './board.ts'
import { listTopic, type Topics, threadTopic, toJson } from './live.ts'
import { cliAuthor, conversationOf, jsonIn, localAuthor, withNames } from './normalize.ts'
import { keepNotice } from './transport.ts'

export interface CommandRoutes {
  board: Board
  blobs: Blobs
  topics: Topics
  intake: Intake
  idOf(context: HttpContext, name: string): string
}

/** Runs a command that was typed as a message; the result becomes the next message of the thread. */
export async function runInThread(
  { board, blobs, topics, intake }: Pick<CommandRoutes, 'board' | 'blobs' | 'topics' | 'intake'>,
  message: Message,
  locale: string | undefined,
): Promise<void> {
  const conversation = conversationOf(message.threadId)
  const notice = await intake.command({
    id: message.id,
    conversation,
    author: localAuthor,
    text: message.text,
    replyTarget: { conversation, data: null },
    locale,
  })
  if (deletes(message.text) && !(await showChanges({ board, topics }, message.threadId))) return
  await say({ board, blobs, topics }, message.threadId, answerOf(message.id), notice)
}

const deletes = (text: string) => /^\s*(?:\/?parley\s+|\/)?forget\b/i.test(text)

/** A command may have deleted the thread, or messages of it. */
async function showChanges(
  { board, topics }: Pick<CommandRoutes, 'board' | 'topics'>,
  threadId: string,
): Promise<boolean> {
  const known = await board.thread(threadId)
  if (known === null) topics.publish(listTopic, toJson({ type: 'threadDeleted', threadId }))
  else topics.publish(threadTopic(threadId), toJson({ type: 'snapshot', ...known }))
  return known !== null
}

async function say(
  deps: Pick<CommandRoutes, 'board' | 'blobs' | 'topics'>,
  threadId: string,
  id: string,
  notice: Notice,
): Promise<void> {
  const message = await keepNotice(deps, threadId, id, notice)
  deps.topics.publish(threadTopic(threadId), toJson({ type: 'message', message }))
}

export function commandRoutes(routes: CommandRoutes): Route[] {
  const { intake, board, blobs, idOf } = routes
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
        const answer: CommandAnswer = {
          text: commandsTypedAs('parley admin ', withNames(notice.text)),
          failed: notice.failed === true,
          files,
        }
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
        const conversation = conversationOf(threadId)
        const replyTarget = { conversation, data: null }
        const { notice, turnId } = await intake.act({ ...action, id: data.id, by: localAuthor, replyTarget })
        const there = action.kind !== 'command' || !deletes(action.text) || (await showChanges(routes, threadId))
        if (notice !== undefined && there) await say(routes, threadId, answerOf(data.id), notice)
        return context.json({ turnId })
      },
    },
    {
      method: 'GET',
      path: '/console/uploads/:uploadId',
      access: ['page'],
      async handle(context) {
        const [upload] = await board.uploads([idOf(context, 'uploadId')])
        if (upload === undefined || !(await blobs.has(upload.contentHash)))
          throw new ParleyError('file_missing', consoleWording.fileMissing)
        // The page displays only Parley's own pictures; files from users are downloaded, never opened.
        const shown = upload.mediaType === 'image/png'
        const bytes: Buffer[] = []
        for await (const chunk of await blobs.open(upload.contentHash)) bytes.push(chunk as Buffer)
        const name = encodeURIComponent(upload.name)
        return context.body(new Uint8Array(Buffer.concat(bytes)), 200, {
          'content-type': shown ? 'image/png' : 'application/octet-stream',
          'cache-control': 'private, max-age=86400, immutable',
          'content-disposition': `${shown ? 'inline' : 'attachment'}; filename*=UTF-8''${name}`,
        })
      },
    },
  ]
}
