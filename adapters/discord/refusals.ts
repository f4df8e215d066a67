/**
 * Explains why Discord does not take a message: which permission is missing and where, a time-out, a server that Parley has
 * left. What the server's owner can change is told to them once a day; the person who asked is told by the worker.
 */
import { ParleyError } from '../../src/core/errors.ts'
import type { Log } from '../../src/core/log.ts'
import type { ReplyTarget } from '../../src/core/message.ts'
import type { Records } from '../../src/core/platform-state.ts'
import { discordErrors, discordPermissionWording } from '../../src/wording/discord.ts'
import { nonceOf, packNotice } from './message-body.ts'
import { directWorkspace } from './normalize.ts'
import { missingIn, type NeededPermission, permissionsIn, viewServer } from './permissions.ts'
import { type Api, codes, type DiscordRefusal, refusedWith } from './rest.ts'
import type { Threads } from './threads.ts'

export interface Refusals {
  /** The error to throw instead, whose sentence names the cause. Other errors come back unchanged. Never throws. */
  explain(thrown: unknown, target: ReplyTarget, channelId: string): Promise<unknown>
}

export interface RefusalsDeps {
  api: Api
  threads: Threads
  records: Records
  me(): Promise<string>
  log: Log
  now?: () => number
}

const dayMs = 24 * 3_600_000
/** The answer's last calls wait for the explanation. */
const diagnoseMs = 30_000

/** Codes behind which a permission is missing, a time-out, or a server that Parley was removed from. */
const ofPermissions = [
  codes.missingPermissions,
  codes.missingAccess,
  codes.replyNeedsHistory,
  codes.referenceNeedsHistory,
]

export function createRefusals({ api, threads, records, me, log, now = Date.now }: RefusalsDeps): Refusals {
  /** Recorded once it is sent or refused, so that a call that fails is tried again with the next refusal. */
  async function tellOwner(userId: string, key: string, text: string, signal: AbortSignal): Promise<void> {
    const recordKey = `complaint/${userId}/${key}`
    const sentAt = await records.get(recordKey)
    if (typeof sentAt === 'number' && now() - sentAt < dayMs) return
    try {
      const channelId = await threads.direct(userId, signal)
      const { body } = packNotice({ text })
      const nonce = nonceOf(`${recordKey}/${Math.floor(now() / dayMs)}`)
      await api.call('POST', `/channels/${channelId}/messages`, { body: { ...body, ...nonce }, signal })
    } catch (error) {
      if (!refusedWith(error, codes.cannotMessageUser, codes.noMutualServer)) throw error
    }
    await records.put(recordKey, now())
  }

  async function diagnose(thrown: DiscordRefusal, guildId: string, channelId: string, target: ReplyTarget) {
    const signal = AbortSignal.timeout(diagnoseMs)
    const view = await viewServer(api, guildId, await me(), { signal })
    // A thread has its channel's permissions.
    const parentId = target.conversation.channelId
    const channel = view.channels.find(({ id }) => id === parentId || id === channelId)
    const where = discordPermissionWording.where(channel?.name, view.guild.name)
    const because = (userMessage: string) => new ParleyError('platform_rejected', userMessage, { cause: thrown })
    const owner = view.guild.owner_id
    if (view.timedOutUntil !== undefined && view.timedOutUntil.getTime() > now()) {
      const until = view.timedOutUntil
      await tellOwner(
        owner,
        `${guildId}/time-out/${until.getTime()}`,
        discordPermissionWording.timedOutToOwner(where, until),
        signal,
      )
      return because(discordPermissionWording.timedOut(where, until))
    }
    const inThread = channelId !== parentId
    const missing = missingIn(permissionsIn(view, channel?.permission_overwrites)).filter((name) =>
      counts(name, inThread),
    )
    if (missing.length === 0 && inThread && refusedWith(thrown, codes.missingAccess))
      return because(discordPermissionWording.notInThread(where))
    const what = discordPermissionWording.missing(missing)
    await tellOwner(owner, `${parentId}/${missing.join(',')}`, discordPermissionWording.toOwner(where, what), signal)
    return because(discordPermissionWording.failed(where, what))
  }

  return {
    async explain(thrown, target, channelId) {
      const guildId = target.conversation.workspaceId
      if (!refusedWith(thrown, ...ofPermissions) || guildId === directWorkspace) return thrown
      try {
        return await diagnose(thrown, guildId, channelId, target)
      } catch (error) {
        if (refusedWith(error, codes.unknownGuild, codes.missingAccess))
          return new ParleyError('platform_rejected', discordErrors.leftServer, { cause: thrown })
        log.warn({ reason: error instanceof ParleyError ? error.code : 'internal' }, 'refusal not explained')
        return thrown
      }
    },
  }
}

/** Whether the failed call may have needed this permission. */
function counts(name: NeededPermission, inThread: boolean): boolean {
  if (name === 'Create Public Threads') return false
  return name !== (inThread ? 'Send Messages' : 'Send Messages in Threads')
}
