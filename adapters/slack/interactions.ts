/** Buttons, dialogs and the message shortcut. */
import { randomUUID } from 'node:crypto'
import type { BlockAction, MessageShortcut, RespondFn, SlackViewAction } from '@slack/bolt'
import { z } from 'zod'
import { type ButtonAction, decodeAction, type Notice } from '../../src/core/command.ts'
import { asParleyError, errorFields } from '../../src/core/errors.ts'
import {
  Attachment,
  asContent,
  type ConversationRef,
  type IncomingMessage,
  type ReplyTarget,
} from '../../src/core/message.ts'
import { shortenTitle } from '../../src/core/text/shorten.ts'
import { chatWording } from '../../src/wording/chat.ts'
import { slackWording } from '../../src/wording/slack.ts'
import { askTyped, type Commands } from './commands.ts'
import { directChannel } from './direct.ts'
import { plain, type Self, SlackMessage, type TargetData } from './events.ts'
import { complete } from './files.ts'
import { noticeContent } from './format.ts'
import type { Workspace } from './installations.ts'
import type { EventContext, SlackContext } from './listener.ts'
import { attachmentsOf, targetOf } from './normalize.ts'
import { saidBefore } from './quote.ts'
import { slackCode } from './sdk.ts'
import { askShortcut, askView, feedbackView, platformName } from './settings.ts'
import { filesOf } from './thread.ts'
import { askDialog, feedbackDialog, homeSections, homeView, inputOf } from './views.ts'

export interface Interactions {
  press(body: BlockAction, context: EventContext, respond: RespondFn | undefined): Promise<void>
  /** `undefined` closes the dialog; errors are shown in it. */
  submit(body: SlackViewAction, context: EventContext): Promise<DialogErrors | undefined>
  shortcut(shortcut: MessageShortcut, context: EventContext): Promise<void>
  publishHome(user: string, self: Self, workspace: Workspace): Promise<void>
}

/** By the name of an input. */
interface DialogErrors {
  response_action: 'errors'
  errors: Record<string, string>
}

/** What Slack tells about a channel: https://docs.slack.dev/reference/objects/conversation-object */
const ChannelInfo = z.object({
  channel: z.object({
    is_member: z.boolean().nullish(),
    is_archived: z.boolean().nullish(),
    is_read_only: z.boolean().nullish(),
  }),
})
/** Slack waits three seconds for the answer to a dialog. */
const lookMs = 1500

const AskForm = z.object({
  quoted: z.string().optional(),
  attachments: z.array(Attachment),
  channel: z.string(),
  thread: z.string(),
})
/** A dialog must open within three seconds. */
const lookUpMs = 1000
const askFormKey = (id: string) => `asked/${id}`

