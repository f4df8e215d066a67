/** What `parley …` prints at the terminal: its own messages, doctor's checks, and errors. */
import { modelVariables } from './phrases.ts'

export const terminalWording = {
  helpHint: 'Run `parley --help` to see all commands.',
  secondsNeeded: 'Enter a number of seconds, such as 60.',
  serverIdNeeded: 'Enter the numeric server ID. To get it, right-click the server and choose Copy Server ID.',

  noParley: 'Parley is not running on this home. Start it with `npm start`.',
  portNotOpened: 'Parley could not open its port. Please try again.',
  noResponse: (url: string, pid?: number) =>
    `Parley${pid === undefined ? '' : ` (process ${pid})`} does not respond at ${url}. Check its log or restart it.`,
  refused: 'Parley refused the command. Check its log.',
  unexpectedStatus: (status: number) => `Parley returned status ${status}. Check its log.`,

  fileMissing: (path: string) => `There is no file ${path}. Check the path.`,
  folderMissing: (path: string) => `There is no folder ${path}. Check the path.`,
  isFolder: (path: string) => `${path} is a folder. Name the files in it, such as ${path}/*.pdf.`,
  notARegularFile: (path: string) => `${path} is not a regular file. Pipe its content in, with \`-\` as the file.`,
  questionMissing: (name: string, path: string) =>
    `${name} is a file. Add your question after it: ask ${path} "What does it say?"`,
  notCounted: (name: string, reason: string) => `${name} was not counted: ${reason}`,

  fileMissingOrQuestion: (word: string) =>
    `There is no file ${word}. If it is your question, type \`--\` before it: ask -- ${word}`,
  nothingAsked: 'Type a question, such as: ask report.pdf "What does it cost?"',
  notStopped: 'The answer could not be stopped. It goes on and may cost money.',
  followUp: (threadId: string) => `To follow up: ask --thread ${threadId} "…"`,
  threadIdNeeded: 'Enter the ID of a thread. `ask` prints it after an answer.',

  noAnswerInTime: (seconds: number) =>
    `No answer within ${seconds} s, so it was stopped. Allow more time with --timeout.`,
  stoppedEarly: 'Parley stopped before the answer was complete. Start Parley and ask again.',
  sources: 'Sources:',
  shellUnknown: (shell: string, known: readonly string[]) =>
    `There is no completion for ${shell}. Choose one of: ${known.join(', ')}.`,
  saveWithOut: (name: string) => `Add \`--out <folder>\` to save ${name}.`,

  discordPermissions: (names: readonly string[]) => `Permissions: ${names.join(', ')}.`,
  discordIntents: (names: readonly string[]) =>
    `In the developer portal, open the Bot page and turn on: ${names.map((name) => `${name} Intent`).join(', ')}.`,
  discordCommands: (changed: boolean, names: readonly string[]) =>
    `${changed ? 'Registered' : 'Already up to date'}: ${names.join(', ')}`,
  discordCommandsRemoved: (removed: number, server: string | undefined) => {
    const where = server === undefined ? 'registered everywhere' : `in server ${server}`
    if (removed === 0) return `No commands were ${where}.`
    return `Removed the ${removed === 1 ? 'command' : `${removed} commands`} that ${removed === 1 ? 'was' : 'were'} ${where}.`
  },
  slackManifest:
    'Go to https://api.slack.com/apps, choose Create New App, then From a manifest, and paste it. For the next steps, see docs/slack.md.',
  teamsPackage: 'Upload it at https://admin.teams.microsoft.com: Teams apps, Manage apps, Upload new app.',

  replayPlatformUnknown: (name: string, known: readonly string[]) =>
    `There is no platform named ${name}. Choose one of: ${known.join(', ')}.`,
  replayNoEvent: (platform: string) => `no ${platform} event found`,
  replayInvalidJson: 'not valid JSON',
  replayEmpty: 'These files contain no events.',
  replayNoFiles: 'This folder contains no files.',
  replayWords: (words: number) => `${words.toLocaleString('en')} ${words === 1 ? 'word' : 'words'}`,
  replayRecall: (share: number, program: string) => `${(share * 100).toFixed(1)} % of ${program}`,
  replayLength: (ms: number, program: string) => `${(ms / 1000).toFixed(1)} s by ${program}`,
}

