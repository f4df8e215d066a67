/** What Parley needs to be allowed, in the developer portal and in a channel, and what of it is missing there. */
import {
  type APIGuild,
  type APIGuildChannel,
  type APIGuildMember,
  type APIOverwrite,
  type APIRole,
  ApplicationFlags,
  ChannelType,
  PermissionFlagsBits as flags,
  GatewayIntentBits,
} from 'discord.js'
import type { Api, CallOptions } from './rest.ts'

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
const intents =
  GatewayIntentBits.Guilds |
  GatewayIntentBits.GuildMessages |
  GatewayIntentBits.DirectMessages |
  GatewayIntentBits.MessageContent

/**
 * What events are asked for. With the server members intent, which is privileged and may be off, Discord says at once who left a server or a
 * private thread and whose roles changed.
 */
export function intentsFor(application: { flags?: number | undefined }): number {
  const members = ApplicationFlags.GatewayGuildMembers | ApplicationFlags.GatewayGuildMembersLimited
  return (Number(application.flags ?? 0) & members) === 0 ? intents : intents | GatewayIntentBits.GuildMembers
}

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

const voice: readonly number[] = [ChannelType.GuildVoice, ChannelType.GuildStageVoice]

/** What it takes to see a channel and to read what was written in it: in a voice channel also to connect. */
export const toSee = (type: number): bigint => flags.ViewChannel | (isVoice(type) ? flags.Connect : 0n)
export const toRead = (type: number): bigint => toSee(type) | flags.ReadMessageHistory

/** Guests can be invited to one: https://discord.com/developers/docs/resources/guild#guild-member-object-guild-member-flags */
export const isVoice = (type: number): boolean => voice.includes(type)

export const grants = (granted: bigint, wanted: bigint): boolean => (granted & wanted) === wanted

interface ReadChannel {
  type: number
  permission_overwrites?: readonly APIOverwrite[]
}

/**
 * The roles and members who can read a channel, beside those who read everything: the owner and administrators. `@everyone` alone, whose
 * id is the server's, where every member can. Absent where it is not that simple: where a role or a member is denied what others have, or
 * where only two roles together can read.
 */
export function readersOf(
  guild: { id: string; roles: Pick<APIRole, 'id' | 'permissions' | 'tags'>[] },
  { type, permission_overwrites: all = [] }: ReadChannel,
  me: string,
): string[] | undefined {
  const needed = toRead(type)
  const rule = guild.roles.filter(({ permissions }) => grants(BigInt(permissions), flags.Administrator))
  const bots = guild.roles.filter(({ tags }) => tags?.bot_id !== undefined)
  const aside = new Set([guild.id, me, ...[...rule, ...bots].map(({ id }) => id)])
  const own = all.filter(({ id }) => !aside.has(id))
  if (own.some(({ deny }) => (BigInt(deny) & needed) !== 0n)) return undefined
  const everyone = all.filter(({ id }) => id === guild.id)
  const anybody = permissionsIn({ guild: { ...guild, owner_id: '' }, member: { userId: '?', roles: [] } }, everyone)
  if (grants(anybody, needed)) return [guild.id]
  const denied = everyone.reduce((sum, { deny }) => sum | BigInt(deny), 0n)
  const roles = guild.roles.filter(({ id }) => !aside.has(id))
  const givers = Object.values(flags)
    .filter((flag) => (flag & needed & ~anybody) !== 0n)
    .map((flag) => {
      const byRole = roles.filter(({ permissions }) => (BigInt(permissions) & ~denied & flag) !== 0n)
      const byOverwrite = own.filter(({ allow }) => (BigInt(allow) & flag) !== 0n)
      return new Set([...byRole, ...byOverwrite].map(({ id }) => id))
    })
  // A permission that only those have who have all the others decides alone.
  const readers = givers.find((ids) => givers.every((others) => ids.isSubsetOf(others)))
  return readers === undefined ? undefined : [...readers].toSorted()
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
export async function viewServer(
  api: Pick<Api, 'call'>,
  guildId: string,
  me: string,
  options: Pick<CallOptions, 'signal' | 'urgent'> = {},
): Promise<ServerView> {
  const [guild, member, channels] = await Promise.all([
    api.call<APIGuild>('GET', `/guilds/${guildId}`, options),
    api.call<APIGuildMember>('GET', `/guilds/${guildId}/members/${me}`, options),
    api.call<APIGuildChannel[]>('GET', `/guilds/${guildId}/channels`, options),
  ])
  const { roles, communication_disabled_until: until } = member
  return { guild, member: { userId: me, roles }, channels, timedOutUntil: until ? new Date(until) : undefined }
}