export function createInteractions(
  slack: SlackContext,
  commands: Commands,
  onIgnored: ((why: string) => void) | undefined,
): Interactions {
  const { intake, records, people, names, recent, log } = slack

  async function authorOf(id: string, self: Self, workspace: Workspace) {
    const { membership, name } = await people.person(workspace, self, id)
    return { id, name, membership }
  }

  async function act(action: ButtonAction, body: BlockAction, context: EventContext): Promise<Notice | undefined> {
    const { self, workspace } = await slack.at(context)
    const by = await authorOf(body.user.id, self, workspace)
    if (action.kind === 'bad')
      slack.later('opening the feedback dialog', () =>
        workspace.api.call('views.open', { trigger_id: body.trigger_id, view: feedbackDialog(action.turnId) }),
      )
    try {
      return (
        await intake.act({ ...action, id: `${body.trigger_id}-${action.kind}`, by, replyTarget: placeOf(body, self) })
      ).notice
    } catch (thrown) {
      const error = asParleyError(thrown)
      if (error.retry === 'later') throw thrown
      return { text: error.userMessage, private: true }
    }
  }

  async function publishHome(user: string, self: Self, workspace: Workspace): Promise<void> {
    const conversation = homeOf(user, self)
    const data: TargetData = { team: self.teamId, channel: user, user, direct: true }
    const author = await authorOf(user, self, workspace)
    const call = { id: `home-${randomUUID()}`, conversation, author, replyTarget: targetOf(conversation, data) }
    const [sections, conversations] = await Promise.all([
      homeSections(intake, call),
      recent.list(self.teamId, user, workspace.api),
    ])
    const view = homeView(sections, conversations)
    await workspace.api.call('views.publish', { user_id: user, view })
  }

  /** A command that failed was meant as a question. */
  function askTypedNow(text: string, body: BlockAction, context: EventContext, respond: RespondFn | undefined): void {
    const channel = body.channel?.id
    if (channel === undefined) return
    slack.later('asking what was typed', async () => {
      const { self, workspace } = await slack.at(context)
      const { text: said } = await commands
        .ask({ text, channel, user: body.user.id }, self, workspace)
        .catch((error: unknown): Notice => ({ text: asParleyError(error).userMessage }))
      await respond?.({ response_type: 'ephemeral', replace_original: true, text: said })
    })
  }

  /** Replaces the buttons of a decided request with the decision, for everyone who sees it. */
  function decided(body: BlockAction, text: string) {
    const blocks = z
      .array(z.looseObject({ type: z.string() }))
      .catch([])
      .parse(body.message?.blocks)
    const kept = blocks.filter(({ type }) => type !== 'actions')
    const by = { type: 'context', elements: [{ type: 'mrkdwn', text: `${text} <@${body.user.id}>` }] }
    return { replace_original: true, text, blocks: [...kept, by] }
  }

  return {
    publishHome,
    async press(body, context, respond) {
      const [pressed] = body.actions
      const value = pressedValue(pressed)
      if (pressed?.action_id === askTyped && typeof value === 'string')
        return askTypedNow(value, body, context, respond)
      const action = typeof value === 'string' ? decodeAction(value) : undefined
      const home = body.view?.type === 'home'
      const refresh = () =>
        slack.later('showing the Home tab', async () => {
          const { self, workspace } = await slack.at(context)
          await publishHome(body.user.id, self, workspace)
        })
      if (action === undefined) return home ? refresh() : onIgnored?.(slackWording.ignored.foreignButton)
      const notice = await act(action, body, context)
      if (home) return refresh()
      if (respond === undefined) return
      const { approvedBy, declinedBy } = slackWording
      const decision = action.kind === 'approve' ? approvedBy : action.kind === 'decline' ? declinedBy : undefined
      slack.later('answering a button', async () => {
        if (decision !== undefined && !notice?.private) await respond(decided(body, decision))
        if (notice === undefined) return
        const { text, blocks } = noticeContent(notice)
        const content = { text, blocks: blocks.map((block) => ({ ...block })) }
        await respond({ response_type: 'ephemeral', replace_original: false, ...content })
      })
    },

    async submit(body, context) {
      const { view, user } = body
      const { self, workspace } = await slack.at(context)
      if (body.type === 'view_closed') {
        if (view.callback_id === askView) await records.remove(askFormKey(view.private_metadata))
        return
      }
      if (view.callback_id === feedbackView) {
        const by = await authorOf(user.id, self, workspace)
        const comment = inputOf(view.state.values, 'reason')
        const replyTarget = targetOf(homeOf(user.id, self), {
          team: self.teamId,
          channel: user.id,
          user: user.id,
          direct: true,
        })
        const bad = { kind: 'bad' as const, turnId: view.private_metadata, id: view.id, by, replyTarget }
        await intake.act(comment === undefined || comment === '' ? bad : { ...bad, comment })
      } else if (view.callback_id === askView) {
        return await askAbout(view.private_metadata, view, user.id, self, workspace)
      } else onIgnored?.(slackWording.ignored.foreignDialog)
      return undefined
    },

    async shortcut(shortcut, context) {
      if (shortcut.callback_id !== askShortcut) return onIgnored?.(slackWording.ignored.foreignShortcut)
      const { self, workspace } = await slack.at(context)
      const about = SlackMessage.parse({ ...shortcut.message, ts: shortcut.message_ts })
      const options = { patienceMs: 0, signal: AbortSignal.timeout(lookUpMs) }
      const [known, files] = await Promise.all([
        names.namesIn(about, self, workspace, options),
        Promise.all(filesOf(about).map((file) => complete(workspace.api, file, options))),
      ])
      const said = saidBefore(about, self, known)
      const quoted = said.text === '' ? '' : `${said.author}: ${said.text}`
      const attachments = asContent(attachmentsOf(files, self))
      const id = randomUUID()
      const thread = about.thread_ts ?? about.ts
      await records.put(
        askFormKey(id),
        plain({ quoted: quoted || undefined, attachments, channel: shortcut.channel.id, thread }),
        { person: { workspaceId: self.teamId, userId: shortcut.user.id } },
      )
      slack.later('opening the question dialog', () =>
        workspace.api.call('views.open', { trigger_id: shortcut.trigger_id, view: askDialog(id) }),
      )
    },
  }

  /** Why Parley cannot answer in the channel, before a model is paid; `undefined` if it can, or if Slack does not say. */
  async function obstacle({ api }: Workspace, channel: string): Promise<string | undefined> {
    const { dialog } = slackWording
    try {
      const options = { patienceMs: 200, signal: AbortSignal.timeout(lookMs) }
      const { channel: found } = ChannelInfo.parse(await api.call('conversations.info', { channel }, options))
      if (found.is_archived) return dialog.archived
      if (found.is_read_only) return dialog.readOnly
      return found.is_member === false ? dialog.notThere : undefined
    } catch (error) {
      log.debug(errorFields(error), 'Slack did not describe a channel')
      return slackCode(error) === 'channel_not_found' ? dialog.notThere : undefined
    }
  }

  /** The dialog's question, about the message on which the dialog was opened. */
  async function askAbout(
    id: string,
    view: SlackViewAction['view'],
    user: string,
    self: Self,
    workspace: Workspace,
  ): Promise<DialogErrors | undefined> {
    const form = AskForm.safeParse(await records.get(askFormKey(id)))
    if (!form.success) {
      log.info({}, 'a question arrived after its dialog was closed')
      return undefined
    }
    const { channel, thread, quoted, attachments } = form.data
    const inThread = inputOf(view.state.values, 'where') === 'thread'
    const why = inThread ? await obstacle(workspace, channel) : undefined
    if (why !== undefined) return { response_action: 'errors', errors: { where: why } }
    const place = inThread
      ? { channel, thread }
      : { channel: await directChannel(workspace.api, user), thread: undefined }
    const conversation = {
      platform: platformName,
      workspaceId: self.teamId,
      channelId: place.channel,
      threadId: place.thread,
    }
    const text = inputOf(view.state.values, 'question') || chatWording.ask.defaultQuestion
    const data: TargetData = {
      team: self.teamId,
      ...place,
      user,
      title: shortenTitle(text, 80),
      direct: !inThread ? true : undefined,
    }
    const message: IncomingMessage = {
      id: `${channel}-${view.id}`,
      conversation,
      author: { id: user },
      text,
      // In the thread of a direct message, there are no other readers.
      kind: inThread && place.channel.startsWith('D') ? 'direct' : 'command',
      attachments,
      replyTarget: targetOf(conversation, data),
      sentAt: new Date().toISOString(),
      quoted,
      private: !inThread ? true : undefined,
    }
    await slack.ask(message, self, workspace)
    await records.remove(askFormKey(id))
    return undefined
  }
}

