/** Sentences about collections, and about channels whose files are read. */
import { code, listed, many, quoted } from './phrases.ts'

/** What went wrong while a source was read. */
export const learnWording = {
  crashed: 'Reading it ended the process several times, so Parley gave up. Remove it, or try a smaller part of it.',
  failed: 'It could not be read because of an error. Refresh it to try again.',
  page: (address: string, sentence: string, kept: boolean) =>
    `${address}: ${sentence}${kept ? ' What was read before stays.' : ''}`,
  more: (count: number) => `${count} more ${count === 1 ? 'page' : 'pages'} could not be read.`,
  pages: (done: number, most: number) => `page ${done} of at most ${most}`,
  limit: (most: number, left: number) =>
    `Stopped at the limit of ${most} pages; at least ${left} more were found. Learn it again with more pages to read them.`,
  filesLimit: (most: number) => `Parley reads the newest ${most} pinned files.`,
  noFiles: 'This platform does not let Parley list the files of a channel.',
}

interface Part {
  kind: 'file' | 'upload' | 'link' | 'site' | 'pins'
  title: string
  state: 'waiting' | 'reading' | 'read' | 'failed'
  progress: string | null
  refreshHours: number | null
  found: number
  waiting: number
  problems: readonly string[]
  refreshedAt: Date | null
}

interface Whole {
  name: string
  id: string
  sources: readonly Part[]
}

const kinds = {
  file: 'file',
  upload: 'file',
  link: 'page',
  site: 'site',
  pins: 'pinned files',
} as const satisfies Record<Part['kind'], string>

export const refreshWords = (hours: number | null) =>
  hours === null ? 'read once' : hours <= 24 ? 'read again daily' : 'read again weekly'

const sum = (parts: readonly Part[]) => parts.reduce((total, { found }) => total + found, 0)

/** What a part is doing, or what of it can be found. */
export function stateOf({ state, progress, found, waiting, refreshedAt }: Part): string {
  const has = `${many(found, 'file or page', 'files and pages')}`
  if (state === 'reading') return progress === null || progress === '' ? 'is being read' : `is being read: ${progress}`
  if (state === 'waiting' || waiting > 0)
    return `${has}, ${waiting > 0 ? `${waiting} still to be read` : 'waiting to be read'}`
  const at = refreshedAt === null ? '' : `, read on ${refreshedAt.toISOString().slice(0, 10)}`
  return `${has}${at}${state === 'failed' ? '; the last try failed' : ''}`
}

export const collectionWording = {
  gone: 'This collection is no longer here. `/parley collections list` shows which there are.',
  fileGone: 'This file is no longer here. Share it again, then learn it.',
  lastGrant: (name: string) =>
    `**${name}** is shared with nobody else. Share it with another place first, or remove the collection.`,
  none: 'There are no collections that you can see. An admin makes one with `/parley learn https://docs.example.com/ pages 50 as handbook`.',
  line: ({ name, id, sources }: Whole) => {
    const problems = sources.some(({ state, problems }) => state === 'failed' || problems.length > 0)
    const reading = sources.some(({ state, waiting }) => state === 'reading' || state === 'waiting' || waiting > 0)
    return [
      `**${name}**: ${many(sum(sources), 'file or page', 'files and pages')}`,
      ...(reading ? ['being read'] : []),
      ...(problems ? ['with problems, which `/parley collections show` lists'] : []),
      code(id),
    ].join(' · ')
  },
  about: ({ name, sources }: Whole, audience: readonly string[]) => {
    const parts = sources.map((part, at) =>
      [
        `${at + 1}. ${quoted(part.title)} (${kinds[part.kind]}): ${stateOf(part)}${
          part.kind === 'file' || part.kind === 'upload' ? '' : `; ${refreshWords(part.refreshHours)}`
        }`,
        ...part.problems.map((problem) => `   - ${problem}`),
      ].join('\n'),
    )
    return `**${name}**, which Parley may tell ${listed(audience)}:\n\n${parts.length === 0 ? 'It is empty.' : parts.join('\n')}`
  },
  /** A name for them where nobody gave one. */
  pins: 'pinned files',
  learned: (kind: Part['kind'], what: string, name: string, who: string) =>
    kind === 'file'
      ? `${quoted(what)} is now in the collection **${name}**. Parley may tell ${who} what is in it, as long as the original is there.`
      : `Parley is reading ${kind === 'pins' ? 'the pinned files of this channel' : `the ${kinds[kind]} at ${quoted(what)}`} for the collection **${name}**, and may tell ${who} what is in it. \`/parley collections show\` shows how far it is.`,
  pagesOfLinks:
    'Only a link has pages. Type the address of a site, such as `/parley learn https://docs.example.com/ pages 50`.',
  noPins:
    'Parley can list pinned files only in a channel of Slack, Discord or Teams. Type the command in that channel.',
  noFile: (name: string) =>
    `No file ${quoted(name)} was shared with Parley here. Type its whole name, in quotes if it has spaces, or a link that starts with https://.`,
  audienceMissing:
    'Say who may be told: add `for everybody`, `for workspace` or `for team:…`, or type the command in a channel.',
  unknown: (name: string) =>
    `There is no collection ${quoted(name)} that you can see. \`/parley collections list\` lists all.`,
  several: (name: string) =>
    `Several collections are called ${quoted(name)}. Type the id from \`/parley collections list\`.`,
  notYours: (name: string) => `Only those who may change everything that **${name}** is shared with can do this.`,
  noPart: (name: string, count: number) =>
    `**${name}** has ${many(count, 'part')}. Type a number from \`/parley collections show\`.`,
  refreshing: (name: string, count: number) =>
    count === 0
      ? `Nothing in **${name}** can be read again: files stay as they are.`
      : `Parley is reading **${name}** again. What it has stays until then.`,
  shared: (name: string, who: string) => `Parley may now tell ${who} what is in **${name}**.`,
  unshared: (name: string, who: string) => `**${name}** is no longer shared with ${who}.`,
  askRemove: (name: string, parts: readonly Part[]) =>
    `This removes **${name}** and ${many(sum(parts), 'file or page', 'files and pages')} that Parley read of it. Answers that were given stay.`,
  remove: 'Remove',
  noAddress: 'Type an address that starts with https:// or http://.',
  noScope: 'Choose everybody or a team, or type a workspace or channel, such as channel:slack/T012AB3CD/C45EF6789.',
  removed: (name: string) => `**${name}** is removed, with all that was read of it.`,
}

/** Channels whose files are read without a question. */
export const watchWording = {
  announced:
    'From now on, Parley reads the files that are posted in this channel, and the newest 50 that are here already. Answers to those who can read this channel may use them. Whoever deletes a file or its message deletes it for Parley, too. An admin can switch this off with `/parley policy files-of-channel off`.',
  on: 'Parley now reads the files that are posted in this channel, and has said so here.',
  wasOn: 'Parley reads the files of this channel already.',
  off: 'Parley no longer reads the files that are posted in this channel. What it had read of them is gone.',
  wasOff: 'Parley does not read the files of this channel.',
  notHere: 'Type this in a channel of Slack, Discord or Teams, and not in a thread or a direct chat.',
  notAnnounced:
    'Parley could not announce it in this channel, so it stays off. Check that Parley may write here, then try again.',
  shown: 'Files that are posted in this channel are read without a question',
}
