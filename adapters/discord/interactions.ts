/**
 * Commands, buttons, menus and forms. Discord expects a response within three seconds. Parley stores a question first and then
 * acknowledges it. When storing is slow, it tells Discord to wait; after a crash in between, Discord sends the event again.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type APIApplicationCommandInteractionDataAttachmentOption,
  type APIApplicationCommandInteractionDataBasicOption,
  type APIAttachment,
  type APIChatInputApplicationCommandInteraction,
  type APIInteraction,
  type APIMessage,
  type APIMessageApplicationCommandInteraction,
  type APIMessageComponentInteraction,
  type APIModalSubmitInteraction,
  ApplicationCommandType,
  InteractionResponseType,
  InteractionType,
  MessageFlags,
} from 'discord.js'
import type { ButtonAction, Notice } from '../../src/core/command.ts'
import { asParleyError, errorFields } from '../../src/core/errors.ts'
import type { Log } from '../../src/core/log.ts'
import { asContent } from '../../src/core/message.ts'
import type { Intake, Received } from '../../src/core/platform.ts'
import { chatWording } from '../../src/wording/chat.ts'
import { discordWording } from '../../src/wording/discord.ts'
import type { CommandContext } from './command-context.ts'
import { calledCommand, commandLine, names } from './commands.ts'
import {
  aboutForm,
  actionOf,
  askForm,
  badForm,
  fieldsOf,
  fitsForm,
  formOf,
  isInMenu,
  menuOf,
  menuRows,
} from './components.ts'
import { attachmentOf, filesOf, isUnreadable, linkOf, type Me, quote } from './content.ts'
import { asHelp } from './help.ts'
import { packNotice } from './message-body.ts'
import {
  type AskInput,
  type AskInteraction,
  authorOfInteraction,
  type InteractionPlace,
  isDirect,
  normalizeAsk,
  placeOfInteraction,
} from './normalize.ts'
import { type Api, codes, DiscordRefusal, refusedWith } from './rest.ts'
import { suggestChoices } from './suggest.ts'

export interface InteractionsDeps {
  api: Pick<Api, 'call'>
  questions: CommandContext
  intake: Intake
  me(): Me
  log: Log
}

export interface Interactions {
  /** Answers when it is taken in and acknowledged. Throws when it could not be taken in. */
  take(interaction: APIInteraction): Promise<void>
}

/** Of Discord's three seconds; the rest is the way there and back. */
const waitAtMostMs = 2000
const maxTargets = 500

