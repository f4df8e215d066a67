/** Sentences that people read on Discord, and those of `parley discord` and `parley doctor discord`. */
import { listed } from './phrases.ts'

/** Buttons, menus and forms. */
export const discordButtons = {
  stop: 'Stop',
  regenerate: 'Regenerate',
  tryAgain: 'Try again',
  more: '⋯',
  why: 'Why this answer?',
  mine: 'Search what only I can see',
  better: 'Better model',
  cheaper: 'Cheaper model',
  choose: 'Choose',
}

export const discordForms = {
  askTitle: 'Ask Parley',
  question: 'Your question',
  files: 'Files to read',
  aboutTitle: 'Ask about this message',
  badTitle: 'What was wrong?',
  comment: 'What should Parley have done differently?',
}

/** Discord's own description of `/ask` and `/parley`; at most 100 characters each. */
export const discordCommandTexts = {
  /** Of every place: all descriptions together have a limit, and `/parley help` tells more. */
  place: 'Where it applies',
  ask: 'Ask Parley a question, with files if you like',
  askText: 'Your question. Leave empty to open a form for a long one',
  askFile: 'A document, picture, recording or other file',
  askAnotherFile: 'Another file',
  askModel: 'The model that answers',
  askSearch: 'Search the web for it, or not',
  askPrivate: 'Show the answer only to you',
  parley: 'Settings, usage and help',
}

/** Answers to messages, commands and buttons that start no answer of a model. */
export const discordWording = {
  greeting:
    'Hello! Mention me with a question, attach files to ask about them, or use `/ask`. I read documents, pictures, recordings and videos.',
  /** Over the list of commands. Markdown. */
  howToAsk:
    'To ask, mention me, send me a direct message, or use `/ask`. To ask about a message, right-click it (on a phone, press and hold it) and choose **Apps**.',
  /** Under the explanation of commands. */
  fields: 'Type `/parley`, choose the command, and fill in its fields.',
  joined: 'Added to your question above. One answer will cover both.',
  noRecording: 'That message has no recording. Choose one with a voice message or a video.',
  messageGone: 'I cannot find or read that message. Check that it still exists and that I can see the channel.',
  messageEmpty: 'That message has no text or file that I can read, so I cannot answer a question about it.',
  /** The name of the thread on a question that its author deleted. */
  deletedQuestion: 'Deleted question',
  outdated: 'This button or form is from another version of Parley. Please ask the question again.',
  empty: 'Write a question or add a file.',
  done: 'Done.',
  /** Over the menu of an answer, and in its place once an answer is written anew. */
  menu: 'What should I do with this answer?',
  regenerating: 'I am writing the answer again.',
  /** The name of a thread whose question has no words. */
  threadOf: (person: string) => `Question from ${person}`,
}

/** What Discord shows for tags such as `<id:customize>`. */
export const discordPlaces = {
  customize: 'Channels & Roles',
  browse: 'Browse Channels',
  guide: 'Server Guide',
  home: 'Server Guide',
  'linked-roles': 'Linked Roles',
}

/** What belongs to a question and was not read; each is a line of the receipt. */
export const discordUnread = {
  thread: 'Parley could not read this thread. It needs "Read Message History" in the channel, and so do you.',
  discussion:
    'Parley could not read what was said above in this channel. It needs "Read Message History" there, and so do you.',
  messages: (count: number) =>
    count === 1
      ? 'One earlier message was left out because the conversation is too long.'
      : `${count} earlier messages were left out because the conversation is too long.`,
  older: (count: number) => `Only the newest ${count} messages of this thread were read.`,
  files: (count: number) =>
    count === 1
      ? 'One earlier file of the conversation was not read. Attach it to your question if you need it.'
      : `${count} earlier files of the conversation were not read. Attach those that you need to your question.`,
  reply: 'The message that you replied to is gone or has no text or file that Parley can read.',
  forward: 'The message that you forwarded has no text or file that Parley can read.',
  link: (url: string) =>
    `Parley could not open ${url}. The message may be gone, or it is in a channel that you or Parley cannot read.`,
  foreignLink: (url: string) =>
    `Parley did not open ${url}. It opens only links to messages of the server where you ask.`,
  moreLinks: (opened: number) => `Parley opened only the first ${opened} links to messages.`,
}

