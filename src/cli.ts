/**
 * `npm run parley -- <command>`. Results go to stdout, everything else to stderr. Exit codes: 1 for a failure, 2 for a line that was
 * typed wrong, 130 after Ctrl-C. With `--json`, an error is a JSON object on stdout.
 */

import { resolve } from 'node:path'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { runAdmin } from './cli/admin.ts'
import { ask, askByCommand, filesAndQuestion } from './cli/ask.ts'
import {
  createInvitationLink,
  createSetUpLink,
  examineParley,
  explainRoute,
  listRoutes,
  type ParleyAddress,
  readStatus,
  withParley,
} from './cli/client.ts'
import { exitCode, reportError } from './cli/exit.ts'
import { examinePlatform, platforms } from './cli/platforms.ts'
import { createReferences } from './cli/references.ts'
import { replayFolder } from './cli/replay.ts'
import { replayFiles, silentTranscriber } from './cli/replay-files.ts'
import { explainQuestion } from './cli/route.ts'
import { describeStatus } from './cli/status.ts'
import { callerFolder, readConfig } from './config.ts'
import { type PersonRole, personRoles } from './core/person.ts'
import { isUuid } from './core/uuid.ts'
import { invitationHours, setUpMinutes } from './identity/invitations.ts'
import { runUntilSignal } from './ops/closing.ts'
import { createLogger } from './ops/logger.ts'
import { isLocalName } from './ops/this-machine.ts'
import { version } from './version.ts'
import { setUpWording } from './wording/sign-in.ts'
import { startWording } from './wording/startup.ts'
import { doctorWording, terminalWording } from './wording/terminal.ts'

// `parley ask … | head` reads no more: there is nobody left to tell.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

/** How long an answer may take. */
const defaultSeconds = 600
/** What comes after `--` is taken as typed. */
const literal = process.argv.includes('--')

const program = new Command('parley')
  .description(
    'Parley answers questions about files in your team chat. In its folder, run: npm run parley -- <command>',
  )
  .version(version)
  .configureHelp({ subcommandTerm: (command) => `${command.name()} ${command.usage()}` })
  .showHelpAfterError(terminalWording.helpHint)
  .exitOverride()

program
  .command('ask')
  .description('ask a question about files and print the answer as it is written')
  .argument(
    '[words...]',
    'files, then the question; `-` and piped input count as a file, or as the question if `-` comes last',
  )
  .option('--model <name>', 'ask this model')
  .option('--web', 'search the web for this question')
  .option('--no-web', 'do not search the web for this question')
  .option('--thread <id>', 'follow up in this thread', threadId)
  .option('--json', 'print one JSON object at the end: {threadId, text, citations, receipts, route, costUsd}')
  .option('--timeout <seconds>', 'stop the answer after this time', seconds, defaultSeconds)
  .usage('[files…] "question"')
  .action(
    async (
      words: string[],
      options: { model?: string; web?: boolean; thread?: string; json?: boolean; timeout: number },
    ) => {
      const folder = callerFolder()
      const { files, question } = await filesAndQuestion(words, folder, literal)
      await withParley((parley) =>
        ask({
          parley,
          files,
          folder,
          question,
          threadId: options.thread,
          model: options.model,
          web: options.web === undefined ? undefined : options.web ? 'on' : 'off',
          json: options.json === true,
          timeoutMs: options.timeout * 1000,
        }),
      )
    },
  )

program
  .command('route')
  .description('show which model would answer a question and why, without calling a model')
  .argument('[words...]', 'files, then the question')
  .option('--dry-run', 'accepted for clarity; `route` never calls a model')
  .option('--model <name>', 'route as if you had asked for this model')
  .option('--channel <platform/workspace/channel>', 'apply the rules and budgets of this channel')
  .option('--json', 'print the decision as JSON')
  .usage('--dry-run [files…] "question"')
  .action(async (words: string[], options: { model?: string; channel?: string; json?: boolean }) => {
    const folder = callerFolder()
    await explainQuestion({
      ...(await filesAndQuestion(words, folder, literal)),
      folder,
      model: options.model,
      channel: options.channel,
      json: options.json === true,
      reading: readConfig().reading,
      explain: explainRoute,
      print: console.log,
      note: console.error,
    })
  })

program
  .command('doctor')
  .description('check everything Parley needs and show how to fix problems')
  .argument('[platform]', 'check a chat platform instead, such as discord')
  .option('--json', 'print the checks as JSON')
  .action(async (platform: string | undefined, options: { json?: boolean }) => {
    const checks = platform === undefined ? await examineParley() : await examinePlatform(platform)
    if (options.json) console.log(JSON.stringify(checks, null, 2))
    else for (const { name, ok, userMessage } of checks) console.log(doctorWording.line(ok, name, userMessage))
    if (checks.some(({ ok }) => !ok)) process.exitCode = 1
  })

program
  .command('status')
  .description('show whether Parley runs on this home, and its models and connections')
  .option('--json', 'print the status as JSON')
  .action(async (options: { json?: boolean }) => {
    const status = await readStatus()
    console.log(options.json ? JSON.stringify(status, null, 2) : describeStatus(status))
    if (!status.running || !status.ready) process.exitCode = exitCode.failed
  })

program
  .command('set-up')
  .description('print a link that creates the first account, and makes it an admin')
  .action(async () => console.log(setUpWording.link(await createSetUpLink(), setUpMinutes)))