/** What `parley status` prints. */
export const statusWording = {
  stopped: (home: string) => `Parley is not running on ${home}. Start it with \`npm start\`.`,
  running: (version: string, pid: number, url: string) => `Parley ${version} is running at ${url} (process ${pid}).`,
  models: (names: readonly string[]) =>
    names.length === 0
      ? `Models: none, so answers are quotations. Set ${modelVariables}.`
      : `Models: ${names.join(', ')}`,
  connection: (platform: string, name: string, state: string, problem: string | undefined) =>
    `${platform}, ${name}: ${state}${problem === undefined ? '' : `. ${problem}`}`,
  notReady: (problem: string) => `Not ready: ${problem}`,
}

/** Names and messages of `parley doctor`. */
export const doctorWording = {
  line: (ok: boolean, name: string, message: string) => `${ok ? '✓' : '✗'} ${name}: ${message}`,
  platformUnknown: (name: string, known: readonly string[]) =>
    `There are no checks for ${name}. Choose one of: ${known.join(', ')}. To check Parley itself, leave the name out.`,
  check: {
    database: 'database',
    mail: 'mail',
    accounts: 'accounts',
    queue: 'queue',
    failedJobs: 'failed jobs',
    models: 'models',
    disk: 'disk',
    ffmpeg: 'ffmpeg',
    transcription: 'transcription',
    search: 'web search',
    fileSearch: 'search in files',
    webhooks: 'webhooks',
    publicAddress: 'public address',
    console: 'console',
  },
  database: (version: string, builtIn: boolean, questions: string, failed: string) =>
    `PostgreSQL ${version} (${builtIn ? 'built in' : 'DATABASE_URL'}), ${questions} questions, ${failed} of them failed`,
  accounts: (count: number, publicUrl: string | undefined) =>
    count === 0
      ? publicUrl === undefined
        ? 'none, so only this machine may open the page'
        : 'none yet. To create the first one, run `npm run parley -- set-up`.'
      : `${count} ${count === 1 ? 'person signs' : 'people sign'} in`,
  queue: (counts: readonly { name: string; waiting: number; active: number; delayed: number }[]) =>
    counts
      .map(({ name, waiting, active, delayed }) => {
        const what = { turn: 'answers', media: 'files', system: 'maintenance' }[name] ?? name
        return `${what}: ${waiting} waiting, ${active} running, ${delayed} delayed`
      })
      .join('; '),
  noFailedJobs: 'no job has failed for good',
  failedJobs: (jobs: readonly { id: string; at: string; attempts: number; reason: string }[]) =>
    `these jobs failed for good, newest first. The log has details.\n    ${jobs
      .map(({ id, at, attempts, reason }) => `${id} (${at}, ${attempts} attempts): ${reason}`)
      .join('\n    ')}`,
  noModels: `none configured, so answers are quotations. Set ${modelVariables}.`,
  disk: (free: string, total: string) => `${free} of ${total} free`,
  diskLow: (free: string, total: string) =>
    `${free} of ${total} free. Free some space soon, because a full disk stops Parley from storing and reading files.`,
  ffmpegMissing: (reason: string) =>
    `${reason} Until then, Parley can't look at videos and transcribes short recordings only.`,
  noTranscription:
    'none configured, so recordings are used only if the platform provides a transcript. Set TRANSCRIBE_URL.',
  noSearch: 'none configured, so Parley reads links but does not search (docs/web-search.md)',
  searchPaid: (engine: string) => `${engine} is set. It was not asked, because each search costs money.`,
  searchAnswers: (engine: string, pages: number) =>
    pages > 0 ? `${engine} answers` : `${engine} answers, but found nothing. Check which engines it uses.`,
  consoleStopped: 'not running. Start it with `npm start`.',
  publicUnreachable: (url: string) => `${url} does not respond from this machine, so it could not be checked.`,
  publicOpen: (url: string) =>
    `${url} shows Parley's data to everybody. Set PUBLIC_URL for the Parley that answers there, and restart it.`,
  publicPlain: (url: string) =>
    `${url} is not encrypted, so passwords and sessions can be read on the way. Use https. See docs/proxies.md.`,
  publicNew: (url: string) =>
    `${url} leads to the page. There are no accounts yet: create the first one with \`npm run parley -- set-up\`.`,
  publicSignIn: (url: string) => `${url} leads to the page, where people sign in`,
  publicRefused: (url: string) =>
    `${url} leads to the page, where Parley refuses access. Set PUBLIC_URL to the address that people open.`,
  publicClosed: (url: string) => `${url} does not lead to the page`,
}
