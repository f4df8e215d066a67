/**
 * Opens links to Slack messages in a question. A link is opened only if its author may read that channel, and everyone who
 * sees the answer may read it, too.
 */
import { z } from 'zod'
import { slackWording } from '../../src/wording/slack.ts'
import type { Api, CallOptions } from './api.ts'
import type { Self } from './events.ts'
import type { Workspace } from './installations.ts'
import { unescaped } from './mrkdwn.ts'
import type { People } from './people.ts'
import { type Context, type createThreads, nothing, type ThreadRange } from './thread.ts'

/** Where the question was asked, and by whom. */
export interface Asked {
  channel: string
  /** The thread of the question, which is read anyway. */
  thread?: string | undefined
  user: string
  direct: boolean
}

interface Link extends ThreadRange {
  url: string
  root: string
}

const mostLinks = 3
/** Larger channels count as not known. */
const mostMembers = 3000
/** The most people of a channel that Slack is asked about one by one. */
const mostLookUps = 20
const form = /https:\/\/[\w.-]+\.slack\.com\/archives\/([CDG][A-Z0-9]{6,})\/p(\d{10})(\d{6})(\?[^\s<>|]*)?/g

/** The links to messages in mrkdwn, each once. */
export function linksIn(text: string): Link[] {
  const links = [...text.matchAll(form)].map(([url, channel = '', seconds = '', rest = '', query = '']) => {
    const ts = `${seconds}.${rest}`
    const root = new URLSearchParams(unescaped(query)).get('thread_ts') ?? ts
    return { url: unescaped(url), channel, root, only: root === ts ? undefined : ts }
  })
  return [...new Map(links.map((link) => [`${link.channel}/${link.only ?? link.root}`, link])).values()]
}

/** https://docs.slack.dev/reference/objects/conversation-object */
const Info = z.object({
  channel: z.object({
    is_private: z.boolean().nullish(),
    /** The workspaces that the channel belongs to. The token of an organization finds channels of all its workspaces. */
    shared_team_ids: z.array(z.string()).nullish(),
  }),
})
const Members = z.object({
  members: z.array(z.string()).default([]),
  response_metadata: z.object({ next_cursor: z.string().nullish() }).nullish(),
})
const { links: wording } = slackWording.context

export function createLinks(readThread: ReturnType<typeof createThreads>, people: People) {
  /** `undefined` if there are too many to say. Throws `platform_*`. */
  async function membersOf(api: Api, channel: string, options: CallOptions): Promise<Set<string> | undefined> {
    const found = new Set<string>()
    let cursor: string | undefined
    do {
      const answer = Members.parse(await api.call('conversations.members', { channel, limit: 1000, cursor }, options))
      for (const id of answer.members) found.add(id)
      cursor = answer.response_metadata?.next_cursor || undefined
    } while (cursor !== undefined && found.size < mostMembers)
    return cursor === undefined ? found : undefined
  }

  /** Why the link stays closed; `undefined` if it may be opened. Throws `platform_*`. */
  async function refusal(link: Link, asked: Asked, self: Self, workspace: Workspace, options: CallOptions) {
    if (link.channel === asked.channel) return undefined
    const { api } = workspace
    const { channel } = Info.parse(await api.call('conversations.info', { channel: link.channel }, options))
    const isPublic = channel.is_private === false && channel.shared_team_ids?.includes(self.teamId) === true
    /** People that Slack does not tell about in time may not. */
    const mayReadPublic = async (id: string) => (await people.person(workspace, self, id)).readsPublicChannels === true
    const isOpen = isPublic && (await mayReadPublic(asked.user))
    if (isOpen && asked.direct) return undefined
    const readers = await membersOf(api, link.channel, options)
    if (!isOpen && !readers?.has(asked.user)) return wording.notYours(link.url)
    if (asked.direct) return undefined
    const room = await membersOf(api, asked.channel, options)
    const others = [...(room ?? [])].filter((id) => id !== asked.user && !readers?.has(id))
    const areAllKnown = room !== undefined && others.length <= (isPublic ? mostLookUps : 0)
    const isForAll = areAllKnown && (await Promise.all(others.map(mayReadPublic))).every(Boolean)
    return isForAll ? undefined : wording.notForAll(link.url)
  }

  async function open(link: Link, asked: Asked, self: Self, workspace: Workspace, options: CallOptions) {
    try {
      const why = await refusal(link, asked, self, workspace, options)
      if (why !== undefined) return { ...nothing, unread: [why] }
      const { quoted, files, unread } = await readThread(link, self, workspace, options)
      if (quoted === undefined) return { ...nothing, unread: [wording.notFound(link.url)] }
      return { quoted: `Linked message (${link.url}):\n${quoted}`, files, unread }
    } catch {
      return { ...nothing, unread: [wording.notFound(link.url)] }
    }
  }

  /** Never throws: what cannot be opened is among `unread`. `known`: links whose messages came with the question. */
  return async (
    text: string,
    known: readonly string[],
    asked: Asked,
    self: Self,
    workspace: Workspace,
    options: CallOptions,
  ): Promise<Context> => {
    const links = linksIn(text).filter(
      ({ url, channel, root }) =>
        !known.some((other) => other.split('?')[0] === url.split('?')[0]) &&
        !(channel === asked.channel && root === asked.thread),
    )
    const opened = await Promise.all(
      links.slice(0, mostLinks).map((link) => open(link, asked, self, workspace, options)),
    )
    const quoted = opened.flatMap((each) => each.quoted ?? [])
    return {
      quoted: quoted.length === 0 ? undefined : quoted.join('\n\n'),
      files: opened.flatMap(({ files }) => files),
      unread: [
        ...opened.flatMap(({ unread }) => unread),
        ...(links.length > mostLinks ? [wording.tooMany(mostLinks)] : []),
      ],
    }
  }
}
