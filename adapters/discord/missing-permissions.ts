/**
 * Explains an answer that Discord forbids because a permission is missing: which one, and where. Tells the server's owner, who
 * can grant it, and the person who asked. Once a day per missing permission, so that nobody is flooded.
 */
import { ParleyError } from '../../src/core/errors.ts'
import type { Log } from '../../src/core/log.ts'
import type { ReplyTarget } from '../../src/core/message.ts'
import type { Records } from '../../src/core/platform-state.ts'
import { discordPermissionWording } from '../../src/wording/discord.ts'
import { nonceOf, packNotice } from './message-body.ts'
import { directWorkspace } from './normalize.ts'
import { missingIn, type NeededPermission, permissionsIn, viewServer } from './permissions.ts'
import { type Api, codes, refusedWith } from './rest.ts'
import { destinationOf } from './target.ts'
import type { Threads } from './threads.ts'

export interface MissingPermissions {
  /** The error to throw instead, which names the missing permission. Other errors come back unchanged. */
  explain(thrown: unknown, target: ReplyTarget, channelId: string): Promise<unknown>
}

export interface MissingPermissionsDeps {
  api: Api
  threads: Threads
  records: Records
  me(): Promise<string>
  log: Log
  now?: () => number
}

const dayMs = 24 * 3_600_000

export function createMissingPermissions({
  api,
  threads,
  records,
  me,
  log,
  now = Date.now,
}: MissingPermissionsDeps): MissingPermissions {
  async function notify(userId: string, key: string, text: string): Promise<void> {
    const recordKey = `complaint/${userId}/${key}`
    const sentAt = await records.get(recordKey)
    if (typeof sentAt === 'number' && now() - sentAt < dayMs) return
    await records.put(recordKey, now())
    try {
      const channelId = await threads.direct(userId, AbortSignal.timeout(15_000))
      const { body } = packNotice({ text })
      const nonce = nonceOf(`${recordKey}/${Math.floor(now() / dayMs)}`)
      await api.call('POST', `/channels/${channelId}/messages`, { body: { ...body, ...nonce } })
    } catch (error) {
      if (!refusedWith(error, codes.cannotMessageUser)) throw error
    }
  }

  async function diagnose(guildId: string, channelId: string, target: ReplyTarget, asker: string) {
    const view = await viewServer(api, guildId, await me())
    // A thread has its channel's permissions.
    const parentId = target.conversation.channelId
    const channel = view.channels.find(({ id }) => id === parentId || id === channelId)
    const inThread = channelId !== parentId
    const missing = missingIn(permissionsIn(view, channel?.permission_overwrites)).filter((name) =>
      counts(name, inThread),
    )
    const where = discordPermissionWording.where(channel?.name, view.guild.name)
    const what = discordPermissionWording.missing(missing)
    const key = `${parentId}/${missing.join(',')}`
    await notify(view.guild.owner_id, key, discordPermissionWording.toOwner(where, what))
    if (asker !== view.guild.owner_id)
      await notify(asker, key, discordPermissionWording.toAsker(where, what, view.guild.owner_id))
    return new ParleyError('platform_rejected', discordPermissionWording.failed(where, what))
  }

  return {
    async explain(thrown, target, channelId) {
      const guildId = target.conversation.workspaceId
      if (!refusedWith(thrown, codes.missingPermissions, codes.missingAccess) || guildId === directWorkspace)
        return thrown
      try {
        return await diagnose(guildId, channelId, target, destinationOf(target).userId)
      } catch (error) {
        log.warn({ reason: error instanceof ParleyError ? error.code : 'internal' }, 'missing permission not explained')
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
