/** `npm run parley -- <command>`. Results go to stdout, everything else to stderr; exit code 1 comes with one clear line. */
import { resolve } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { runAdmin } from './cli/admin.ts'
import { ask } from './cli/ask.ts'
import { createPageLink, examineParley, explainRoute, listRoutes, withParley } from './cli/client.ts'
import { examinePlatform } from './cli/doctor.ts'
import { filesAndQuestion } from './cli/files-and-question.ts'
import { openThePage } from './cli/page.ts'
import { platforms } from './cli/platforms.ts'
import { replayFolder } from './cli/replay.ts'
import { explainQuestion } from './cli/route.ts'
import { callerFolder, readConfig } from './config.ts'
import { ParleyError } from './core/errors.ts'
import { createLogger } from './ops/logger.ts'
import { runUntilSignal } from './ops/signals.ts'
import { version } from './version.ts'

const program = new Command('parley')
  .description('Parley, an assistant that lives where teams talk. In its folder: npm run parley -- <command>')
  .version(version)
  .configureHelp({ subcommandTerm: (command) => `${command.name()} ${command.usage()}` })
  .showHelpAfterError('Add --help to see what can be typed.')

program
  .command('ask')
  .description('ask a question about files; the answer is printed as it is written')
  .argument('[words...]', 'files to share, then the question; piped standard input is shared as a file')
  .option('--json', 'print one object {text, citations, receipts, route, costUsd} at the end')
  .option('--timeout <seconds>', 'give up after this time', seconds, 600)
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
  .description('say which model would answer a question, and why, without asking any')
  .argument('[words...]', 'files that would be shared, then the question')
  .option('--dry-run', 'ask no model, which it never does')
  .option('--model <name>', 'as if this model had been asked for')
  .option('--channel <platform/workspace/channel>', 'by the rules and budgets of this channel')
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
  .description('look at everything that Parley needs, and say what to do about what is missing')
  .argument('[platform]', 'look at a chat platform instead, such as discord')
  .option('--json', 'print the checks as JSON')
  .action(async (platform: string | undefined, options: { json?: boolean }) => {
    const checks = platform === undefined ? await examineParley() : await examinePlatform(platform)
    if (options.json) console.log(JSON.stringify(checks, null, 2))
    else for (const { name, ok, userMessage } of checks) console.log(`${ok ? '✓' : '✗'} ${name}: ${userMessage}`)
    if (checks.some(({ ok }) => !ok)) process.exitCode = 1
  })

program
  .command('page')
  .description('print a link that opens the page of the Parley that runs')
  .action(async () => console.log(openThePage(await createPageLink())))

program
  .command('routes')
  .description('list the addresses that the Parley that runs answers at, and who may call each')
  .option('--json', 'print the table as JSON')
  .action(async (options: { json?: boolean }) => {
    const routes = await listRoutes()
    if (options.json) console.log(JSON.stringify(routes, null, 2))
    else for (const { method, path, access } of routes) console.log(`${method.padEnd(6)} ${path}  ${access.join(', ')}`)
  })

program
  .command('replay')
  .description('hand recorded events of a platform to its ingress, and print what became of each')
  .argument('<platform>', 'such as slack')
  .argument('<folder>', 'of JSON files: an event, an array of events, or an object of named ones')
  .option('--json', 'print one object a line')
  .action(async (platform: string, folder: string, options: { json?: boolean }) => {
    const from = resolve(callerFolder(), folder)
    const failed = await replayFolder({ platform, folder: from, json: options.json === true, print: console.log })
    if (failed > 0) process.exitCode = 1
  })

for (const { addCommands } of Object.values(platforms)) addCommands?.(program)

program
  .command('admin')
  .description(
    'run a command of the chat, such as `usage by model` or `budget set workspace 100 month`; `help` lists all',
  )
  .argument('[words...]')
  .option('--out <folder>', 'write pictures and files there')
  .allowUnknownOption()
  .action(async (words: string[], { out }: { out?: string }) => {
    const folder = out === undefined ? undefined : resolve(callerFolder(), out)
    await withParley((parley) => runAdmin({ parley, words, out: folder, print: console.log }))
  })

program
  .command('compare')
  .description('ask several models the same question, side by side: words, times, tokens, cost')
  .argument('<question>')
  .requiredOption('--models <names>', 'names with commas between them')
  .action(async (question: string, { models }: { models: string }) => {
    const words = ['models', 'compare', models, question]
    await withParley((parley) => runAdmin({ parley, words, print: console.log }))
  })

for (const role of ['gateway', 'worker'] as const) {
  program
    .command(role)
    .description(
      role === 'gateway'
        ? 'take messages in; wants DATABASE_URL and workers beside it'
        : 'answer and read; wants DATABASE_URL',
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
        console.log(app.url === null ? 'Parley worker is ready' : `Parley gateway is ready: ${app.url}`)
        if (app.pageLink !== null) console.log(openThePage(app.pageLink))
        return { app, log }
      }),
    )
}

function seconds(text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new InvalidArgumentError('Give a number of seconds, such as 60.')
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
