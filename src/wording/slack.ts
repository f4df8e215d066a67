/** Sentences about Slack: in chat, in its dialogs and Home tab, in the app's manifest, from the doctor and from `parley replay`. */
const reinstall = 'reinstall the app'

export const slackWording = {
  errors: {
    missingScope: (method: string, scope: string | undefined) =>
      `Slack refused ${method} because the app lacks ${scope === undefined ? 'a scope' : `the scope ${scope}`}. Add it under "OAuth & Permissions" in the app's settings, then ${reinstall}.`,
    tokenNotRenewed: (workspace: string, code: string) =>
      `Slack did not renew Parley's token for ${workspace} (${code}), so Parley cannot answer there. Install the app in that workspace again.`,
    tokenRefused: `Slack no longer accepts Parley's token for this workspace. Ask an admin to ${reinstall}.`,
    noAccess: 'Parley cannot post in that channel. Invite it with /invite @Parley, or send it a direct message.',
    readOnly:
      'Parley may not post in that channel, because only some people may. Ask in another channel, or ask an admin of the channel to allow Parley.',
    archived:
      'That channel is archived, so nobody can post there. Ask in another channel, or send Parley a direct message.',
    threadLocked: 'That thread is locked, so Parley cannot reply there. Ask in a new message.',
    threadGone: 'The message that Parley was replying to is gone. Ask again in a new message.',
    messagesOff:
      'Direct messages with Parley are turned off. Ask an admin to turn on the messages tab under "App Home" in the app\'s settings.',
    refused: (method: string, code: string) =>
      `Slack refused ${method} (${code}). Run \`npm run parley -- doctor slack\` to find the cause.`,
    trouble: 'Slack has a problem right now. Parley tries again automatically.',
    notInstalled: `Parley is no longer installed in that Slack workspace. Ask an admin to ${reinstall}.`,
    notUploaded: (name: string) => `Parley could not upload ${name} to Slack. It tries again automatically.`,
    badTimestamp:
      "The timestamp of this request is invalid or more than five minutes off. If Slack sent it, check this server's clock.",
    socketClosed:
      'Slack closed the Socket Mode connection. Make sure that this server can reach wss-primary.slack.com on port 443.',
    socketRefused: (code: string) =>
      `Slack refused Socket Mode (${code}). Set SLACK_APP_TOKEN to an app-level token with the scope connections:write, and turn on Socket Mode in the app's settings.`,
  },

  files: {
    external: (name: string, service: string) =>
      `${name} is stored on ${service}, which Parley cannot read. Download the file and share it here.`,
    /** For a file on a service that Slack does not name. */
    anotherService: 'another service',
    /** The name of a file that Slack does not name. */
    unnamed: 'file',
    list: (name: string) =>
      `${name} is a Slack list, which apps cannot download. Export it as CSV and share that file.`,
    hidden: (name: string) =>
      `${name} is hidden by the limits of your Slack plan, so apps cannot read it. Share the file again.`,
    notForApps: (name: string) =>
      `Slack does not let apps read ${name}: it belongs to another organization. Download the file and share it here.`,
    loginPage: (name: string) =>
      `Slack returned its login page instead of ${name}. Ask an admin to add the scope files:read and ${reinstall}, then share the file again.`,
  },

  /** What belongs to a question beside its text. Shown below the answer. */
  context: {
    above: {
      unread:
        'Parley could not read the messages above this question, because Slack did not give them in time. Ask again to include them.',
      noAccess:
        'Parley may not read the messages above this question. Invite it to the channel with /invite @Parley, then ask again.',
    },
    thread: {
      cut: 'This thread is too long to be read to its end. Parley read its first 5,000 messages.',
      leftOut: (count: number) =>
        `This thread is long: ${count} ${count === 1 ? 'message' : 'messages'} between its first and its newest ones were left out.`,
      filesLeftOut: (count: number) =>
        `${count} older ${count === 1 ? 'file' : 'files'} of this thread ${count === 1 ? 'was' : 'were'} not read.`,
    },
    links: {
      notYours: (url: string) => `Parley did not open ${url}, because you are not in that channel.`,
      notForAll: (url: string) =>
        `Parley did not open ${url}, because not everyone here may read that channel. Ask in a direct message.`,
      notFound: (url: string) =>
        `Parley could not open ${url}. It reads only messages that exist, in channels to which it was invited.`,
      tooMany: (most: number) => `Parley opens at most ${most} linked messages of a question.`,
    },
  },
  /** In place of names that Slack does not tell. */
  unnamed: { aPerson: 'someone', aChannel: 'a channel', aGroup: 'a user group' },

  /** `/parley` with a question: Parley posts the question, then answers in the thread below it. */
  asked: (name: string, question: string) => `*${name}* asks: ${question}`,
  /** Above the list of commands. */
  howToAsk:
    '**To ask a question**, mention Parley in a channel or thread, send it a direct message, or type `/parley What changed in this release?` To ask about a message, choose *Ask Parley about this* in its menu.',
  answeringInThread: 'Parley is answering in the thread.',
  /** A button below a command that failed. */
  askInstead: 'Ask this as a question',
  /** What Slack shows in turn while an answer is being written. */
  loading: ['Thinking…', 'Working on the answer…', 'Still working on it…'],
  approvedBy: 'Approved by',
  declinedBy: 'Declined by',
  /** The title of a task card whose work is done. */
  filesRead: 'Finished reading',
  /** The title of a thread whose question has no words. */
  untitled: 'Question',

  dialog: {
    audience: 'Who sees the answer',
    onlyMe: 'Only me, in a direct message',
    everyone: 'Everyone, in the thread of the message',
    notThere: 'Parley is not in that conversation. Invite it with /invite @Parley, or choose the direct message.',
    archived: 'That channel is archived. Choose the direct message.',
    readOnly: 'Only some people may post in that channel. Choose the direct message.',
  },

  home: {
    title: 'Parley',
    introduction:
      'Mention me in a channel, send me a direct message, or share a file and ask about it. I read documents, scans, images and recordings, and I cite the page behind each answer.',
    /** Headings of what a command answers, by the command's name. */
    headings: {
      usage: 'Your usage',
      'budget list': 'Budgets',
      'persona show': 'How Parley answers you',
      'limits show': 'Limits',
    },
    recent: 'Recent conversations',
    /** `channel`: Slack's form of a channel; absent in a direct message. */
    recentPlace: (channel: string | undefined, when: string) => `${channel ?? 'direct message'}, ${when}`,
    change:
      'To change how Parley answers you, type `/parley persona language German` or `/parley persona instructions Answer briefly.` `/parley help` lists all commands.',
    refresh: 'Refresh',
  },

  /** What the agent view offers to start with. */
  suggestedPrompts: [
    { title: 'Summarize a file', message: 'Summarize the attached file and cite the pages that matter.' },
    { title: 'Compare several files', message: 'Compare the attached files and list the differences.' },
    { title: 'Summarize a recording', message: 'Listen to the attached recording and list the decisions.' },
    { title: 'What can you do?', message: 'What can you do, and which files can you read?' },
  ],

  /** In the browser, after an installation. */
  pages: {
    installed: (workspace: string) => `Parley is installed${workspace === '' ? '' : ` in ${workspace}`}`,
    whatNext: 'Go back to Slack, type /invite @Parley in a channel, and mention Parley with a question.',
    open: 'Open Parley in Slack',
    canceled: 'Installation canceled',
    nothingDone: 'Nothing was installed or changed.',
    stale: 'This link no longer works',
    startAgain: 'Installation links work once, for ten minutes, in the browser that opened them.',
    failed: 'Parley could not be installed',
    tellAdmin:
      "Slack or Parley's server did not finish the installation. Try again, or ask an admin to look at Parley's log.",
    again: 'Start again',
  },

  /** Slack shows these in its app directory, its menus and the agent view. */
  manifest: {
    httpsOnly: (url: string) =>
      `Slack sends events only to https:// addresses, but PUBLIC_URL is ${url}. Set PUBLIC_URL to the https:// address of your proxy, or use Socket Mode by setting SLACK_APP_TOKEN.`,
    description: 'Answers questions about your files, in the thread where you ask.',
    agent: 'Reads documents, scans, images and recordings, and cites the page behind each answer.',
    shortcut: 'Ask Parley about this',
    shortcutDescription: 'Ask a question about this message and its files',
    command: 'Ask Parley or change its settings',
    commandHint: 'help | your question',
  },

  doctor: {
    connectedAs: (user: string, team: string, id: string) => `Connected as ${user} in ${team} (${id}).`,
    scopesUnknown: 'Slack does not report which scopes the token has.',
    scopesGranted: (count: number) => `All ${count} scopes are granted.`,
    scopesMissing: (scopes: string) =>
      `Missing scopes: ${scopes}. Add them under "OAuth & Permissions", or paste the output of \`parley slack manifest\` again, then ${reinstall}.`,
    noChannels:
      'Parley is in no channel yet. Invite it to a channel with /invite @Parley. Direct messages work without an invitation.',
    channels: (count: number, names: string[]) =>
      `Parley is in ${count} ${count === 1 ? 'channel' : 'channels'}: ${names.join(', ')}${count > names.length ? ', …' : ''}.`,
    filesUntested: 'Parley may read files, but there is no file to test this with yet.',
    filesReadable: 'Parley can download files.',
    filesLoginPage: `Slack returned its login page instead of a file. Add the scope files:read and ${reinstall}.`,
    socketAccepted: 'Slack accepts a Socket Mode connection.',
    socketAdvice:
      'Set SLACK_APP_TOKEN to an app-level token with the scope connections:write, and turn on Socket Mode in the app.',
    noPublicUrl: (path: string) =>
      `PUBLIC_URL is not set, but Slack must reach Parley at https://…${path}. Set PUBLIC_URL, or use Socket Mode by setting SLACK_APP_TOKEN.`,
    addressAnswers: (url: string) => `${url} answers. Use it as the request URL of events, interactivity and /parley.`,
    otherSecret: (url: string) =>
      `The Parley at ${url} has a different SLACK_SIGNING_SECRET. Use the one from the app's settings in both places.`,
    otherAnswer: (url: string, status: number) =>
      `${url} answered with status ${status}. Check that PUBLIC_URL and the proxy point to Parley.`,
    addressUnreachable: (url: string) =>
      `${url} is not reachable from here. Start Parley, then check that PUBLIC_URL and the proxy point to it.`,
    events: (events: string) =>
      `Slack does not report which events an app receives. Parley needs ${events}. The output of \`parley slack manifest\` includes them all.`,
    installation: (url: string) => `Workspaces install the app at ${url}.`,
  },

  /** Why the adapter ignored an event; `parley replay` prints it. */
  ignored: {
    notAMessage: 'not a message',
    notice: (subtype: string) => `a Slack notice (${subtype})`,
    byBot: 'written by a bot',
    noAuthor: 'has no author',
    notAddressed: 'does not mention Parley',
    empty: 'has no content',
    emptyChange: 'a change without a message',
    sameText: 'the text did not change',
    unknownMessage: 'an edit of a message that Parley does not know',
    deleted: 'a message that was deleted',
    unknownDeletion: 'deleted, but not known to Parley',
    nothingRunning: 'nothing is running in that thread',
    foreignButton: 'a button that does not belong to Parley',
    foreignDialog: 'a dialog that does not belong to Parley',
    foreignShortcut: 'a shortcut that does not belong to Parley',
    addressCheck: 'a check of the request URL, answered',
    nothing: (type: string) => `${type}: nothing to do`,
    aCommand: 'a command',
  },
  replayFailed: (status: number) => `Parley answered the recorded event with status ${status}. Check the recording.`,
  noNetworkInReplay: 'A replay does not call Slack. Run Parley to send messages.',
}
