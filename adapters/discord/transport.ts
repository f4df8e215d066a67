/**
 * Writes replies over REST, from any worker. An interaction is answered with its token while that is valid, and by the bot
 * afterwards. A mention is answered in a thread, or with a reply where no thread can be opened.
 */
import { type APIMessage, MessageFlags } from 'discord.js'
import { errorFields } from '../../src/core/errors.ts'
import type { Log } from '../../src/core/log.ts'
import type { ReplyTarget } from '../../src/core/message.ts'
import type { OutgoingMessage, Transport } from '../../src/core/platform.ts'
import { retry } from '../../src/core/retry.ts'
import { type MessageBody, nonceOf, type Packed, packFile, packNotice, replyBody } from './message-body.ts'
import { directWorkspace, madeAt } from './normalize.ts'
import type { Refusals } from './refusals.ts'
import { type Api, codes, DiscordRefusal, refusedWith } from './rest.ts'
import { type Destination, destinationOf, PostedRef } from './target.ts'
import type { Threads } from './threads.ts'
import type { Typing } from './typing.ts'

export interface TransportDeps {
  api: Api
  threads: Threads
  typing: Typing
  refusals: Refusals
  log: Log
  now?: () => number
}

interface PostOptions {
  key: string
  signal: AbortSignal
  /** The first message of a reply. */
  first?: boolean
}

type Interaction = Extract<Destination, { to: 'interaction' }>

/** The bot cannot write where the answer is shown. */
const onlyByToken = ({ private: isPrivate, alone }: Interaction) => isPrivate || alone === true

/** Fifteen minutes, less what a call may take: https://discord.com/developers/docs/interactions/receiving-and-responding */
const tokenLifeMs = 15 * 60_000 - 20_000
/** How long an acknowledgement may be on its way; the clocks of Discord and of this machine may differ. */
const freshMs = 30_000
const triesWhenFresh = 15
const again = { firstMs: 250, mostMs: 300 }
/** Discord's codes for a message that may not show which one it answers. */
const noReference = [codes.replyNeedsHistory, codes.referenceNeedsHistory, codes.ageRestrictedReference]
/** Discord's codes for an expired token. */
const tokenEnded = [codes.unknownWebhook, codes.invalidWebhookToken, codes.unknownInteraction]

