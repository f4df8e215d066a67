/** Files that people and apps posted for others: as they come in, pinned ones, and those of the last days. */
import { z } from 'zod'
import type { PlaceFiles, PostedFile } from '../../src/core/place.ts'
import type { CallOptions } from './api.ts'
import { type MessageEvent, type Self, SlackFile, SlackMessage } from './events.ts'
import { complete } from './files.ts'
import { type Installations, selfIn, type Workspace } from './installations.ts'
import { attachmentsOf, isDirect, messageId, sentAt } from './normalize.ts'
import type { People } from './people.ts'
import { slackCode } from './sdk.ts'
import { isWritten } from './thread.ts'

const Pins = z.object({ items: z.array(z.object({ message: z.unknown() })) })
/** Where a file was shared: https://docs.slack.dev/reference/objects/file-object */
const Shares = z.record(z.string(), z.array(z.object({ ts: z.string() }))).nullish()
type ListedFile = z.infer<typeof ListedFile>
const ListedFile = SlackFile.extend({
  user: z.string().nullish(),
  shares: z.object({ public: Shares, private: Shares }).nullish(),
})
const Files = z.object({ files: z.array(ListedFile) })
const FileInfo = z.object({ file: ListedFile })

/** Whether the message may hold files that were posted for others. Those of other apps are: somebody let them post here. */
export function mayHold(event: MessageEvent, self: Self): boolean {
  // Of the two events of a mention, one is enough.
  return event.type === 'message' && !isDirect(event) && isOthers(event, self) && (event.files ?? []).length > 0
}

function isOthers(message: SlackMessage, { botUserId, botId }: Self): boolean {
  const { user, bot_id: bot } = message
  const isOwn = (user != null && user === botUserId) || (bot != null && bot === botId)
  return isWritten(message) && !isOwn && user !== 'USLACKBOT'
}

export function createPosted(people: Pick<People, 'person'>) {
  /** The name that people see. */
  async function authorOf({ user, username, bot_profile: bot }: SlackMessage, self: Self, workspace: Workspace) {
    const shown = bot?.name || username
    return shown || (user ? (await people.person(workspace, self, user)).name : undefined)
  }

  /** Without what it forwards: whoever forwards a message may show more than they know. */
  return async function filesIn(
    message: SlackMessage,
    channel: string,
    self: Self,
    workspace: Workspace,
    options: CallOptions,
  ): Promise<PostedFile[]> {
    const [files, by] = await Promise.all([
      Promise.all((message.files ?? []).map((file) => complete(workspace.api, file, options))),
      authorOf(message, self, workspace),
    ])
    const { ts, user } = message
    return attachmentsOf(files, self).map((attachment) => ({
      attachment,
      messageId: messageId(channel, ts),
      account: user || undefined,
      by: by || undefined,
      at: sentAt(ts),
    }))
  }
}

export interface PostedDeps {
  installations: Pick<Installations, 'of'>
  people: Pick<People, 'person'>
}

const perPage = 100
const mostPages = 10

export function createPlaceFiles({ installations, people }: PostedDeps): PlaceFiles {
  const filesIn = createPosted(people)

  async function open(teamId: string) {
    const workspace = await installations.of(teamId)
    return { workspace, self: selfIn(workspace, teamId) }
  }

  return {
    async pinned({ workspaceId, channelId: channel }, { limit, signal }) {
      const { workspace, self } = await open(workspaceId)
      const { items } = Pins.parse(await workspace.api.call('pins.list', { channel }, { signal }))
      const messages = items.flatMap(({ message }) => SlackMessage.safeParse(message).data ?? [])
      const newest = messages.filter((message) => isOthers(message, self)).sort((a, b) => Number(b.ts) - Number(a.ts))
      const found: PostedFile[] = []
      for (const message of newest) {
        if (found.length >= limit) break
        found.push(...(await filesIn(message, channel, self, workspace, { signal })))
      }
      return found.slice(0, limit)
    },

    async recent({ workspaceId, channelId: channel }, { limit, signal }) {
      const { workspace, self } = await open(workspaceId)
      const { api, teamId } = workspace
      // A token of an organization must name the workspace.
      const args = { channel, team_id: teamId === undefined ? workspaceId : undefined }
      const found: PostedFile[] = []
      for (let page = 1; page <= mostPages && found.length < limit; page += 1) {
        const answer = await api.call('files.list', { ...args, count: perPage, page }, { signal })
        const { files } = Files.parse(answer)
        for (const file of files.filter(({ user }) => user == null || user !== self.botUserId)) {
          if (found.length >= limit) break
          const ts = sharedAt(file, channel) ?? sharedAt(await detailed(file), channel)
          if (ts === undefined) continue
          const message = SlackMessage.parse({ ts, user: file.user, files: [file] })
          found.push(...(await filesIn(message, channel, self, workspace, { signal })))
        }
        if (files.length < perPage) break
      }
      return found.toSorted((a, b) => Date.parse(b.at) - Date.parse(a.at))

      /** Slack's list may leave out where a file was shared. */
      async function detailed(file: ListedFile): Promise<ListedFile> {
        try {
          return FileInfo.parse(await api.call('files.info', { file: file.id }, { signal })).file
        } catch (error) {
          if (slackCode(error) === undefined) throw error
          return file
        }
      }
    },
  }
}

/** The newest message in the channel that the file is in. */
function sharedAt({ shares }: ListedFile, channel: string): string | undefined {
  const at = [...(shares?.public?.[channel] ?? []), ...(shares?.private?.[channel] ?? [])].map(({ ts }) => ts)
  return at.sort((a, b) => Number(b) - Number(a))[0]
}
