/**
 * `parley replay files <folder>`: reads each file as if it had been shared, in the same processes and within the same limits,
 * and prints its receipt, how much of its text was read compared with other programs, and what reading took. A file that
 * cannot be read is a result; one that ends without a sentence for its sender is a fault.
 */
import { readdir } from 'node:fs/promises'
import { basename, extname, join, relative } from 'node:path'
import type { Artifact } from '../core/artifact.ts'
import { asParleyError, ParleyError } from '../core/errors.ts'
import { type Log, silentLog } from '../core/log.ts'
import { wordRecall, wordsOf } from '../core/text/compare.ts'
import type { Reader } from '../media/reader.ts'
import { describeReading, skippedReceipt } from '../media/receipt.ts'
import type { Transcriber } from '../media/transcriber.ts'
import { terminalWording } from '../wording/terminal.ts'
import { readLocally } from './read-locally.ts'
import type { Refer, Reference } from './references.ts'
import { oneLine } from './replay.ts'

export interface ReplayFilesOptions {
  folder: string
  /** Opens the reader. It logs how much memory each reading process took. */
  open(log: Log): Promise<Pick<Reader, 'read' | 'close'>>
  /** Absent: nothing to compare with. */
  refer?: Refer | undefined
  json: boolean
  print(line: string): void
}

export interface ReadFile {
  /** Its path in the folder. */
  name: string
  outcome: 'read' | 'partly' | 'refused' | 'failed'
  /** The receipt with all its sentences. */
  summary: string
  /** Codes of its problems, or of the error. */
  codes: string[]
  mediaType?: string | undefined
  words: number
  durationMs?: number | undefined
  reference?: Compared | undefined
  ms: number
  /** Of the reading process; absent for small text, which needs none, and for recordings. */
  peakMb?: number | undefined
}

/** What another program made of the file: its words and the share of them that was read, or its length. */
type Compared = { program: string } & ({ words: number; recall: number } | { durationMs: number })

/** Recordings are decoded and measured; what is said in them would cost money to find out. */
export const silentTranscriber: Transcriber = {
  name: 'none',
  accepts: new Set(),
  maxBytes: 25_000_000,
  transcribe: async () => ({ segments: [] }),
  check: async () => '',
}

/** Ends that are faults of Parley, not properties of a file. */
const faults = new Set(['file_reader_crashed', 'file_crashed', 'internal'])

/** Returns the number of files that failed. */
export async function replayFiles({ folder, open, refer, json, print }: ReplayFilesOptions): Promise<number> {
  const paths = await filesIn(folder)
  let peakMb: number | undefined
  const log: Log = {
    ...silentLog,
    debug(fields) {
      if ('peakMb' in fields && typeof fields.peakMb === 'number' && fields.peakMb > 0)
        peakMb = Math.max(peakMb ?? 0, fields.peakMb)
    },
  }
  const reader = await open(log)
  const results: ReadFile[] = []
  try {
    for (const path of paths) {
      peakMb = undefined
      const { text, ...read } = await readOne(reader, path)
      const reference = compare(await refer?.(path), text)
      const result: ReadFile = { name: relative(folder, path), ...read, reference, peakMb }
      results.push(result)
      print(json ? JSON.stringify(result) : lineOf(result))
    }
  } finally {
    await reader.close()
  }
  if (!json) for (const line of results.length === 0 ? [terminalWording.replayNoFiles] : tableOf(results)) print(line)
  return results.filter(({ outcome }) => outcome === 'failed').length
}

async function filesIn(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true })
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
  } catch (cause) {
    throw new ParleyError('file_missing', terminalWording.folderMissing(folder), { cause })
  }
}

