/** Starts Parley and stops it in good order. */
import { createApp } from './app.ts'
import { openThePage } from './cli/page.ts'
import { readConfig } from './config.ts'
import { createLogger } from './ops/logger.ts'
import { runUntilSignal } from './ops/signals.ts'

await runUntilSignal(async () => {
  const config = readConfig()
  const log = createLogger({
    level: config.logLevel,
    readable: process.stderr.isTTY === true,
    secrets: config.secrets,
  })
  const app = await createApp(config, { log })
  if (app.url !== null) console.log(`Parley is ready: ${app.url}`)
  if (app.pageLink !== null) console.log(openThePage(app.pageLink))
  return { app, log }
})
