/** What Parley needs to be allowed, in the developer portal and in a channel, and what of it is missing there. */
import {
  type APIGuild,
  type APIGuildChannel,
  type APIGuildMember,
  type APIOverwrite,
  type APIRole,
  ApplicationFlags,
  PermissionFlagsBits as flags,
  GatewayIntentBits,
} from 'discord.js'
import type { Api } from './rest.ts'

/** THE table: exactly what the invitation asks for, by the names that Discord's settings show. */
export const needed = {
  'View Channels': flags.ViewChannel,
  'Send Messages': flags.SendMessages,
  'Send Messages in Threads': flags.SendMessagesInThreads,
  'Create Public Threads': flags.CreatePublicThreads,
  'Read Message History': flags.ReadMessageHistory,
  'Attach Files': flags.AttachFiles,
} as const

export type NeededPermission = keyof typeof needed

export const invitation = Object.values(needed).reduce((sum, flag) => sum | flag, 0n)

/** What events Parley needs. The content of messages is a privileged one: it is switched on in the developer portal. */
export const intents =
  GatewayIntentBits.Guilds |
  GatewayIntentBits.GuildMessages |
  GatewayIntentBits.DirectMessages |
  GatewayIntentBits.MessageContent

/** Whether the message content intent is on, for up to 100 servers or beyond. */
export function mayReadContent(application: { flags?: number | undefined }): boolean {
  const content = ApplicationFlags.GatewayMessageContent | ApplicationFlags.GatewayMessageContentLimited
  return (Number(application.flags ?? 0) & content) !== 0
}

export interface Grounds {
  guild: Pick<APIGuild, 'id' | 'owner_id'> & { roles: Pick<APIRole, 'id' | 'permissions'>[] }
  member: { userId: string; roles: readonly string[] }
}

/** As Discord computes them: https://discord.com/developers/docs/topics/permissions#permission-overwrites */
export function permissionsIn({ guild, member }: Grounds, overwrites: readonly APIOverwrite[] = []): bigint {
  const everything = Object.values(flags).reduce((sum, flag) => sum | flag, 0n)
  if (guild.owner_id === member.userId) return everything
  const own = [guild.id, ...member.roles]
  const base = guild.roles
    .filter(({ id }) => own.includes(id))
    .reduce((sum, { permissions }) => sum | BigInt(permissions), 0n)
  if ((base & flags.Administrator) !== 0n) return everything
  const apply = (before: bigint, those: readonly APIOverwrite[]) => {
    const deny = those.reduce((sum, each) => sum | BigInt(each.deny), 0n)
    const allow = those.reduce((sum, each) => sum | BigInt(each.allow), 0n)
    return (before & ~deny) | allow
  }
  const everyone = overwrites.filter(({ id }) => id === guild.id)
  const roles = overwrites.filter(({ id }) => id !== guild.id && member.roles.includes(id))
  const person = overwrites.filter(({ id }) => id === member.userId)
  return [everyone, roles, person].reduce(apply, base)
}

export function missingIn(granted: bigint): NeededPermission[] {
  const names = Object.keys(needed) as NeededPermission[]
  return names.filter((name) => (granted & needed[name]) === 0n)
}

export interface ServerView extends Grounds {
  guild: APIGuild
  channels: APIGuildChannel[]
  /** A moderator keeps Parley from writing in this server until then; the time may have passed. */
  timedOutUntil: Date | undefined
}

/** A server with Parley's own place in it. Throws `platform_*`. */
export async function viewServer(api: Api, guildId: string, me: string, signal?: AbortSignal): Promise<ServerView> {
  const [guild, member, channels] = await Promise.all([
    api.call<APIGuild>('GET', `/guilds/${guildId}`, { signal }),
    api.call<APIGuildMember>('GET', `/guilds/${guildId}/members/${me}`, { signal }),
    api.call<APIGuildChannel[]>('GET', `/guilds/${guildId}/channels`, { signal }),
  ])
  const { roles, communication_disabled_until: until } = member
  return { guild, member: { userId: me, roles }, channels, timedOutUntil: until ? new Date(until) : undefined }
}
