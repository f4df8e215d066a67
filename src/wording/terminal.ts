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
  notAFile: (path: string) => `${path} is not a file. List its files one by one.`,
  questionMissing: (name: string, path: string) =>
    `${name} is a file. Add your question after it: ask ${path} "What does it say?"`,
  notCounted: (name: string, reason: string) => `${name} was not counted: ${reason}`,

  noAnswerInTime: (seconds: number) => `No answer within ${seconds} s. Try again, or allow more time with --timeout.`,
  stoppedEarly: 'Parley stopped before the answer was complete. Start Parley and ask again.',
  sources: 'Sources:',
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
}

/** Names and messages of `parley doctor`. */
export const doctorWording = {
  line: (ok: boolean, name: string, message: string) => `${ok ? '✓' : '✗'} ${name}: ${message}`,
  platformUnknown: (name: string, known: readonly string[]) =>
    `There are no checks for ${name}. Choose one of: ${known.join(', ')}. To check Parley itself, leave the name out.`,
  check: {
    database: 'database',
    queue: 'queue',
    failedJobs: 'failed jobs',
    models: 'models',
    disk: 'disk',
    ffmpeg: 'ffmpeg',
    transcription: 'transcription',
    publicAddress: 'public address',
    console: 'console',
  },
  database: (version: string, builtIn: boolean, questions: string, failed: string) =>
    `PostgreSQL ${version} (${builtIn ? 'built in' : 'DATABASE_URL'}), ${questions} questions, ${failed} of them failed`,
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
  consoleStopped: 'not running. Start it with `npm start`.',
  publicUnreachable: (url: string) => `${url} does not respond from this machine, so it could not be checked.`,
  publicOpen: (url: string) => `${url} shows Parley's page to everybody. ${forwardOnly}`,
  publicRefused: (url: string) => `${url} leads to the page, where Parley refuses access. ${forwardOnly}`,
  publicClosed: (url: string) => `${url} does not lead to the page`,
}

const forwardOnly = 'Forward only /slack/, /api/messages and /v1. See docs/proxies.md for the lines to copy.'
