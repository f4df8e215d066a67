/** `/parley …`: a command of the table, or a question in the current channel. */
import type { AckFn, RespondArguments, RespondFn, SlashCommand } from '@slack/bolt'
import type { CommandSpec, Notice } from '../../src/core/command.ts'
import { asParleyError } from '../../src/core/errors.ts'
import type { ConversationRef } from '../../src/core/message.ts'
import { slackWording } from '../../src/wording/slack.ts'
import { plain, type Self, type TargetData } from './events.ts'
import { sendBytes, share } from './files.ts'
import { noticeContent, toMrkdwn } from './format.ts'
import type { Installations, Workspace } from './installations.ts'
import type { EventContext, SlackContext } from './listener.ts'
import { toMarkdown, withoutMention } from './mrkdwn.ts'
import { messageId, sentAt, targetOf } from './normalize.ts'
import { platformName } from './settings.ts'

/** Slack waits three seconds for the acknowledgement, which may contain the answer. */
const ackWithinMs = 1800
/** A longer text is a question, not a mistyped command. */
const shortWords = 3

export interface Commands {
  run(
    command: SlashCommand,
    context: EventContext,
    ack: AckFn<string | RespondArguments>,
    respond: RespondFn,
  ): Promise<void>
}

export function createCommands(slack: SlackContext): Commands {
  const { intake, people } = slack

  async function answer(command: SlashCommand, self: Self, workspace: Workspace): Promise<Notice> {
    const text = typed(command.text) || 'help'
    const conversation: ConversationRef = {
      platform: platformName,
      workspaceId: self.teamId,
      channelId: command.channel_id,
    }
    const { membership, name, locale } = await people.person(workspace, self, command.user_id)
    const author = { id: command.user_id, name: name ?? command.user_name, membership }
    if (isQuestion(text, intake.commands)) return await ask(command.text.trim(), command, self, workspace)
    const data: TargetData = { team: self.teamId, channel: command.channel_id, user: command.user_id }
    return await intake.command({
      id: command.trigger_id,
      conversation,
      author,
      text,
      replyTarget: targetOf(conversation, data),
      locale,
    })
  }

  /** A slash command is not a message, so Parley posts the question and answers in the thread below it. */
  async function ask(text: string, command: SlashCommand, self: Self, workspace: Workspace): Promise<Notice> {
    const { channel_id: channel, user_id: user } = command
    const names = await slack.names.namesIn(text, self, workspace, { patienceMs: 0, signal: AbortSignal.timeout(1000) })
    const question = toMarkdown(withoutMention(text, self.botUserId), names)
    const { name } = await people.person(workspace, self, user)
    // Nobody is notified by the question a second time: it holds names instead of mentions.
    const asked = slackWording.asked(toMrkdwn(name ?? command.user_name), toMrkdwn(question))
    const answer = await workspace.api.call('chat.postMessage', {
      channel,
      text: asked,
      parse: 'none',
      link_names: false,
      unfurl_links: false,
      unfurl_media: false,
    })
    const ts = String(answer.ts)
    const conversation = { platform: platformName, workspaceId: self.teamId, channelId: channel, threadId: ts }
    const data: TargetData = {
      team: self.teamId,
      channel,
      thread: ts,
      ts,
      user,
      title: question.slice(0, 80),
      direct: channel.startsWith('D') ? true : undefined,
    }
    await slack.ask(
      {
        id: messageId(channel, ts),
        conversation,
        author: { id: user },
        text: question,
        kind: 'command',
        attachments: [],
        replyTarget: { conversation, data: plain(data) },
        sentAt: sentAt(ts),
      },
      self,
      workspace,
    )
    return { text: slackWording.answeringInThread, private: true }
  }

  return {
    async run(command, context, ack, respond) {
      const { self, workspace } = await slack.at(context)
      const work = answer(command, self, workspace).catch((error: unknown): Notice => {
        if (asParleyError(error).code === 'database_unreachable') throw error
        return { text: asParleyError(error).userMessage, private: true }
      })
      const late = Symbol('late')
      const { promise, resolve } = Promise.withResolvers<typeof late>()
      const timer = setTimeout(() => resolve(late), ackWithinMs)
      const first = await Promise.race([work, promise])
      clearTimeout(timer)
      if (first === late) {
        await ack()
        slack.later('answering a command', async () => {
          const notice = await work.catch(
            (error: unknown): Notice => ({ text: asParleyError(error).userMessage, private: true }),
          )
          await respond(responseOf(notice))
          await shareFiles(notice, command, workspace)
        })
        return
      }
      await ack(responseOf(first))
      if (first.files?.length)
        slack.later('sharing the files of a command', () => shareFiles(first, command, workspace))
    },
  }
}

/** The text that the table of commands expects: bare IDs of people and channels, plain URLs and characters. */
export function typed(text: string): string {
  return text
    .replaceAll(/<([@#][A-Z0-9]+)\|[^<>]*>/g, '<$1>')
    .replaceAll(/<((?:https?|mailto):[^<>|]+)(?:\|[^<>]*)?>/g, '$1')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
    .trim()
}

/** Whether the text is a question: it names no command, and is too long or too clear to be a mistyped one. */
export function isQuestion(text: string, commands: readonly CommandSpec[]): boolean {
  const words = text.toLowerCase().split(/\s+/)
  const begins = commands.some(({ name }) => name.split(' ')[0] === words[0])
  if (begins || words[0] === 'help') return false
  return words.length > shortWords || text.endsWith('?')
}

function responseOf(notice: Notice): RespondArguments {
  const { text, blocks } = noticeContent(notice)
  return {
    response_type: notice.private ? 'ephemeral' : 'in_channel',
    text,
    blocks: blocks.map((block) => ({ ...block })),
  }
}

/** A file in a channel is visible to everyone, so files of a private answer go to a direct message. */
async function shareFiles(
  { files = [], private: secret }: Notice,
  command: SlashCommand,
  workspace: Workspace,
): Promise<void> {
  if (files.length === 0) return
  const { api } = workspace
  const channel = secret ? await directChannel(workspace, command.user_id) : command.channel_id
  for (const file of files) await share(api, await sendBytes(api, file, {}), file.name, { channel }, {})
}

export async function directChannel({ api }: Awaited<ReturnType<Installations['of']>>, user: string): Promise<string> {
  const answer = await api.call('conversations.open', { users: user })
  const { channel } = answer
  if (typeof channel === 'object' && channel !== null && 'id' in channel && typeof channel.id === 'string')
    return channel.id
  throw new Error('Slack opened no direct message')
}
