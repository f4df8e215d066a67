/** Commands use the Parley that runs on this home, or start one and stop it afterwards. */

import type { ApiError, ConsoleStatus } from '../../adapters/console/api.ts'
import type { App, AppOptions } from '../app.ts'
import { platformVariables } from '../config/platforms.ts'
import { type Config, readConfig } from '../config.ts'
import { ParleyError } from '../core/errors.ts'
import type { PersonRole } from '../core/person.ts'
import { invitationAddress, setUpAddress } from '../identity/invitations.ts'
import type { Check } from '../ops/doctor.ts'
import type { RouteEntry } from '../ops/http.ts'
import { createLogger } from '../ops/logger.ts'
import { localAddress } from '../ops/routes.ts'
import type { DryRun } from '../routing/dry-run.ts'
import { type Running, readRunning, readTerminalToken } from '../store/home.ts'
import { terminalWording } from '../wording/terminal.ts'
import type { Status } from './status.ts'

/** Logs errors only, so that a command's output stays readable. */
const quiet = ({ secrets }: Config) =>
  createLogger({ level: 'error', readable: process.stderr.isTTY === true, secrets })

/** A single command does not connect to chat platforms. */
const withoutPlatforms = Object.fromEntries(platformVariables.map((name) => [name, '']))

/** Loads all of Parley, which takes time, only if none is running. */
async function openApp(config: Config, options: AppOptions): Promise<App> {
  const { createApp } = await import('../app.ts')
  return await createApp(config, options)
}

/** How to call the Parley of this home: its address, and the header with the terminal's token. */
export interface ParleyAddress {
  url: string
  headers: { authorization: string }
}

async function reach(home: string, url: string): Promise<ParleyAddress> {
  return { url: localAddress(url), headers: { authorization: `Bearer ${await readTerminalToken(home)}` } }
}

export async function withParley<T>(use: (parley: ParleyAddress) => Promise<T>): Promise<T> {
  // A temporary Parley uses any free port, on this machine only.
  const config = readConfig({ overrides: { PORT: '0', HOST: '127.0.0.1', ROLE: 'all', ...withoutPlatforms } })
  const running = await readRunning(config.home)
  if (running) return use(await reach(config.home, running.url))
  await using app = await openApp(config, { log: quiet(config) })
  if (app.url === null) throw new ParleyError('internal', terminalWording.portNotOpened)
  return await use(await reach(config.home, app.url))
}

export async function examineParley(): Promise<Check[]> {
  const config = readConfig()
  const running = await readRunning(config.home)
  if (!running) {
    await using app = await openApp(config, { log: quiet(config), mode: 'examine' })
    return await app.doctor()
  }
  return (await request(config.home, running, '/doctor')) as Check[]
}

/** The address at which the first account is created. */
export async function createSetUpLink(): Promise<string> {
  const { home, page, running } = await findRunning()
  const { code } = (await request(home, running, '/set-up-codes', { method: 'POST' })) as { code: string }
  return setUpAddress(page, code)
}

/** An address that invites somebody, or resets the password of the account with this email address. */
export async function createInvitationLink(
  role: PersonRole,
  email: string | undefined,
): Promise<{ link: string; resets: boolean }> {
  const { home, page, running } = await findRunning()
  const { code, resets } = (await request(home, running, '/invitations', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ role, email }),
  })) as { code: string; resets: boolean }
  return { link: invitationAddress(page, code), resets }
}

/** All routes of the running Parley. */
export async function listRoutes(): Promise<RouteEntry[]> {
  const { home, running } = await findRunning()
  return (await request(home, running, '/routes')) as RouteEntry[]
}

/** Whether Parley runs on this home, and how it is. */
export async function readStatus(): Promise<Status> {
  const { home } = readConfig()
  const running = await readRunning(home)
  if (running === undefined) return { running: false, home, ready: false }
  const [ready, { version, models }] = await Promise.all([
    request(home, running, '/readyz', { answers: [200, 503] }) as Promise<Readiness>,
    request(home, running, '/console/status') as Promise<ConsoleStatus>,
  ])
  const { pid, url } = running
  const { ok, userMessage, connections } = ready
  return { running: true, home, pid, url, version, ready: ok, userMessage, models, connections }
}

interface Readiness {
  ok: boolean
  userMessage?: string
  connections: Extract<Status, { running: true }>['connections']
}

/** How the Parley of this home would route a question. */
export async function explainRoute(dryRun: DryRun): Promise<unknown> {
  const config = readConfig()
  const running = await readRunning(config.home)
  if (!running) {
    await using app = await openApp(config, { log: quiet(config), mode: 'examine' })
    return await app.explain(dryRun)
  }
  return await request(config.home, running, '/route', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(dryRun),
  })
}

/** Throws the running Parley's error message. */
async function request(
  home: string,
  running: Running,
  path: string,
  { answers = [200], ...init }: RequestInit & { answers?: number[] } = {},
): Promise<unknown> {
  const { url, headers } = await reach(home, running.url)
  const answer = await fetch(new URL(path, url), { ...init, headers: { ...init.headers, ...headers } }).catch(
    () => null,
  )
  if (answer !== null && answers.includes(answer.status)) return await answer.json()
  const refused = (await answer?.json().catch(() => null)) as ApiError | null | undefined
  const silent = terminalWording.noResponse(url, running.pid)
  throw new ParleyError('request_invalid', refused?.error?.userMessage ?? silent)
}

/** `page`: where people open it. */
async function findRunning(): Promise<{ home: string; page: string; running: Running }> {
  const { home, publicUrl } = readConfig()
  const running = await readRunning(home)
  if (running !== undefined) return { home, page: publicUrl ?? localAddress(running.url), running }
  throw new ParleyError('request_invalid', terminalWording.noParley)
}
