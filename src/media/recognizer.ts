/** Text recognition by an installed tesseract: faster than the built-in one, and in the languages installed with it. */

import { execFile } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { createSemaphore } from '../core/semaphore.ts'
import { giveWay } from './guard.ts'

export interface Recognizer {
  /** Installed languages as tesseract names them, English first. */
  languages: readonly string[]
  /** Whether `script` can be asked. */
  scripts: boolean
  /** Pictures of one file that are worth recognizing at once. */
  atOnce: number
  /** Tesseract's TSV for a binary portable graymap. Undefined when it failed or took too long. */
  recognize(pgm: Uint8Array, languages: readonly string[], signal: AbortSignal): Promise<string | undefined>
  /** Tesseract's name for the script of a page, such as `Latin` or `Han`. Undefined when there is too little text to tell. */
  script(pgm: Uint8Array, signal: AbortSignal): Promise<string | undefined>
  /** "tesseract 5.3.0 (eng, deu)", for `doctor`. */
  describe(): string
}

const pageMs = 60_000
/** The TSV of a newspaper page takes about 500 KB. */
const mostOutput = 16e6
/** Below this, tesseract's choice of a script is a guess. */
const sureOfScript = 2
/** `doctor` lists no more languages. */
const mostListed = 12
/** Where programs are installed; nothing else of the environment is passed on. One thread, because pages run in parallel. */
const env = { PATH: '/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin:/opt/local/bin', OMP_THREAD_LIMIT: '1' }

/** Undefined if tesseract is not installed or has no languages. `data`: the folder of its languages, if not its own. */
export async function findRecognizer({ data }: { data?: string } = {}): Promise<Recognizer | undefined> {
  const from = data === undefined ? [] : ['--tessdata-dir', data]
  const [about, listed = ''] = await Promise.all([run(['--version']), run([...from, '--list-langs'])])
  const version = about === undefined ? undefined : /tesseract v?([\d.]+)/.exec(about)?.[1]
  const installed = listed.split('\n').flatMap((line) => {
    const name = line.trim()
    return /^[a-z]{3}(?:_[A-Za-z]+)*$/.test(name) && name !== 'equ' ? [name] : []
  })
  const languages = installed
    .filter((name) => name !== 'osd')
    .toSorted((a, b) => Number(b === 'eng') - Number(a === 'eng') || a.localeCompare(b))
  if (version === undefined || languages.length === 0) return undefined
  const cores = availableParallelism()
  const semaphore = createSemaphore(cores)
  /** The picture comes from an untrusted file, so only this simplest of formats is passed on. */
  async function ask(pgm: Uint8Array, args: string[], signal: AbortSignal): Promise<string | undefined> {
    if (!isGraymap(pgm)) return undefined
    const line = ['stdin', 'stdout', ...from, '--dpi', '200', ...args]
    return semaphore.run(signal, () => run(line, { input: pgm, signal })).catch(() => undefined)
  }
  return {
    languages,
    scripts: installed.includes('osd'),
    atOnce: Math.min(cores, 4),
    describe() {
      const more = languages.length > mostListed ? [`${languages.length - mostListed} more`] : []
      return `tesseract ${version} (${[...languages.slice(0, mostListed), ...more].join(', ')})`
    },
    async recognize(pgm, wanted, signal) {
      const known = wanted.filter((name) => languages.includes(name))
      return known.length === 0 ? undefined : ask(pgm, ['-l', known.join('+'), '-c', 'tessedit_create_tsv=1'], signal)
    },
    async script(pgm, signal) {
      const told = (await ask(pgm, ['-l', 'osd', '--psm', '0'], signal)) ?? ''
      const [, name] = /^Script: (\w+)/m.exec(told) ?? []
      return Number(/^Script confidence: ([\d.]+)/m.exec(told)?.[1] ?? 0) >= sureOfScript ? name : undefined
    },
  }
}

function isGraymap(bytes: Uint8Array): boolean {
  const header = /^P5\n(\d{1,5}) (\d{1,5})\n255\n/.exec(Buffer.from(bytes.subarray(0, 24)).toString('latin1'))
  return header !== null && bytes.length === header[0].length + Number(header[1]) * Number(header[2])
}

function run(
  args: string[],
  { input, signal }: { input?: Uint8Array; signal?: AbortSignal } = {},
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const options = {
      env,
      cwd: '/',
      timeout: pageMs,
      killSignal: 'SIGKILL',
      maxBuffer: mostOutput,
      signal,
    } as const
    const child = execFile('tesseract', args, options, (error, stdout) => resolve(error === null ? stdout : undefined))
    giveWay(child)
    child.stdin?.on('error', () => {})
    child.stdin?.end(input)
  })
}
