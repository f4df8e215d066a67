/** Text recognition by an installed tesseract: faster than the built-in one, and in the languages installed with it. */

import { execFile } from 'node:child_process'
import { giveWay } from './guard.ts'

export interface Recognizer {
  /** Tesseract's TSV for a binary portable graymap. Undefined when it failed or took too long. */
  recognize(pgm: Uint8Array, signal: AbortSignal): Promise<string | undefined>
  /** "tesseract 5.3.0 (eng, deu)", for `doctor`. */
  describe(): string
}

/** Each one costs as much time as the first. */
const mostLanguages = 4
const pageMs = 60_000
/** The TSV of a newspaper page takes about 500 KB. */
const mostOutput = 16e6
/** Where programs are installed; nothing else of the environment is passed on. One thread, because pages run in parallel. */
const env = { PATH: '/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin:/opt/local/bin', OMP_THREAD_LIMIT: '1' }

/** Undefined if tesseract is not installed or has no languages. */
export async function findRecognizer(): Promise<Recognizer | undefined> {
  const [about, listed] = await Promise.all([run(['--version']), run(['--list-langs'])])
  const version = about === undefined ? undefined : /tesseract v?([\d.]+)/.exec(about)?.[1]
  const languages = (listed ?? '').split('\n').flatMap((line) => {
    const name = line.trim()
    return /^[a-z]{3}(?:_[A-Za-z]+)*$/.test(name) && name !== 'osd' && name !== 'equ' ? [name] : []
  })
  if (version === undefined || languages.length === 0) return undefined
  const used = languages
    .toSorted((a, b) => Number(b === 'eng') - Number(a === 'eng') || a.localeCompare(b))
    .slice(0, mostLanguages)
  return {
    describe: () => `tesseract ${version} (${used.join(', ')})`,
    async recognize(pgm, signal) {
      // The data comes from an untrusted file, so only this simplest of formats is passed on.
      if (!isGraymap(pgm)) return undefined
      return run(['stdin', 'stdout', '-l', used.join('+'), '--dpi', '200', 'tsv'], { input: pgm, signal })
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
