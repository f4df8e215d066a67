/**
 * Converts office files from before 2007 to current formats with LibreOffice, if installed: one at a time, each with a
 * separate profile and folder, without macros, without network if the system supports that, killed at its limits.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { chmod, copyFile, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import { giveWay } from '../guard.ts'

export interface Converted extends AsyncDisposable {
  path: string
}

export interface Office {
  /** Throws `file_unsupported` if LibreOffice is missing, `file_damaged`, `file_too_slow`, or the signal's reason. */
  convert(
    file: { path: string; name: string; to: 'docx' | 'xlsx' | 'pptx'; from?: 'xlsb' | undefined },
    limits: { seconds: number; bytes: number },
    signal: AbortSignal,
  ): Promise<Converted>
}

const older = { docx: 'doc', xlsx: 'xls', pptx: 'ppt' } as const
const usualPath = [
  '/usr/local/bin',
  '/usr/bin',
  '/bin',
  '/snap/bin',
  '/Applications/LibreOffice.app/Contents/MacOS',
].join(delimiter)
/** Address space, of which it uses about 300 MB for most files. */
const memoryKb = 4_000_000

export function createOffice(searchPath: string = usualPath): Office {
  let last: Promise<unknown> = Promise.resolve()
  let offline: Promise<boolean> | undefined

  async function convert(...[file, limits, signal]: Parameters<Office['convert']>): Promise<Converted> {
    const program = findProgram('soffice', searchPath)
    if (program === undefined) {
      const { binaryWorkbook, needsLibreOffice } = fileWording.refusal
      const userMessage = file.from === 'xlsb' ? binaryWorkbook(file.name) : needsLibreOffice(file.name, file.to)
      throw new ParleyError('file_unsupported', userMessage)
    }
    offline ??= succeeds('unshare', ['--map-root-user', '--net', 'true'], searchPath)
    const folder = await mkdtemp(join(tmpdir(), 'parley-office-'))
    const gone = () => rm(folder, { recursive: true, force: true })
    try {
      await mkdir(join(folder, 'profile', 'user'), { recursive: true })
      await writeFile(join(folder, 'profile', 'user', 'registrymodifications.xcu'), officeSettings)
      const source = join(folder, `file.${file.from ?? older[file.to]}`)
      await copyFile(file.path, source)
      // The file may be read-only; its copy is changed.
      await chmod(source, 0o600)
      const told = { name: file.name, seconds: limits.seconds, signal }
      if (source.endsWith('.xls')) await finished(keepValues(source, folder), told)
      const wrapped = (await offline) ? 'exec unshare --map-root-user --net "$@"' : 'exec "$@"'
      const limited = `ulimit -v ${memoryKb}; ulimit -f ${Math.ceil(limits.bytes / 512) * 4}; ${wrapped}`
      await finished(
        spawn(
          '/bin/sh',
          ['-c', limited, 'sh', program, ...options(folder), '--convert-to', file.to, '--outdir', folder, source],
          {
            cwd: folder,
            // Its own group, so that what it starts ends with it.
            detached: true,
            stdio: 'ignore',
            env: { PATH: searchPath, HOME: folder, TMPDIR: folder, SAL_USE_VCLPLUGIN: 'svp', LC_ALL: 'C.UTF-8' },
          },
        ),
        told,
      )
      const path = join(folder, `file.${file.to}`)
      if ((await stat(path).catch(() => undefined)) === undefined)
        throw new ParleyError('file_damaged', fileWording.damaged.oldOffice(file.name, file.to))
      return { path, [Symbol.asyncDispose]: gone }
    } catch (error) {
      await gone()
      throw error
    }
  }

  return {
    convert(...all) {
      const turn = last.then(() => convert(...all))
      last = turn.catch(() => {})
      return turn
    },
  }
}

const keepValuesProgram = fileURLToPath(new URL('./xls-stored-values-child.ts', import.meta.url))