/** The small print under an answer or a notice. */
export const discordReceipt = {
  /** What is said instead of an answer. */
  error: (sentence: string) => `⚠️ ${sentence}`,
  moreSources: (count: number) => `and ${count} more ${count === 1 ? 'source' : 'sources'}`,
  /** Where none can be named. */
  sources: (count: number) => `${count} ${count === 1 ? 'source' : 'sources'}`,
  wholeIn: (file: string) => `This is only the beginning. The full text is in ${file}.`,
}

export const discordFileWording = {
  foreignServer: (name: string) =>
    `Parley only opens files stored by Discord, and ${name} is not. Please upload it here.`,
  fetchFailed: (name: string) => `Parley could not download ${name} from Discord. Please try again.`,
  gone: (name: string) => `${name} is no longer on Discord. Please upload it again.`,
  rejected: (name: string, status: number) => `Discord did not provide ${name} (${status}). Please try again.`,
}

const messageContent = 'Turn on "Message Content Intent" on the Bot page of the developer portal.'
const leaveShardsOut = 'Remove discord.shards from parley.yaml, then restart Parley.'

/** Calls that Discord rejects, and connections it closes. */
export const discordErrors = {
  rateLimited: 'Discord asked Parley to slow down. Parley continues automatically.',
  unreachable: 'Discord is not responding right now. Parley will try again.',
  badToken: 'Discord rejected the bot token. Set DISCORD_TOKEN to the token on the Bot page of the developer portal.',
  permissionMissing:
    'Parley needs another permission in that Discord channel. Run `parley doctor discord` to see which one.',
  channelGone: 'That Discord channel or thread no longer exists. Ask in another one.',
  leftServer: 'Parley is no longer in that server. Ask someone who manages the server to invite it again.',
  historyMissing:
    'Parley needs "Read Message History" in that Discord channel. Ask the owner of the server to grant it to Parley\'s role.',
  threadArchived: 'That thread is archived. Open it again, or ask in another one.',
  threadLocked: 'A moderator locked that thread. Ask in another one.',
  blockedByAutoMod:
    'AutoMod of that server blocked the answer because of its words. Ask a moderator to allow Parley, or send the question as a direct message.',
  harmfulLink: 'Discord blocked the answer because of a link in it. Ask again without links.',
  explicitContent: 'Discord blocked the answer because of a file in it. Ask again without the file.',
  wrongChannel: 'Parley cannot write in that kind of Discord channel. Ask in a text channel or a thread.',
  tooLarge: 'The answer is too large for Discord. Ask for a shorter one.',
  noDirectMessages:
    'That person does not accept direct messages from Parley. Ask them to allow direct messages in the server.',
  rejected: (status: number, code: number) =>
    `Discord rejected a message from Parley (${status}, code ${code}). Run \`parley doctor discord\` to look for the cause.`,

  connectionLost:
    'Parley lost its connection to Discord. Make sure this machine can reach gateway.discord.gg on port 443.',
  noMessageContent: `Discord does not send Parley any message text. ${messageContent}`,
  intentsRefused: `Discord refused the connection. ${messageContent}`,
  /** `left`: kept for restarts by hand. `back`: when Discord counts anew. */
  tooManyConnections: (left: number, back: Date) =>
    `Parley started or reconnected too often: ${left} of today's Discord connections are left, and Parley keeps them in reserve. It connects again at ${timeOf(back)}, when Discord resets the limit.`,
  shardsRefused: `Discord rejected the number of shards. ${leaveShardsOut}`,
  shardsNeeded: `Discord requires more shards for this many servers. ${leaveShardsOut}`,
  versionRefused: 'Discord no longer supports the API version that Parley uses. Update Parley.',
  eventsRefused: 'Discord does not recognize the events that Parley requests. Update Parley.',
}

