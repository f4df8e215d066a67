/** `/parley …`: a command of the table, answered to its author alone, or a question in the current channel. */
import type { AckFn, RespondArguments, RespondFn, SlashCommand } from '@slack/bolt'
import type { CommandSpec, Notice } from '../../src/core/command.ts'
import { asParleyError } from '../../src/core/errors.ts'
import type { ConversationRef } from '../../src/core/message.ts'
import { shortenTitle } from '../../src/core/text/shorten.ts'
import { slackWording } from '../../src/wording/slack.ts'
import { directChannel } from './direct.ts'
import { plain, type Self, type TargetData } from './events.ts'
import { sendBytes, share } from './files.ts'
import { noticeContent, plainText, toMrkdwn } from './format.ts'
import type { Workspace } from './installations.ts'
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
  /** Asks what the person typed, after they said that it is a question. */
  ask(typed: Typed, self: Self, workspace: Workspace): Promise<Notice>
}

/** What somebody typed after `/parley`, and where. */
export interface Typed {
  text: string
  channel: string
  user: string
}

/** The button that asks what looked like a command. */
export const askTyped = 'parley:ask-typed'

export function createCommands(slack: SlackContext): Commands {
  const { intake, people } = slack

  async function answer(command: SlashCommand, self: Self, workspace: Workspace): Promise<Answer> {
    const text = typed(command.text) || 'help'
    const conversation: ConversationRef = {
      platform: platformName,
      workspaceId: self.teamId,
      channelId: command.channel_id,
    }
    const { membership, name, locale } = await people.person(workspace, self, command.user_id)
    const author = { id: command.user_id, name: name ?? command.user_name, membership }
    const { channel_id: channel, user_id: user } = command
    if (isQuestion(text, intake.commands))
      return { notice: await ask({ text: command.text.trim(), channel, user }, self, workspace) }
    const data: TargetData = { team: self.teamId, channel, user }
    const notice = await intake.command({
      id: command.trigger_id,
      conversation,
      author,
      text,
      direct: channel.startsWith('D'),
      replyTarget: targetOf(conversation, data),
      locale,
    })
    if (text.toLowerCase() === 'help')
      return { notice: { ...notice, text: `${slackWording.howToAsk}\n\n${notice.text}` } }
    return notice.failed && mayBeQuestion(text, intake.commands)
      ? { notice, question: command.text.trim() }
      : { notice }
  }

  /** A slash command is not a message, so Parley posts the question and answers in the thread below it. */
  async function ask({ text, channel, user }: Typed, self: Self, workspace: Workspace): Promise<Notice> {
    const names = await slack.names.namesIn(text, self, workspace, { patienceMs: 0, signal: AbortSignal.timeout(1000) })
    const question = toMarkdown(withoutMention(text, self.botUserId), names)
    const { name } = await people.person(workspace, self, user)
    // Nobody is notified by the question a second time: it holds names instead of mentions.
    const asked = slackWording.asked(toMrkdwn(name ?? slackWording.unnamed.aPerson), toMrkdwn(question))
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
      title: shortenTitle(question, 80),
      direct: channel.startsWith('D') ? true : undefined,
    }
    await slack.ask(
      {
        id: messageId(channel, ts),
        conversation,
        author: { id: user },
        text: question,
        kind: data.direct ? 'direct' : 'command',
        attachments: [],
        replyTarget: { conversation, data: plain(data) },
        upToDate: true,
        sentAt: sentAt(ts),
      },
      self,
      workspace,
    )
    return { text: slackWording.answeringInThread, private: true }
  }

  return {
    ask,
    async run(command, context, ack, respond) {
      const { self, workspace } = await slack.at(context)
      const work = answer(command, self, workspace).catch((error: unknown): Answer => {
        if (asParleyError(error).code === 'database_unreachable') throw error
        return { notice: { text: asParleyError(error).userMessage } }
      })
      const late = Symbol('late')
      const { promise, resolve } = Promise.withResolvers<typeof late>()
      const timer = setTimeout(() => resolve(late), ackWithinMs)
      const first = await Promise.race([work, promise])
      clearTimeout(timer)
      if (first === late) {
        await ack()
        slack.later('answering a command', async () => {
          const late = await work.catch(
            (error: unknown): Answer => ({ notice: { text: asParleyError(error).userMessage } }),
          )
          await respond(responseOf(late))
          await shareFiles(late, command, workspace)
        })
        return
      }
      await ack(responseOf(first))
      if (first.notice.files?.length)
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
  const words = wordsOf(text)
  const begins = commands.some(({ name }) => name.split(' ')[0] === words[0])
  return !begins && words[0] !== 'help' && soundsLikeQuestion(text)
}

/** Whether what failed as a command may be a question that only begins like one: `why is the sky blue?`, `summarize this`. */
export function mayBeQuestion(text: string, commands: readonly CommandSpec[]): boolean {
  const words = wordsOf(text)
  if (words.length < 2) return false
  const named = commands.find(({ name }) => name.split(' ').every((word, at) => words[at] === word))
  if (named === undefined) return true
  return named.name.includes(' ') ? text.endsWith('?') : soundsLikeQuestion(text)
}

const wordsOf = (text: string) => text.toLowerCase().split(/\s+/)
const soundsLikeQuestion = (text: string) => wordsOf(text).length > shortWords || text.endsWith('?')

interface Answer {
  notice: Notice
  /** What was typed, where it may be a question. */
  question?: string
}

/** Only its author sees it: a command is no message to a channel. */
function responseOf({ notice, question }: Answer): RespondArguments {
  const ask = { type: 'button', action_id: askTyped, text: plainText(slackWording.askInstead), value: question }
  const fits = question !== undefined && question.length <= maxValueChars
  const { text, blocks } = noticeContent(notice, fits ? [ask] : [])
  return { response_type: 'ephemeral', text, blocks: blocks.map((block) => ({ ...block })) }
}

/** Slack's limit for the value of a button. */
const maxValueChars = 2000

/** A message that only one person sees has no files, so they go to a direct message. */
async function shareFiles({ notice }: Answer, command: SlashCommand, { api }: Workspace): Promise<void> {
  const { files = [] } = notice
  if (files.length === 0) return
  const channel = await directChannel(api, command.user_id)
  const comment = `/parley ${command.text}`.trim().slice(0, 300)
  for (const file of files) await share(api, await sendBytes(api, file, {}), file.name, { channel, comment }, {})
}
