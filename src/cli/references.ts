/** What other programs of this machine make of a file, for comparison: its text, or the length of a recording. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { officeSettings } from '../media/providers/soffice.ts'

export type Reference = { program: string } & ({ text: string } | { durationMs: number })

/** Undefined for formats without such a program, and where it failed or is not installed. */
export type Refer = (path: string) => Promise<Reference | undefined>

const run = promisify(execFile)
const limits = { timeout: 60_000, killSignal: 'SIGKILL', maxBuffer: 64e6 } as const

/** The filter that writes text, by what LibreOffice opens. It writes slides only as PDF. */
const officeFilters: Record<string, string> = {
  ...filterFor('docx docm doc odt rtf', 'txt:Text (encoded):UTF8'),
  // All sheets, as they are shown, each into a file.
  ...filterFor('xlsx xlsm xls ods', 'csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1'),
  ...filterFor('pptx pptm ppt odp', 'pdf'),
}
const recordings = new Set('mp3 m4a ogg oga opus wav flac aac mp4 m4v mov webm mkv avi'.split(' '))

function filterFor(extensions: string, filter: string): Record<string, string> {
  return Object.fromEntries(extensions.split(' ').map((extension) => [extension, filter]))
}

export function createReferences(): Refer {
  return async (path) => {
    const extension = extname(path).slice(1).toLowerCase()
    const filter = officeFilters[extension]
    try {
      if (extension === 'pdf') return { program: 'pdftotext', text: await pdfText(path) }
      if (recordings.has(extension)) return { program: 'ffprobe', durationMs: await duration(path) }
      if (filter !== undefined) return { program: 'LibreOffice', text: await officeText(path, filter) }
    } catch {
      // The file is damaged, or there is no such program: nothing to compare with.
    }
    return undefined
  }
}

async function pdfText(path: string): Promise<string> {
  return (await run('pdftotext', ['-enc', 'UTF-8', path, '-'], limits)).stdout
}

async function duration(path: string): Promise<number> {
  const args = ['-v', 'error', '-show_entries', 'format=duration', '-of', 'csv=p=0', path]
  const seconds = Number.parseFloat((await run('ffprobe', args, limits)).stdout)
  if (!Number.isFinite(seconds)) throw new Error('no length')
  return Math.round(seconds * 1000)
}

async function officeText(path: string, filter: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-reference-'))
  try {
    const profile = join(folder, 'profile')
    const out = join(folder, 'out')
    await mkdir(join(profile, 'user'), { recursive: true })
    await writeFile(join(profile, 'user', 'registrymodifications.xcu'), officeSettings)
    const switches = [
      `-env:UserInstallation=${pathToFileURL(profile).href}`,
      '--headless',
      '--norestore',
      '--nolockcheck',
    ]
    await run('soffice', [...switches, '--convert-to', filter, '--outdir', out, path], limits)
    const files = (await readdir(out)).toSorted().map((name) => join(out, name))
    if (files.length === 0) throw new Error('nothing was written')
    const texts = files.map((file) => (filter === 'pdf' ? pdfText(file) : readFile(file, 'utf8')))
    return (await Promise.all(texts)).join('\n')
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}