async function readOne(
  reader: Pick<Reader, 'read'>,
  path: string,
): Promise<Omit<ReadFile, 'name' | 'reference' | 'peakMb'> & { text: string }> {
  const attachment = { id: path, name: basename(path) }
  const from = performance.now()
  const read: Artifact | ParleyError = await readLocally(reader, path).catch((thrown) =>
    asParleyError(thrown, String(thrown)),
  )
  const ms = Math.round(performance.now() - from)
  const refused = read instanceof ParleyError
  const receipt = refused ? skippedReceipt(attachment, read) : describeReading(attachment, read)
  const codes = receipt.problems.map(({ code }) => code)
  const sentences = refused ? [] : receipt.problems.map(({ userMessage }) => userMessage)
  const text = refused ? '' : read.segments.map((segment) => segment.text).join('\n')
  return {
    outcome: codes.some((code) => faults.has(code))
      ? 'failed'
      : receipt.outcome === 'skipped'
        ? 'refused'
        : receipt.outcome,
    summary: oneLine([receipt.summary, ...sentences].join(' '), 1_000),
    codes,
    mediaType: receipt.mediaType,
    words: wordsOf(text).length,
    durationMs: refused ? undefined : read.durationMs,
    ms,
    text,
  }
}

function compare(reference: Reference | undefined, text: string): Compared | undefined {
  if (reference === undefined || 'durationMs' in reference) return reference
  const words = wordsOf(reference.text).length
  // It found no text, so nothing tells whether any is missing.
  if (words === 0) return undefined
  return { program: reference.program, words, recall: wordRecall(reference.text, text) }
}

function lineOf({ outcome, name, summary, words, reference, ms, peakMb }: ReadFile): string {
  const compared =
    reference === undefined
      ? []
      : 'recall' in reference
        ? [terminalWording.replayRecall(reference.recall, reference.program)]
        : [terminalWording.replayLength(reference.durationMs, reference.program)]
  const figures = [
    terminalWording.replayWords(words),
    ...compared,
    `${ms} ms`,
    ...(peakMb === undefined ? [] : [`${peakMb} MB`]),
  ]
  return `${outcome.padEnd(9)} ${oneLine(name)}  ${figures.join(', ')}  ${summary}`
}

/** One row for each extension, and one for all files. */
function tableOf(results: readonly ReadFile[]): string[] {
  const kinds = [...Map.groupBy(results, ({ name }) => extname(name).toLowerCase() || '(none)')]
  const rows = [...kinds.toSorted(([a], [b]) => a.localeCompare(b)), ['all', results] as const]
  const head = [
    'format',
    'files',
    'read',
    'partly',
    'refused',
    'failed',
    'words',
    'recall %',
    'median ms',
    'slowest ms',
    'peak MB',
  ]
  const cells = [head, ...rows.map(([kind, of]) => rowOf(kind, of))]
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)))
  return [
    '',
    ...cells.map((row) =>
      row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join('  '),
    ),
  ]
}

function rowOf(kind: string, of: readonly ReadFile[]): string[] {
  const count = (outcome: ReadFile['outcome']) => of.filter((each) => each.outcome === outcome).length
  // A refused file has no words to compare.
  const compared = of.flatMap(({ reference, outcome }) =>
    reference !== undefined && 'recall' in reference && outcome !== 'refused' ? [reference] : [],
  )
  const wanted = compared.reduce((sum, { words }) => sum + words, 0)
  const found = compared.reduce((sum, { words, recall }) => sum + words * recall, 0)
  const times = of.map(({ ms }) => ms).toSorted((a, b) => a - b)
  const peaks = of.flatMap(({ peakMb }) => peakMb ?? [])
  return [
    kind,
    ...[of.length, count('read'), count('partly'), count('refused'), count('failed')].map(String),
    String(of.reduce((sum, { words }) => sum + words, 0)),
    wanted === 0 ? '' : ((100 * found) / wanted).toFixed(2),
    String(times[Math.floor(times.length / 2)] ?? ''),
    String(times.at(-1) ?? ''),
    peaks.length === 0 ? '' : String(Math.max(...peaks)),
  ]
}