export function createTransport({ api, threads, typing, refusals, log, now = Date.now }: TransportDeps): Transport {
  /** Tokens that ended before their time. */
  const ended = new Set<string>()

  const usable = ({ id }: Interaction) => !ended.has(id) && now() < madeAt(id) + tokenLifeMs

  /** By the token while it is good; `undefined` when it is not. */
  async function byToken<T>(
    destination: Destination | undefined,
    signal: AbortSignal,
    call: (at: Interaction) => Promise<T>,
  ): Promise<T | undefined> {
    if (destination?.to !== 'interaction' || !usable(destination)) return undefined
    try {
      return await retry(() => call(destination), {
        delays: again,
        tries: triesWhenFresh,
        signal,
        // The answer may be ready before the acknowledgement, and Discord rejects the token until then.
        on: (thrown) => refusedWith(thrown, codes.unknownWebhook) && now() < madeAt(destination.id) + freshMs,
      })
    } catch (thrown) {
      if (!refusedWith(thrown, ...tokenEnded)) throw thrown
      ended.add(destination.id)
      if (ended.size > 1000) ended.clear()
      return undefined
    }
  }

  const webhook = ({ applicationId, token }: Interaction) => `/webhooks/${applicationId}/${token}`

  /** Where the bot itself writes, and what it answers there. */
  async function botPlace(destination: Destination, signal: AbortSignal) {
    if (destination.to === 'thread') return await threads.open(destination, signal)
    if (destination.to === 'interaction' && onlyByToken(destination))
      return { channelId: await threads.direct(destination.userId, signal) }
    const { channelId } = destination
    return destination.to === 'channel' && destination.replyTo !== undefined
      ? { channelId, replyTo: destination.replyTo }
      : { channelId }
  }

  async function postAsBot(target: ReplyTarget, packed: Packed, options: PostOptions): Promise<PostedRef> {
    const { body, files } = packed
    const { key, signal } = options
    const { channelId, replyTo } = await botPlace(destinationOf(target), signal)
    const reply = replyTo === undefined ? {} : { message_reference: { message_id: replyTo, fail_if_not_exists: false } }
    const send = (more: object) =>
      api.call<APIMessage>('POST', `/channels/${channelId}/messages`, {
        body: { ...body, ...more, ...nonceOf(key) },
        files,
        signal,
      })
    try {
      const message = await send(reply).catch((thrown: unknown) => {
        // The answer matters more than the line that leads to its question.
        if (replyTo === undefined || !refusedWith(thrown, ...noReference)) throw thrown
        return send({})
      })
      return { channelId: message.channel_id, messageId: message.id }
    } catch (thrown) {
      throw await refusals.explain(thrown, target, channelId)
    }
  }

  /** The first message of an answer is the one that Discord shows as "thinking"; some go on by the token alone. */
  async function post(target: ReplyTarget, packed: Packed, options: PostOptions): Promise<PostedRef> {
    const destination = destinationOf(target)
    const { body, files } = packed
    const { signal } = options
    const posted = await byToken(destination, signal, async (at) => {
      if (options.first)
        return await api.call<APIMessage>('PATCH', `${webhook(at)}/messages/@original`, {
          body: edited(body),
          files,
          auth: false,
          signal,
        })
      if (!onlyByToken(at)) return undefined
      const hidden = at.private ? { ...body, flags: body.flags | MessageFlags.Ephemeral } : body
      return await api.call<APIMessage>('POST', webhook(at), {
        body: hidden,
        files,
        auth: false,
        signal,
        query: { wait: 'true' },
      })
    })
    if (posted === undefined) return await postAsBot(target, packed, options)
    const bound = destination.to === 'interaction' && onlyByToken(destination)
    return { channelId: posted.channel_id, messageId: posted.id, via: bound ? 'private' : 'token' }
  }

  async function editByBot(target: ReplyTarget, ref: PostedRef, message: OutgoingMessage, signal: AbortSignal) {
    if (ref.via !== 'private') {
      const body = edited(replyBody(message, rootOf(target)))
      const change = () => api.call('PATCH', `/channels/${ref.channelId}/messages/${ref.messageId}`, { body, signal })
      await change().catch(async (thrown: unknown) => {
        if (!refusedWith(thrown, codes.archivedThread)) throw thrown
        // A new message would open the thread again, an edit does not.
        await api.call('PATCH', `/channels/${ref.channelId}`, { body: { archived: false }, signal })
        await change()
      })
      return
    }
    // No one can edit it any more, so the end of the answer goes to the direct chat.
    if (message.end === undefined) return
    const key = `${ref.messageId}-direct`
    await postAsBot(target, { body: replyBody(message, undefined), files: [] }, { key, signal })
  }

  /** Nothing is written any more, so that Stop would have no effect. What cannot be changed stays as it is. */
  async function withoutButtons(target: ReplyTarget, ref: PostedRef, signal: AbortSignal): Promise<void> {
    const body = { components: [] }
    try {
      const done = await byToken(ref.via === undefined ? undefined : destinationOf(target), signal, (at) =>
        api.call<APIMessage>('PATCH', `${webhook(at)}/messages/${ref.messageId}`, { body, auth: false, signal }),
      )
      if (done === undefined && ref.via !== 'private')
        await api.call('PATCH', `/channels/${ref.channelId}/messages/${ref.messageId}`, { body, signal })
    } catch (thrown) {
      log.debug(errorFields(thrown), 'buttons of a refused reply not removed')
    }
  }

  /**
   * Only the asker sees what comes after the first response. That one is taken away first while Discord shows it as
   * "thinking", because it would become the notice, for everyone:
   * https://discord.com/developers/docs/interactions/receiving-and-responding#create-followup-message
   */
  async function tellByToken(at: Interaction, { body, files }: Packed, signal: AbortSignal): Promise<APIMessage> {
    const first = `${webhook(at)}/messages/@original`
    const message = await api.call<APIMessage>('GET', first, { auth: false, signal }).catch((thrown: unknown) => {
      if (!refusedWith(thrown, codes.unknownMessage)) throw thrown
    })
    if (((message?.flags ?? 0) & MessageFlags.Loading) !== 0 && !at.private)
      await api.call('DELETE', first, { auth: false, signal })
    return await api.call<APIMessage>('POST', webhook(at), {
      body: { ...body, flags: body.flags | MessageFlags.Ephemeral },
      files,
      auth: false,
      signal,
      query: { wait: 'true' },
    })
  }

  const rootOf = (target: ReplyTarget) =>
    target.conversation.workspaceId === directWorkspace ? undefined : target.conversation.threadId

  return {
    async post(target, message, { key, signal }) {
      const packed = { body: replyBody(message, rootOf(target)), files: [] }
      const first = key === `${message.turnId}-0`
      return await post(target, packed, { key, signal, first })
    },

    async edit(target, stored, message, { signal }) {
      const ref = PostedRef.parse(stored)
      try {
        const done = await byToken(ref.via === undefined ? undefined : destinationOf(target), signal, (at) =>
          api.call<APIMessage>('PATCH', `${webhook(at)}/messages/${ref.messageId}`, {
            body: edited(replyBody(message, rootOf(target))),
            auth: false,
            signal,
          }),
        )
        if (done === undefined) await editByBot(target, ref, message, signal)
      } catch (thrown) {
        // A deleted reply stays deleted.
        if (!refusedWith(thrown, codes.unknownMessage)) {
          if (message.end !== undefined && thrown instanceof DiscordRefusal) await withoutButtons(target, ref, signal)
          throw await refusals.explain(thrown, target, ref.channelId)
        }
        log.info({ turnId: message.turnId }, 'the reply was deleted on Discord')
      }
    },

    async remove(target, stored, { signal }) {
      const { channelId, messageId, via } = PostedRef.parse(stored)
      try {
        const gone = await byToken(via === undefined ? undefined : destinationOf(target), signal, async (at) => {
          await api.call('DELETE', `${webhook(at)}/messages/${messageId}`, { auth: false, signal })
          return true
        })
        if (!gone && via !== 'private')
          await api.call('DELETE', `/channels/${channelId}/messages/${messageId}`, { signal })
      } catch (thrown) {
        if (!refusedWith(thrown, codes.unknownMessage)) throw thrown
      }
    },

    /** The listener's first sign; later ones are the reply's own first text. */
    async status(target, _turnId, text) {
      const destination = destinationOf(target)
      // Discord itself says that Parley is thinking, or there is nothing more to show.
      if (destination.to === 'interaction' || text === null) return
      const signal = AbortSignal.timeout(10_000)
      try {
        const { channelId } = await botPlace(destination, signal)
        await typing.show(channelId, signal)
      } catch (thrown) {
        log.debug(errorFields(thrown), 'typing not shown')
      }
    },

    async attach(target, _turnId, file, { key, signal }) {
      return await post(target, packFile(file), { key, signal })
    },

    async tellAsker(target, notice, { key, signal }) {
      const destination = destinationOf(target)
      const packed = packNotice({ ...notice, private: false })
      const told = await byToken(destination, signal, (at) => tellByToken(at, packed, signal))
      if (told !== undefined) return
      const { body, files } = packed
      const channelId = await threads.direct(destination.userId, signal)
      await api.call('POST', `/channels/${channelId}/messages`, { body: { ...body, ...nonceOf(key) }, files, signal })
    },

    async notify(target, notice, { key, signal }) {
      await post(target, packNotice(notice), { key, signal })
    },
  }
}

/** What an edit may set: of a message's flags this one alone. */
function edited(body: MessageBody): MessageBody {
  return { ...body, flags: MessageFlags.SuppressEmbeds }
}