export function createInteractions({ api, questions, intake, me, log }: InteractionsDeps): Interactions {
  /** Messages that "Ask about this message" was chosen for; after a restart they are looked up. */
  const targets = new Map<string, APIMessage>()

  async function respond(interaction: APIInteraction, type: InteractionResponseType, data?: object, files = noFiles) {
    const path = `/interactions/${interaction.id}/${interaction.token}/callback`
    try {
      const body = { type, data }
      await api.call('POST', path, { body, files, auth: false, urgent: true })
      return 'now'
    } catch (thrown) {
      // An event that was sent again is acknowledged already, or too old to be; its answer goes on regardless.
      if (!refusedWith(thrown, codes.alreadyAcknowledged, codes.unknownInteraction)) throw thrown
      log.info({ code: thrown.discordCode }, 'interaction not acknowledged')
      return thrown.discordCode === codes.alreadyAcknowledged ? 'before' : 'never'
    }
  }

  const defer = (interaction: APIInteraction, hidden: boolean) =>
    respond(interaction, InteractionResponseType.DeferredChannelMessageWithSource, {
      flags: hidden ? MessageFlags.Ephemeral : 0,
    })

  async function say(interaction: APIInteraction, notice: Notice): Promise<void> {
    const { body, files } = packNotice(notice)
    const known = await respond(interaction, InteractionResponseType.ChannelMessageWithSource, body, files)
    if (known === 'before') await change(interaction, notice)
  }

  /** Answers with what `work` gives, later when it takes longer; only the asker sees a late one. */
  async function answerWith(interaction: APIInteraction, work: Promise<Notice>): Promise<void> {
    const early = await within(work, () => defer(interaction, true))
    if (early !== undefined) return await say(interaction, early)
    await change(interaction, await work)
  }

  /** Replaces Discord's “thinking” message. */
  async function change({ application_id, token }: APIInteraction, notice: Notice): Promise<void> {
    const { body, files } = packNotice({ ...notice, private: false })
    await api.call('PATCH', `/webhooks/${application_id}/${token}/messages/@original`, { body, files, auth: false })
  }

  async function ask(interaction: AskInteraction, input: AskInput): Promise<void> {
    const taking = questions.read(interaction, input).then((read) => intake.receive(normalizeAsk(interaction, read)))
    const waiting = () => defer(interaction, input.private)
    let received: Received
    try {
      const early = await within(taking, waiting)
      received = early ?? (await taking)
      if (early?.kind === 'new' || early?.kind === 'duplicate') await waiting()
    } catch (thrown) {
      const error = asParleyError(thrown)
      // Taken in again until the database is back, by this process or the next.
      if (error.retry === 'later') throw thrown
      log.error(errorFields(thrown), 'a question was not taken in')
      return await say(interaction, { text: error.userMessage, private: true })
    }
    if (received.kind === 'refused') await say(interaction, { ...received.notice, private: true })
    if (received.kind === 'joined') await say(interaction, { text: discordWording.joined, private: true })
  }

  async function onAsk(interaction: APIChatInputApplicationCommandInteraction): Promise<void> {
    const options = (interaction.data.options ?? []) as APIApplicationCommandInteractionDataBasicOption[]
    const value = (name: string) => options.find((option) => option.name === name)?.value
    const text = String(value('text') ?? '')
    const model = value('model')
    const search = value('search')
    const files = options.filter(isFile).flatMap(({ value: id }) => fileOf(interaction.data.resolved?.attachments, id))
    const input = {
      text,
      files,
      quoted: [],
      private: value('private') === true,
      model: model ? String(model) : undefined,
      search: typeof search === 'boolean' ? search : undefined,
      called: true,
    }
    if (text.trim() !== '' || files.length > 0) return await ask(interaction, input)
    const form = { form: 'ask', private: input.private, model: fitsForm(input.model), search: input.search } as const
    await respond(interaction, InteractionResponseType.Modal, askForm(form))
  }

  async function onParley(interaction: APIChatInputApplicationCommandInteraction): Promise<void> {
    const called = calledCommand(intake.commands, interaction.data.options)
    const target = placeOfInteraction(interaction)
    const notice = intake.command({
      id: interaction.id,
      conversation: target.conversation,
      author: authorOfInteraction(interaction),
      text: commandLine(called),
      direct: isDirect(interaction),
      replyTarget: target,
      locale: interaction.locale,
    })
    const isHelp = called.name === 'help'
    const inForm = (help: Notice) => asHelp(help, intake.commands, called.given.length === 0)
    await answerWith(interaction, isHelp ? notice.then(inForm) : notice)
  }

  async function onMessageCommand(interaction: APIMessageApplicationCommandInteraction): Promise<void> {
    const { data, channel } = interaction
    const message = data.resolved.messages[data.target_id]
    if (message === undefined) return await say(interaction, gone)
    if (data.name === names.about) {
      if (isUnreadable(message, me())) return await say(interaction, unreadable)
      targets.set(message.id, message)
      const [oldest] = targets.keys()
      if (targets.size > maxTargets && oldest !== undefined) targets.delete(oldest)
      const form = { form: 'about', channelId: channel.id, messageId: message.id } as const
      await respond(interaction, InteractionResponseType.Modal, aboutForm(form))
      return
    }
    const files = asContent(filesOf(message, linkOf(message, interaction.guild_id)))
    if (files.length === 0)
      return await say(interaction, {
        text: discordWording.noRecording,
        private: true,
      })
    await ask(interaction, { text: transcribe, files, quoted: [], private: true, called: false })
  }

  async function onForm(interaction: APIModalSubmitInteraction): Promise<void> {
    const form = formOf(interaction.data.custom_id)
    if (form === undefined) return await say(interaction, outdated)
    const { text, files } = fieldsOf(interaction.data.components)
    if (form.form === 'bad') return await act(interaction, { kind: 'bad', turnId: form.turnId }, text.get('comment'))
    const words = text.get('text') ?? ''
    if (form.form === 'ask') {
      const sent = files.flatMap((id) => fileOf(interaction.data.resolved?.attachments, id))
      if (words.trim() === '' && sent.length === 0) return await say(interaction, empty)
      return await ask(interaction, {
        text: words,
        files: sent,
        quoted: [],
        private: form.private,
        model: form.model,
        search: form.search,
        called: true,
      })
    }
    const about = await messageOf(form)
    if (about === undefined) return await say(interaction, gone)
    const quoted = [quote(about, await questions.namesIn(interaction as InteractionPlace, about))]
    await ask(interaction, {
      text: words,
      files: asContent(filesOf(about, linkOf(about, interaction.guild_id))),
      private: false,
      quoted,
      called: false,
    })
  }

  async function messageOf({ channelId, messageId }: { channelId: string; messageId: string }) {
    const known = targets.get(messageId)
    if (known !== undefined) return known
    try {
      return await api.call<APIMessage>('GET', `/channels/${channelId}/messages/${messageId}`, { urgent: true })
    } catch (thrown) {
      log.info(errorFields(thrown), 'message to ask about not found')
      return undefined
    }
  }

  async function onComponent(interaction: APIMessageComponentInteraction): Promise<void> {
    const { data } = interaction
    const turnId = menuOf(data.custom_id)
    if (turnId !== undefined) {
      const { body } = packNotice({ text: discordWording.menu, private: true })
      await respond(interaction, InteractionResponseType.ChannelMessageWithSource, {
        ...body,
        components: menuRows(turnId),
      })
      return
    }
    const action = actionOf(data.custom_id, 'values' in data ? data.values : [])
    if (action === undefined) return await say(interaction, outdated)
    if (action.kind !== 'bad') return await act(interaction, action)
    await respond(interaction, InteractionResponseType.Modal, badForm({ form: 'bad', turnId: action.turnId }))
  }

  async function act(
    interaction: APIMessageComponentInteraction | APIModalSubmitInteraction,
    action: ButtonAction,
    comment?: string,
  ): Promise<void> {
    const press = {
      id: interaction.id,
      by: authorOfInteraction(interaction),
      replyTarget: placeOfInteraction(interaction),
      comment: comment === '' ? undefined : comment,
    }
    const acting = intake
      .act({ ...action, ...press })
      .then(({ notice }) => notice ?? null)
      .catch((thrown: unknown) => {
        const error = asParleyError(thrown)
        if (error.code === 'internal') log.error(errorFields(thrown), 'a button failed')
        return { text: error.userMessage, private: true }
      })
    const early = await within(acting, () => defer(interaction, true))
    if (early !== undefined && 'message' in interaction && isInMenu(interaction.data.custom_id)) {
      const { body, files } = packNotice({ ...(early ?? { text: discordWording.regenerating }), private: false })
      await respond(interaction, InteractionResponseType.UpdateMessage, body, files)
      return
    }
    if (early !== undefined && early !== null) return await say(interaction, early)
    if (early === null) {
      await respond(interaction, InteractionResponseType.DeferredMessageUpdate)
      if (interaction.message?.content === chatWording.questionChanged) await removeOffer(interaction)
    } else await change(interaction, (await acting) ?? { text: discordWording.done })
  }

  /** The offer to answer a changed question is not needed any more. */
  async function removeOffer({ application_id, token }: APIInteraction): Promise<void> {
    try {
      await api.call('DELETE', `/webhooks/${application_id}/${token}/messages/@original`, { auth: false })
    } catch (thrown) {
      if (!(thrown instanceof DiscordRefusal)) throw thrown
    }
  }

  return {
    async take(interaction) {
      switch (interaction.type) {
        case InteractionType.ApplicationCommandAutocomplete: {
          const choices = await suggestChoices(intake, interaction)
          await respond(interaction, InteractionResponseType.ApplicationCommandAutocompleteResult, { choices })
          return
        }
        case InteractionType.ApplicationCommand: {
          const { data } = interaction
          if (data.type === ApplicationCommandType.Message)
            return await onMessageCommand(interaction as APIMessageApplicationCommandInteraction)
          const command = interaction as APIChatInputApplicationCommandInteraction
          return data.name === names.ask ? await onAsk(command) : await onParley(command)
        }
        case InteractionType.MessageComponent:
          return await onComponent(interaction)
        case InteractionType.ModalSubmit:
          return await onForm(interaction)
      }
    },
  }
}

