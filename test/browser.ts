/** A real Chromium for tests of pages: found through PARLEY_CHROMIUM or PATH, never downloaded. */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/** The executable's path, or `null` where this machine has none. */
export function findBrowser(env: NodeJS.ProcessEnv = process.env): string | null {
  if (env.PARLEY_CHROMIUM) return env.PARLEY_CHROMIUM
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  return folders.flatMap((folder) => names.map((name) => join(folder, name))).find(isExecutable) ?? null
}

/** The name that a suite carries when it is skipped. */
export const noBrowser = 'skipped: no Chromium on PATH and PARLEY_CHROMIUM is not set'

export async function launchBrowser(): Promise<Browser> {
  const executablePath = findBrowser()
  if (executablePath === null) throw new Error(noBrowser)
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
