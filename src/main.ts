/** Starts Parley, and stops it cleanly. */

import { createApp } from './app.ts'
import { readConfig } from './config.ts'
import { linkMinutes } from './ops/access.ts'
import { runUntilSignal } from './ops/closing.ts'
import { createLogger } from './ops/logger.ts'
import { startWording } from './wording/startup.ts'

await runUntilSignal(async () => {
  const config = readConfig()
  const log = createLogger({
    level: config.logLevel,
    readable: process.stderr.isTTY === true,
    secrets: config.secrets,
  })
  const app = await createApp(config, { log })
  if (app.url !== null) console.log(startWording.ready(app.url))
  if (app.pageLink !== null) console.log(startWording.openPage(app.pageLink, linkMinutes))
  return { app, log }
})
