/** Starts Parley, and stops it cleanly. */

import { createApp } from './app.ts'
import { readConfig } from './config.ts'
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
  const notice = await app.setUpNotice()
  if (notice !== null) console.log(notice)
  return { app, log }
})
