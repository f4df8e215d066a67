/** Sentences about Microsoft Teams: in chat, in its cards and forms, in the app's manifest, from the doctor and from `parley replay`. */
import { listed, many } from './phrases.ts'

export const teamsWording = {
  errors: {
    foreignServer: 'This conversation is on a server outside Teams. Message Parley again from Teams.',
    tokenRefused: 'Teams rejected Parley’s token. Ask an admin to run `npm run parley -- doctor teams`.',
    noAccess:
      'Teams does not let Parley post here. Add the Parley app to this conversation, or ask an admin to allow it.',
    notInConversation:
      'Parley is not in this conversation any more. Add the Parley app to it again, then ask your question again.',
    disabledByAdmin: 'An admin of your organization has blocked Parley in Teams. Ask them to allow the Parley app.',
    conversationGone: 'Teams no longer knows this conversation. Ask your question again in another one.',
    tooLarge: 'This message is too large for Teams. Ask for a shorter answer.',
    noPersonalChat: 'Parley cannot write to this person, because they have not added the Parley app for themselves.',
    refused: (status: number) =>
      `Teams rejected the message (${status}). Ask an admin to run \`npm run parley -- doctor teams\`.`,
    notAccepted: 'Teams did not accept the message. Please try again.',
    filesInPersonalChats:
      'Teams accepts files from apps in personal chats only. Ask your question in a personal chat with Parley.',
    notAnActivity:
      'This request is not a Microsoft Teams activity. Use this address only as the messaging endpoint of your bot.',
    notSigned:
      'Microsoft Teams did not sign this activity for this bot. Check TEAMS_CLIENT_ID and the messaging endpoint of the bot.',
    keysUnreachable: (url: string) =>
      `Parley cannot reach ${url}, so it cannot verify Teams events. Allow HTTPS requests from this server to that address.`,
    loginUnreachable: 'Microsoft’s login does not respond. Please try again in a minute.',
    packageSettings:
      'The app package needs TEAMS_CLIENT_ID, and a PUBLIC_URL that starts with https://. Set both, then run this command again.',
  },

  /** Microsoft’s login rejected the app’s credentials. */
  login: {
    secretExpired:
      'Microsoft’s login rejected Parley because TEAMS_CLIENT_SECRET has expired. Create a new secret in the app registration and set it.',
    wrongSecret:
      'Microsoft’s login rejected Parley because TEAMS_CLIENT_SECRET does not match TEAMS_CLIENT_ID. Set the value of the secret, not its ID.',
    unknownTenant:
      'Microsoft’s login does not know the tenant in TEAMS_TENANT_ID. Set the Directory (tenant) ID of the app registration.',
    refused: (code: string) =>
      `Microsoft’s login rejected Parley (${code}). Compare TEAMS_CLIENT_ID, TEAMS_CLIENT_SECRET and TEAMS_TENANT_ID with the app registration.`,
  },

  files: {
    expired: (name: string) =>
      `The Teams link to ${name} expired before Parley could download the file. Please share it again.`,
    noConsent: (name: string, permission: string) =>
      `Parley cannot read ${name} because it lacks the Graph permission ${permission}. Ask an admin to grant it in the Entra admin center (docs/teams.md), or send the file to Parley in a personal chat.`,
    tooLarge: (name: string) =>
      `${name} is larger than the limit. Share a smaller file, or ask an admin to raise the limit.`,
    foreignHost: (name: string) =>
      `${name} is stored in a place that Parley does not download from. Send it to Parley as a file.`,
    notListed: (permission: string) =>
      `Parley cannot list the files of this channel or chat, because it lacks the permission ${permission}. Files.Read.All is granted by an admin in the Entra admin center, the others by an owner who adds the Parley app again (docs/teams.md).`,
    noFolder:
      'Group chats in Teams have no folder, and apps cannot see their pinned messages. Share the files with Parley instead.',
    unknownPlace: 'Parley has not heard of this channel or chat yet. Mention Parley there once, then try again.',
    /** Teams asks before Parley gives someone a file. */
    fromParley: 'From Parley',
    offerGone: 'This file is no longer available. Please ask your question again.',
    notUploaded: (name: string, status: number) =>
      `OneDrive did not accept ${name} (${status}). Press Accept again, or ask your question again.`,
  },

  greeting: {
    personal: [
      '**Hello, I am Parley.** Send me a question, or files to read: documents, scans, spreadsheets, images, recordings.',
      'I answer from what you share, and I cite the page, cell or second behind each answer.',
      'In channels and group chats, mention me. `help` lists what else I can do.',
    ].join('\n\n'),
    channel: [
      '**Hello, I am Parley.** Mention me with a question, here or in a thread. In threads that I am part of, you do not need to mention me.',
      'I answer from the files that you share, and I cite my sources. `@Parley help` lists what else I can do.',
    ].join('\n\n'),
    group: [
      '**Hello, I am Parley.** Mention me with a question, or reply to one of my messages. I leave everything else in this chat alone.',
      'I answer from the files that you share, and I cite my sources. `@Parley help` lists what else I can do.',
    ].join('\n\n'),
  },
  /** The answer to "Test in Web Chat" of the Azure portal. */
  testPage:
    'Parley received this message, so the messaging endpoint works. Parley answers in Microsoft Teams only: add the app there, and ask your question in Teams.',
  unknownAuthor: 'Somebody',
  /** People and channels whose names Teams does not tell. Admins find the ID in Entra. Markdown. */
  personById: (id: string) => `the person \`${id}\``,
  channelById: (id: string) => `the channel \`${id}\``,
  generalChannel: 'General',
  /** A chat has no name for apps. `names`: of its members. */
  chatOf: (names: readonly string[]) =>
    `the chat of ${listed(names.length <= 4 ? names : [...names.slice(0, 3), many(names.length - 3, 'other')])}`,
  /** Whom to mention, in an example of a command: `@Name`. */
  namePlaceholder: 'Name',
  /** Below a notice outside of personal chats. */
  filesNotShown: (names: readonly string[]) =>
    `Teams accepts files from apps in personal chats only. To get ${listed(names)}, send this command to Parley in a personal chat.`,
  restNotShown:
    'This is only the beginning. To get all of it as a file, send this command to Parley in a personal chat.',

  /** What belongs to a question and could not be read, for its receipt. */
  unread: {
    message: 'Parley found nothing that it can read in this message. Copy its text into your question.',
    part: 'A part of the message, such as a Loop component, cannot be read by apps. Copy its text into your question.',
    quote: 'The quoted message came without its text. Copy the text into your question.',
    notAllowed: (permission: string) =>
      `Parley cannot read what was said before, because it lacks the permission ${permission}. Ask an owner to add the Parley app again and to allow it (docs/teams.md).`,
    notMember:
      'Parley did not read what was said before, because Microsoft Graph did not say how much of this chat you can see. Quote what matters.',
    notNow:
      'Parley could not read what was said before, because Microsoft Graph did not answer in time. Regenerate the answer, or quote what matters.',
    tooLong: 'The thread is too long. Parley read its first message and the newest ones.',
    leftOut: (count: number) =>
      `The thread is too long. Parley left out ${count} ${count === 1 ? 'message' : 'messages'} after the first one.`,
    links: {
      linked: (url: string, quoted: string) => `Linked message (${url}):\n${quoted}`,
      fileElsewhere: (name: string, url: string) =>
        `Parley did not read ${name} from ${url}. Share it in this conversation to have it read.`,
      notYours: (url: string) =>
        `Parley did not open ${url}, because Microsoft Graph does not say that you can read it. Quote what matters.`,
      notForAll: (url: string) =>
        `Parley did not open ${url}, because not everybody in this conversation can read it. Ask Parley in a personal chat.`,
      notFound: (url: string) =>
        `Parley could not open ${url}. The message may be deleted, or Microsoft Graph did not answer in time. Quote what matters.`,
      notAllowed: (url: string, permission: string) =>
        `Parley could not open ${url}. Either the message is gone, or Parley lacks the permission ${permission} there: ask an owner to add the Parley app to that team or chat (docs/teams.md).`,
      foreign: (url: string) => `Parley did not open ${url}, because it is not a message of your organization.`,
      tooMany: (most: number) => `Parley opened only the first ${most} links to messages.`,
    },
  },
  /** Below an answer, in place of what is left out there. */
  moreInWhy: (count: number) => `and ${count} more: choose “Why this answer?” from the menu`,
  /** A button that unfolds what the model thought. */
  thoughts: 'Thoughts',
  answeringHere: 'Parley is answering in this conversation.',

  askForm: {
    /** For a message without text. */
    nothingToRead: 'Parley finds no text in this message. Describe it in your question.',
    questionRequired: 'Enter a question.',
  },

  manifest: {
    fullName: 'Parley, the assistant that reads what you share',
    short: 'Ask about your files, and get answers that cite the page.',
    full: 'Parley reads documents, scans, spreadsheets, images and recordings that you share with it, answers from them, and cites the page, cell or second behind each answer. It runs on your own servers.',
    ask: 'Ask Parley about this message',
    askDescription: 'Ask a question about this message',
  },

  /** The pages that the app package links to. */
  pages: {
    about: {
      title: 'About Parley',
      text: [
        'Parley is an assistant for your team. It reads the documents, scans, spreadsheets, images and recordings that you share with it, answers your questions about them, and cites the page, cell or second behind each answer.',
        'In Microsoft Teams, send Parley a message, or mention it in a channel or a group chat. /parley help lists what else it can do.',
        'This Parley is run by your organization on its own servers. Ask your IT team if you need help.',
      ],
    },
    privacy: {
      title: 'Privacy',
      text: [
        'Your organization runs this Parley and is responsible for the data in it.',
        'Parley receives the messages that you send to it, and, in channels and group chats, what Teams delivers to apps there. It keeps questions that are meant for it, with their files and answers. It discards all other messages at once.',
        'If you call Parley into a thread, or ask about a discussion, it reads what was said there before. This text becomes part of your question.',
        'Parley can use a file again for later questions, but only where everyone who sees the answer can read the chat or channel that the file was shared in. It asks Microsoft Teams who that is.',
        'To answer, Parley sends your question and the parts of your files that matter to the AI models that your organization has connected. They run on its own servers or at a provider that it has chosen.',
        'Parley keeps its data in its own database. It does not write the text of messages into its logs.',
        'If you delete a question in Teams, Parley deletes it too. To delete more, type /parley forget me, /parley forget thread, or /parley forget file and a name.',
      ],
    },
    terms: {
      title: 'Terms of use',
      text: [
        'Your organization provides this Parley to you under its own rules for IT services.',
        'Answers are written by AI models and can be wrong. Check what matters at the source that the answer cites.',
        'Share only files and messages that you may share with everyone who sees the answer.',
        'Parley is open-source software under the Apache License 2.0, and comes without warranty.',
      ],
    },
  },

  doctor: {
    authOff: 'TEAMS_AUTH=off: Parley verifies no one and signs nothing. Use this on your own computer only.',
    credentials: (clientId: string, tenant: string | undefined) =>
      `Microsoft’s login accepts the app ${clientId} (${tenant === undefined ? 'multi-tenant' : `tenant ${tenant}`}).`,
    signingKeys: (count: number, host: string) =>
      `Parley read ${count} signing ${count === 1 ? 'key' : 'keys'} from ${host}.`,
    filesReadable: 'Parley can read files in channels and group chats.',
    permissionsMissing: (permissions: string) =>
      `Parley lacks ${permissions}. Ask an admin to grant it in the Entra admin center: App registrations, API permissions, Microsoft Graph, Application permissions, Grant admin consent.`,
    noPublicUrl: (path: string) =>
      `PUBLIC_URL is not set, but Teams delivers to a public HTTPS address only. Set it, and enter that address with ${path} as the messaging endpoint of the bot.`,
    notHttps: (url: string) =>
      `${url} is not HTTPS, and Teams delivers to HTTPS only. Set PUBLIC_URL to an https:// address.`,
    endpointAnswers: (url: string) => `Parley answers at ${url}. Use it as the messaging endpoint of the bot.`,
    endpointUnreachable: (url: string, status: number | undefined) =>
      `${url} does not lead to Parley (${status === undefined ? 'no answer' : `status ${status}`}). Start Parley, and forward that address to its port.`,
    cloud: (name: string, login: string) =>
      `Parley uses the ${name} cloud of Microsoft (${new URL(login).host}). If your organization is in another one, set \`teams.cloud\` in parley.yaml.`,
    organizations: (tenants: readonly string[]) => `Parley serves ${tenants.join(', ')}.`,
    allOrganizations:
      'Parley serves every organization that installs the app. To serve only yours, set `teams.tenants` in parley.yaml.',
  },

  /** Why the adapter ignored an event; `parley replay` prints it. */
  ignored: {
    notAnActivity: 'not a Teams activity',
    notServed: 'from an organization that Parley does not serve',
    notForParley: (what: string) => `${what} is not for Parley`,
    byBot: 'written by a bot',
    empty: 'has no content',
    unknownMessage: 'an edit of a message that Parley does not know',
    unknownDeletion: 'a deletion of a message that Parley does not know',
    sameWords: 'an edit that changes no words',
    testPage: 'from the test page of the Azure portal',
    otherConversation: 'in a conversation that Parley is not part of',
    removed: 'Parley was removed',
    alreadyGreeted: 'Parley has greeted this conversation before',
    nothing: 'nothing to do',
  },
}
