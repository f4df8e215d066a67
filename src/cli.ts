/** `npm run parley -- <command>`. Results go to stdout, everything else to stderr; exit code 1 comes with a one-line error. */

import { resolve } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { runAdmin } from './cli/admin.ts'
import { ask, filesAndQuestion } from './cli/ask.ts'
import { createPageLink, examineParley, explainRoute, listRoutes, withParley } from './cli/client.ts'
import { examinePlatform, platforms } from './cli/platforms.ts'
import { replayFolder } from './cli/replay.ts'
import { explainQuestion } from './cli/route.ts'
import { callerFolder, readConfig } from './config.ts'
import { ParleyError } from './core/errors.ts'
import { linkMinutes } from './ops/access.ts'
import { runUntilSignal } from './ops/closing.ts'
import { createLogger } from './ops/logger.ts'
import { version } from './version.ts'
import { startWording } from './wording/startup.ts'
import { doctorWording, terminalWording } from './wording/terminal.ts'

const program = new Command('parley')
  .description(
    'Parley answers questions about files in your team chat. In its folder, run: npm run parley -- <command>',
  )
  .version(version)
  .configureHelp({ subcommandTerm: (command) => `${command.name()} ${command.usage()}` })
  .showHelpAfterError(terminalWording.helpHint)

program
  .command('ask')
  .description('ask a question about files and print the answer as it is written')
  .argument('[words...]', 'files, then the question; piped standard input counts as a file')
  .option('--json', 'print one JSON object at the end: {text, citations, receipts, route, costUsd}')
  .option('--timeout <seconds>', 'stop waiting after this time', seconds, 600)
  .usage('[files…] "question"')
  .action(async (words: string[], options: { json?: boolean; timeout: number }) => {
    const folder = callerFolder()
    const { files, question } = await filesAndQuestion(words, folder)
    await withParley((parley) =>
      ask({
        parley,
        files,
        folder,
        question,
        json: options.json === true,
        timeoutMs: options.timeout * 1000,
      }),
    )
  })

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
      ...(await filesAndQuestion(words, folder)),
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
  .command('page')
  .description('print a link that opens the page of the running Parley')
  .action(async () => console.log(startWording.openPage(await createPageLink(), linkMinutes)))

program
  .command('routes')
  .description('list the HTTP addresses of the running Parley and who may call each')
  .option('--json', 'print the table as JSON')
  .action(async (options: { json?: boolean }) => {
    const routes = await listRoutes()
    if (options.json) console.log(JSON.stringify(routes, null, 2))
    else for (const { method, path, access } of routes) console.log(`${method.padEnd(6)} ${path}  ${access.join(', ')}`)
  })

program
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

for (const { addCommands } of Object.values(platforms)) addCommands?.(program)

program
  .command('admin')
  .description(
    'run a chat command, such as `usage by model` or `budget set workspace 100 month`; `help` lists all commands',
  )
  .argument('[words...]')
  .option('--out <folder>', 'save pictures and files to this folder')
  .allowUnknownOption()
  .action(async (words: string[], { out }: { out?: string }) => {
    const folder = out === undefined ? undefined : resolve(callerFolder(), out)
    await withParley((parley) => runAdmin({ parley, words, out: folder, print: console.log }))
  })

program
  .command('compare')
  .description('compare the answers, times, tokens and costs of several models for one question')
  .argument('<question>')
  .requiredOption('--models <names>', 'model names, separated by commas')
  .action(async (question: string, { models }: { models: string }) => {
    const words = ['models', 'compare', models, question]
    await withParley((parley) => runAdmin({ parley, words, print: console.log }))
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
        if (app.pageLink !== null) console.log(startWording.openPage(app.pageLink, linkMinutes))
        return { app, log }
      }),
    )
}

function seconds(text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new InvalidArgumentError(terminalWording.secondsNeeded)
  return value
}

try {
  await program.parseAsync()
} catch (error) {
  console.error(
    error instanceof ParleyError ? error.userMessage : error instanceof Error ? error.message : String(error),
  )
  process.exit(1)
}