program
  .command('invite')
  .description('print a link that creates an account, or resets the password of the account with this email address')
  .argument('[email]')
  .addOption(new Option('--role <role>', 'what a new account may do').choices(personRoles).default('member'))
  .action(async (email: string | undefined, { role }: { role: PersonRole }) => {
    const { link, resets } = await createInvitationLink(role, email)
    console.log(resets ? setUpWording.reset(link, invitationHours) : setUpWording.invitation(link, invitationHours))
    if (isLocalName(new URL(link).hostname)) console.log(setUpWording.thisMachine)
  })

program
  .command('routes')
  .description('list the HTTP addresses of the running Parley and who may call each')
  .option('--json', 'print the table as JSON')
  .action(async (options: { json?: boolean }) => {
    const routes = await listRoutes()
    if (options.json) console.log(JSON.stringify(routes, null, 2))
    else for (const { method, path, access } of routes) console.log(`${method.padEnd(6)} ${path}  ${access.join(', ')}`)
  })

const replay = program
  .command('replay')
  .description('replay recorded platform events and print the result of each')
  .argument('<platform>', 'a platform, such as slack')
  .argument('<folder>', 'a folder of JSON files: each holds an event, an array of events, or an object of named events')
  .option('--json', 'print one JSON object per line')
  .action(async (platform: string, folder: string, options: { json?: boolean }) => {
    const from = resolve(callerFolder(), folder)
    const failed = await replayFolder({ platform, folder: from, json: options.json === true, print: console.log })
    if (failed > 0) process.exitCode = 1
  })

replay
  .command('files')
  .description('read all files of a folder as if they had been shared, and compare them with other programs')
  .argument('<folder>', 'a folder; its subfolders are read too')
  .option('--no-references', 'do not run pdftotext, LibreOffice and ffprobe on the files')
  .option('--json', 'print one JSON object per line')
  .action(async (folder: string, options: { references: boolean; json?: boolean }) => {
    const config = readConfig()
    const { openReaders } = await import('./app/readers.ts')
    const failed = await replayFiles({
      folder: resolve(callerFolder(), folder),
      open: async (log) => (await openReaders(config, log, silentTranscriber)).reader,
      refer: options.references ? createReferences() : undefined,
      json: options.json === true || replay.opts().json === true,
      print: console.log,
    })
    if (failed > 0) process.exitCode = 1
  })

for (const { addCommands } of Object.values(platforms)) addCommands?.(program)

program
  .command('admin')
  .description(
    'run a chat command, such as `usage by model` or `budget set 100 month for workspace`; `help` lists all commands',
  )
  .argument('[words...]')
  .option('--out <folder>', 'save pictures and files to this folder')
  .option('--json', 'print the answer as JSON: {text, files, saved}; of a command that asks a question, as `ask` does')
  .allowUnknownOption()
  .action(async (words: string[], { out, json }: { out?: string; json?: boolean }) => {
    const folder = out === undefined ? undefined : resolve(callerFolder(), out)
    await withParley((parley) => runCommand(parley, words, folder, json))
  })

program
  .command('compare')
  .description('compare the answers, times, tokens and costs of several models for one question')
  .argument('<question>')
  .requiredOption('--models <names>', 'model names, separated by commas')
  .action(async (question: string, { models }: { models: string }) => {
    const words = ['models', 'compare', models, question]
    await withParley((parley) => runCommand(parley, words))
  })

program
  .command('completion')
  .description('print a script that completes commands in your shell')
  .argument('<shell>', 'bash, zsh or fish')
  .action(async (shell: string) => {
    // Loads the table of commands, which takes time.
    const { completionScript } = await import('./cli/completion.ts')
    console.log(completionScript(shell, program))
  })

for (const role of ['gateway', 'worker'] as const) {
  program
    .command(role)
    .description(
      role === 'gateway'
        ? 'receive messages; needs DATABASE_URL and at least one worker'
        : 'write answers and read files; needs DATABASE_URL',
    )
    .action(() =>
      runUntilSignal(async () => {
        const config = readConfig({ overrides: { ROLE: role } })
        const log = createLogger({
          level: config.logLevel,
          readable: process.stderr.isTTY === true,
          secrets: config.secrets,
        })
        const { createApp } = await import('./app.ts')
        const app = await createApp(config, { log })
        console.log(app.url === null ? startWording.workerReady : startWording.gatewayReady(app.url))
        const notice = await app.setUpNotice()
        if (notice !== null) console.log(notice)
        return { app, log }
      }),
    )
}

function runCommand(parley: ParleyAddress, words: string[], out?: string, json = false): Promise<void> {
  const ask = (line: string) => askByCommand(parley, line, { json, timeoutMs: defaultSeconds * 1000 })
  return runAdmin({ parley, words, out, json, print: console.log, ask })
}

function threadId(text: string): string {
  if (!isUuid(text)) throw new InvalidArgumentError(terminalWording.threadIdNeeded)
  return text
}

function seconds(text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new InvalidArgumentError(terminalWording.secondsNeeded)
  return value
}

try {
  await program.parseAsync()
} catch (thrown) {
  // Commander has printed its help, or what is wrong.
  const isUsage = thrown instanceof CommanderError
  const json = process.argv.includes('--json')
  const report = { json, out: console.log, err: isUsage ? () => {} : console.error }
  const code = isUsage && thrown.exitCode === 0 ? 0 : reportError(thrown, report)
  process.exit(isUsage && code !== 0 ? exitCode.usage : code)
}
