/** Commands use the Parley that runs on this home, or start one for themselves and stop it after. */
import type { ApiError } from '../../adapters/console/api.ts'
import type { App, AppOptions } from '../app.ts'
import { platformVariables } from '../config/platforms.ts'
import { type Config, readConfig } from '../config.ts'
import { ParleyError } from '../core/errors.ts'
import type { Check } from '../ops/doctor.ts'
import { createLogger } from '../ops/logger.ts'
import type { DryRun } from '../routing/dry-run.ts'
import { readRunning } from '../store/home.ts'

/** Only what went wrong is worth a line beside a command's own output. */
const quiet = ({ secrets }: Config) =>
  createLogger({ level: 'error', readable: process.stderr.isTTY === true, secrets })

/** No chat platform is listened to for the sake of one command. */
const deaf = Object.fromEntries(platformVariables.map((name) => [name, '']))

/** All of Parley is loaded only where none is running. */
async function openApp(config: Config, options: AppOptions): Promise<App> {
  const { createApp } = await import('../app.ts')
  return await createApp(config, options)
}

export async function withParley<T>(use: (url: string) => Promise<T>): Promise<T> {
  // Its own Parley takes any free port of this machine, whatever port the served one is to have, and listens nowhere else.
  const config = readConfig({ overrides: { PORT: '0', HOST: '127.0.0.1', ROLE: 'all', ...deaf } })
  const running = await readRunning(config.home)
  if (running) return use(reachable(running.url))
  await using app = await openApp(config, { log: quiet(config) })
  if (app.url === null) throw new ParleyError('internal', 'Parley did not open its port. Please try again.')
  return await use(app.url)
}

export async function examineParley(): Promise<Check[]> {
  const config = readConfig()
  const running = await readRunning(config.home)
  if (!running) {
    await using app = await openApp(config, { log: quiet(config), mode: 'examine' })
    return await app.doctor()
  }
  const url = reachable(running.url)
  const answer = await fetch(new URL('/doctor', url)).catch(() => null)
  if (!answer?.ok)
    throw new ParleyError(
      'internal',
      `Parley (process ${running.pid}) does not answer at ${url}. Look at its log, or restart it.`,
    )
  return (await answer.json()) as Check[]
}

/** How the Parley of this home would route a question. */
export async function explainRoute(asked: DryRun): Promise<unknown> {
  const config = readConfig()
  const running = await readRunning(config.home)
  if (!running) {
    await using app = await openApp(config, { log: quiet(config), mode: 'examine' })
    return await app.explain(asked)
  }
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify(asked)
  const answer = await fetch(new URL('/route', reachable(running.url)), { method: 'POST', headers, body }).catch(
    () => null,
  )
  if (answer?.ok) return await answer.json()
  const refused = (await answer?.json().catch(() => null)) as ApiError | null | undefined
  const silent = `Parley (process ${running.pid}) does not answer at ${running.url}. Look at its log, or restart it.`
  throw new ParleyError('request_invalid', refused?.error?.tell ?? silent)
}

/** A server bound to every address is reached through this machine's own. */
function reachable(url: string): string {
  return url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:')
}
