/** What belongs to a question that is asked by a command, a form or the menu of a message. */
import type { Intake, KnownTalk } from '../../src/core/platform.ts'
import type { ChannelCache } from './channel-cache.ts'
import { type Me, type QuotableMessage, textOf } from './content.ts'
import type { ContextReader } from './context.ts'
import {
  type AskInput,
  type AskInteraction,
  authorOfInteraction,
  type InteractionPlace,
  isThread,
  targetOfAsk,
} from './normalize.ts'
import { DiscordRefusal } from './rest.ts'

export interface CommandContext {
  /** The question with what belongs to it, as with a mention. Where Parley is no member of the server, that is nothing. */
  read(interaction: AskInteraction, input: AskInput): Promise<AskInput>
  /** For reading a message that is asked about: with the names of channels and roles in it. */
  namesIn(interaction: InteractionPlace, about: QuotableMessage): Promise<Me>
}

export interface CommandContextDeps {
  channelCache: Pick<ChannelCache, 'channel' | 'guild'>
  context: ContextReader
  intake: Pick<Intake, 'concerns'>
  me(): Me
}

export function createCommandContext({ channelCache, context, intake, me }: CommandContextDeps): CommandContext {
  async function knownIn(interaction: AskInteraction, isPrivate: boolean): Promise<KnownTalk | undefined> {
    const { conversation } = targetOfAsk(interaction as InteractionPlace, isPrivate)
    const author = authorOfInteraction(interaction as InteractionPlace)
    const concern = await intake.concerns({ conversation, author, text: '', place: 'thread', mentioned: true })
    return concern.answers ? concern.known : undefined
  }

  return {
    async read(interaction, input) {
      const { id, guild_id: guildId, member, channel } = interaction as InteractionPlace
      if (guildId === undefined || member === undefined || channel === undefined) return input
      try {
        const [guild, place] = await Promise.all([channelCache.guild(guildId), channelCache.channel(channel.id)])
        const asker = { id: member.user.id, roles: member.roles ?? [] }
        const named = await context.withNames({ ...me(), roleIds: guild.ownRoleIds }, asker, guild, input.text)
        const text = textOf({ content: input.text }, named)
        const known = isThread(place) ? await knownIn(interaction, input.private) : undefined
        const question = { id, text, asker, place, guild, called: input.called, known }
        const { quoted, files, unread, upToDate } = await context.read(question)
        const all = { files: [...input.files, ...files], quoted: [...quoted, ...input.quoted] }
        return { ...input, ...all, text, unread, upToDate }
      } catch (error) {
        if (error instanceof DiscordRefusal) return input
        throw error
      }
    },

    async namesIn({ guild_id: guildId, member }, about) {
      if (guildId === undefined || member === undefined) return me()
      try {
        const guild = await channelCache.guild(guildId)
        return await context.withNames(me(), { id: member.user.id, roles: member.roles ?? [] }, guild, about)
      } catch (error) {
        if (error instanceof DiscordRefusal) return me()
        throw error
      }
    },
  }
}