const noFiles: ReturnType<typeof packNotice>['files'] = []
const transcribe = 'Transcribe the recording word for word. Name the speakers where they can be told apart.'
const outdated: Notice = { text: discordWording.outdated, private: true }
const gone: Notice = { text: discordWording.messageGone, private: true }
const unreadable: Notice = { text: discordWording.messageEmpty, private: true }
const empty: Notice = { text: discordWording.empty, private: true }

/** The result of `work` if it is ready in time. Otherwise, or when it fails temporarily, `onLate` tells Discord to wait. */
async function within<T>(work: Promise<T>, onLate: () => Promise<unknown>): Promise<T | undefined> {
  const stop = new AbortController()
  const late = sleep(waitAtMostMs, undefined, { signal: stop.signal }).catch(() => undefined)
  try {
    const early = await Promise.race([work, late])
    if (early === undefined) await onLate()
    return early
  } catch (thrown) {
    if (asParleyError(thrown).retry === 'later') await onLate()
    throw thrown
  } finally {
    stop.abort()
  }
}

function isFile(
  option: APIApplicationCommandInteractionDataBasicOption,
): option is APIApplicationCommandInteractionDataAttachmentOption {
  return /^file\d{0,2}$/.test(option.name)
}

function fileOf(resolved: Record<string, APIAttachment> | undefined, id: string) {
  const file = resolved?.[id]
  return file === undefined ? [] : [attachmentOf(file)]
}
