/**
 * Opens links to Slack messages in a question. A link is opened only if its author may read that channel, and everyone who
 * sees the answer may read it, too.
 */
import { slackWording } from '../../src/wording/slack.ts'
import type { CallOptions } from './api.ts'
import { conversation, membersOf } from './conversations.ts'
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

const { links: wording } = slackWording.context

export function createLinks(readThread: ReturnType<typeof createThreads>, people: People) {
  /** `undefined` if there are too many to say. Throws `platform_*`. */
  async function everybodyIn(workspace: Workspace, channel: string, options: CallOptions) {
    const { ids, complete } = await membersOf(workspace, channel, mostMembers, options)
    return complete ? ids : undefined
  }

  /** Why the link stays closed; `undefined` if it may be opened. Throws `platform_*`. */
  async function refusal(link: Link, asked: Asked, self: Self, workspace: Workspace, options: CallOptions) {
    if (link.channel === asked.channel) return undefined
    const channel = await conversation(workspace, link.channel, options)
    const isPublic = channel.is_private === false && channel.shared_team_ids?.includes(self.teamId) === true
    /** People that Slack does not tell about in time may not. */
    const mayReadPublic = async (id: string) => (await people.person(workspace, self, id)).readsPublicChannels === true
    const isOpen = isPublic && (await mayReadPublic(asked.user))
    if (isOpen && asked.direct) return undefined
    const readers = await everybodyIn(workspace, link.channel, options)
    if (!isOpen && !readers?.has(asked.user)) return wording.notYours(link.url)
    if (asked.direct) return undefined
    if (!isPublic) {
      const here = await conversation(workspace, asked.channel, options)
      // The whole workspace may read along, not only the members.
      if (here.is_private !== true) return wording.notForAll(link.url)
    }
    const room = await everybodyIn(workspace, asked.channel, options)
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