/** `where`: a channel of a server. `missing`: permissions by the names in Discord's settings. */
export const discordPermissionWording = {
  where: (channel: string | undefined, server: string) =>
    `${channel === undefined ? 'a channel' : `#${channel}`} in ${server}`,
  missing: (permissions: readonly string[]) =>
    permissions.length === 0 ? 'another permission' : permissions.map((name) => `"${name}"`).join(' and '),
  toOwner: (where: string, missing: string) =>
    `I could not answer in **${where}** because I need ${missing} there. Grant it to my role in the channel's settings under Permissions, or in the server's settings under Roles. Then ask again.`,
  failed: (where: string, missing: string) =>
    `Parley needs ${missing} in ${where}. Parley has asked the server's owner to grant it.`,
  timedOut: (where: string, until: Date) =>
    `A moderator put Parley in a time-out until ${timeOf(until)}, so it cannot write in ${where}. Ask again after that.`,
  timedOutToOwner: (where: string, until: Date) =>
    `I could not answer in **${where}** because a moderator put me in a time-out until ${timeOf(until)}. To let me answer sooner, remove the time-out: right-click me in the list of members, then **Remove Timeout**.`,
  notInThread: (where: string) =>
    `Parley is not a member of that private thread in ${where}. Mention it in the thread to add it, then ask again.`,
}

/** What `parley doctor discord` prints. */
export const discordSetupWording = {
  permissionsIn: (server: string) => `permissions in ${server}`,
  noServer: 'Parley is not in any server. Run `parley discord invite` and open the link.',
  commandsMissing: 'Parley has no registered commands. Run `parley discord register`.',
  commandsOutdated: 'The registered commands are from another version. Run `parley discord register`.',
  commandsCurrent: 'registered and up to date',
  commandsTwice: (servers: readonly { id: string; name: string }[]) =>
    `Every command shows twice in ${listed(servers.map(({ name }) => name))}, because it is registered everywhere and in that server. Run ${servers.map(({ id }) => `\`parley discord unregister ${id}\``).join(' and ')}.`,
  noConnectionsLeft: (left: number, back: Date) =>
    `Parley connected too often today: ${left} connections are left, which Parley keeps in reserve. It connects again at ${timeOf(back)}, when Discord resets the limit. Look in the log for what restarts it.`,
  connections: ({ left, total, shards }: { left: number; total: number; shards: number }) =>
    `${left} of ${total} connections left today, ${shards} recommended at once`,
  contentOn: 'Message Content Intent is on',
  contentOff: `Message Content Intent is off, so Parley cannot connect. ${messageContent}`,
  seesNoChannel: 'Parley cannot see any channel. Grant "View Channels" to its role where it should answer.',
  channelsReady: (ready: number, total: number) =>
    `ready in ${ready} of ${total} channels${ready < total ? '; Parley cannot see the others' : ''}`,
  /** Names ten channels at most. */
  channelsNotReady: (channels: readonly { name: string; missing: readonly string[] }[]) => {
    const named = channels
      .slice(0, 10)
      .map(({ name, missing }) => `#${name} needs ${missing.map((each) => `"${each}"`).join(', ')}`)
      .join('; ')
    const more = channels.length > 10 ? `, and ${channels.length - 10} more channels` : ''
    return `${named}${more}. Ask the server's owner to grant this to Parley's role.`
  },
}

/** `14:30 UTC on November 26`. */
function timeOf(date: Date): string {
  const time = date.toLocaleTimeString('en', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone: 'UTC' })
  const day = date.toLocaleDateString('en', { month: 'long', day: 'numeric', timeZone: 'UTC' })
  return `${time} UTC on ${day}`
}