/** The value of a pressed button, or of the chosen line of a menu. */
function pressedValue(pressed: BlockAction['actions'][number] | undefined): unknown {
  if (pressed === undefined) return undefined
  if ('selected_option' in pressed) return pressed.selected_option?.value
  return 'value' in pressed ? pressed.value : undefined
}

/** The Home tab has no channel: what people do there counts as done in a private one. */
function homeOf(user: string, { teamId }: Self): ConversationRef {
  return { platform: platformName, workspaceId: teamId, channelId: user }
}

/** Where a button was pressed: its message's thread, or its channel. */
function placeOf(body: BlockAction, self: Self): ReplyTarget {
  const user = body.user.id
  const channel = body.channel?.id
  if (channel === undefined)
    return targetOf(homeOf(user, self), { team: self.teamId, channel: user, user, direct: true })
  const at = SlackMessage.pick({ ts: true, thread_ts: true }).safeParse(body.message)
  const thread = at.success ? (at.data.thread_ts ?? (channel.startsWith('D') ? undefined : at.data.ts)) : undefined
  const conversation = { ...homeOf(user, self), channelId: channel, threadId: thread }
  const data: TargetData = {
    team: self.teamId,
    channel,
    user,
    thread,
    direct: channel.startsWith('D') ? true : undefined,
  }
  return targetOf(conversation, data)
}