/** In a process that can read Parley's code, and read and write nothing but the file's folder. If it fails, the file stays as it is. */
function keepValues(source: string, folder: string): ChildProcess {
  const allowed = [
    `--allow-fs-read=${dirname(keepValuesProgram)}`,
    `--allow-fs-read=${folder}`,
    `--allow-fs-write=${folder}`,
  ]
  const flags = ['--permission', ...allowed, '--no-warnings', '--max-old-space-size=768']
  return spawn(process.execPath, [...flags, keepValuesProgram, source], {
    cwd: folder,
    detached: true,
    stdio: 'ignore',
    env: {},
  })
}

/** Options that turn off dialogs, history and recovery. */
function options(folder: string): string[] {
  const profile = pathToFileURL(join(folder, 'profile')).href
  const switches = '--headless --invisible --norestore --nolockcheck --nodefault --nologo --nofirststartwizard'
  return [`-env:UserInstallation=${profile}`, ...switches.split(' ')]
}

function finished(
  child: ChildProcess,
  { name, seconds, signal }: { name: string; seconds: number; signal: AbortSignal },
): Promise<void> {
  giveWay(child)
  return new Promise((resolve, reject) => {
    const end = (reason?: unknown) => {
      clearTimeout(slow)
      signal.removeEventListener('abort', onAbort)
      if (reason === undefined) return resolve()
      if (child.pid !== undefined) killGroup(child.pid)
      reject(reason)
    }
    const onAbort = () => end(signal.reason)
    const slow = setTimeout(() => {
      end(new ParleyError('file_too_slow', fileWording.limit.conversionTime(name, seconds)))
    }, seconds * 1000)
    signal.addEventListener('abort', onAbort, { once: true })
    child.once('error', end)
    child.once('exit', () => end())
    if (signal.aborted) onAbort()
  })
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has already ended.
  }
}

export function findProgram(name: string, searchPath: string): string | undefined {
  return searchPath
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

function succeeds(program: string, words: string[], searchPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(program, words, { stdio: 'ignore', env: { PATH: searchPath } })
    child.once('error', () => resolve(false))
    child.once('exit', (code) => resolve(code === 0))
  })
}

/**
 * The settings that LibreOffice starts with, in a folder that goes away after one file: no macros, no content that a
 * document links to from elsewhere, and a proxy at a port where nothing listens.
 */
const values: readonly (readonly [path: string, name: string, value: string])[] = [
  ['/org.openoffice.Office.Common/Security/Scripting', 'MacroSecurityLevel', '3'],
  ['/org.openoffice.Office.Common/Security/Scripting', 'DisableMacrosExecution', 'true'],
  ['/org.openoffice.Office.Common/Security/Scripting', 'BlockUntrustedRefererLinks', 'true'],
  ['/org.openoffice.Office.Common/Security/Scripting', 'DisableActiveContent', 'true'],
  ['/org.openoffice.Office.Common/Java/ApplicationFramework', 'Enable', 'false'],
  ['/org.openoffice.Office.Calc/Content/Update', 'Link', '2'],
  ['/org.openoffice.Office.Writer/Content/Update', 'Link', '0'],
  ['/org.openoffice.Inet/Settings', 'ooInetProxyType', '1'],
  ['/org.openoffice.Inet/Settings', 'ooInetHTTPProxyName', '127.0.0.1'],
  ['/org.openoffice.Inet/Settings', 'ooInetHTTPProxyPort', '9'],
  ['/org.openoffice.Inet/Settings', 'ooInetHTTPSProxyName', '127.0.0.1'],
  ['/org.openoffice.Inet/Settings', 'ooInetHTTPSProxyPort', '9'],
]

/** The content of `user/registrymodifications.xcu`. */
export const officeSettings = `<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
${values
  .map(
    ([path, name, value]) =>
      `<item oor:path="${path}"><prop oor:name="${name}" oor:op="fuse"><value>${value}</value></prop></item>`,
  )
  .join('\n')}
</oor:items>
`
