/**
 * Tesseract for one file: the installed program through the parent process, in the languages of the text, or else tesseract's own
 * C++ as WebAssembly inside the reading process, in English. (tesseract.js's worker would need a thread, through which the permission model can be left.)
 * The WebAssembly blocks the process, which is killed at its limits with it.
 */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { gunzipSync } from 'node:zlib'
import { relaxedSimd, simd } from 'wasm-feature-detect'
import type { OuterRecognizer, Sink } from '../provider.ts'
import type { Gray } from './gray.ts'
import { languageOf, languagesOf, mostLanguages } from './ocr-languages.ts'

export interface Ocr {
  /** Pages that are worth recognizing at once. */
  readonly atOnce: number
  /** Returns tesseract's TSV, and the languages it was read in. */
  recognize(picture: Gray): Promise<{ tsv: string; languages: readonly string[] }>
  /** Decides from what was read, and how well, whether other languages suit this file better. */
  reconsider(picture: Gray, read: { text: string; poor: boolean }): Promise<Reconsidered>
}

/** `again`: try this page with the new languages. `unknownScript`: the script of the page, if no installed language has it. */
export interface Reconsidered {
  again: boolean
  unknownScript?: string
}

/** The resolution at which pages are drawn for OCR. */
export const ocrDpi = 200
/** A4 at 300 dpi is 8.7 million. */
export const ocrPixels = 12e6

const builtIn = ['eng']

export function createOcr(sink: Pick<Sink, 'recognizer'> = {}): Ocr {
  let program = sink.recognizer
  let languages: Promise<readonly string[]> | undefined

  return {
    get atOnce() {
      return program?.atOnce ?? 1
    },
    async recognize(picture) {
      const pgm = encodePgm(picture)
      if (program !== undefined) {
        languages ??= firstLanguages(program, pgm)
        const used = await languages
        const tsv = await program.recognize(pgm, used)
        if (tsv !== undefined) return { tsv, languages: used }
        // A program that failed once is slow or broken, so it is not used again.
        program = undefined
      }
      return { tsv: (await loaded())(pgm), languages: builtIn }
    },
    async reconsider(picture, { text, poor }) {
      if (program === undefined) return { again: false }
      const used = (await languages) ?? []
      const script = poor && program.scripts ? await program.script(encodePgm(picture)) : undefined
      const better = script === undefined ? byWords(program, text, used) : ofScript(program, script, used)
      if (script !== undefined && better === undefined) return { again: false, unknownScript: script }
      if (better === undefined || better === used) return { again: false }
      languages = Promise.resolve(better)
      return { again: true }
    },
  }
}

/** All of a few. Of many, those of the page's script; of many in Latin letters, the first, until the words tell which. */
async function firstLanguages(program: OuterRecognizer, pgm: Uint8Array): Promise<readonly string[]> {
  const { languages, scripts } = program
  if (languages.length <= mostLanguages) return languages
  const script = (scripts ? await program.script(pgm) : undefined) ?? 'Latin'
  const own = languagesOf(script, languages)
  if (own.length === 0) return languages.slice(0, 1)
  return script === 'Latin' && own.length > mostLanguages ? own.slice(0, 1) : own.slice(0, mostLanguages)
}

/** Undefined when none is installed, the same list when all are in use. */
function ofScript({ languages }: OuterRecognizer, script: string, used: readonly string[]) {
  const own = languagesOf(script, languages).slice(0, mostLanguages)
  if (own.length === 0) return undefined
  return own.every((language) => used.includes(language)) ? used : own
}

/** The language of the words comes first, because tesseract prefers the first one. The same list when it does. */
function byWords({ languages }: OuterRecognizer, text: string, used: readonly string[]): readonly string[] {
  const found = languageOf(text, languages)
  if (found === undefined || found === used[0]) return used
  const others = languages.length <= mostLanguages ? used : languages.filter((language) => language === 'eng')
  return [found, ...others.filter((language) => language !== found)]
}

/** The part of tesseract's API that is used, as compiled by tesseract.js-core. */
interface Tesseract {
  FS: { writeFile(path: string, data: Uint8Array): void }
  TessBaseAPI: new () => {
    Init(path: null, languages: string, engine: number): number
    SetVariable(name: string, value: string): void
    SetImageFile(orientation: number, angle: number): number
    Recognize(monitor: null): number
    GetTSVText(page: number): string
  }
}

const lstmOnly = 1
let loading: Promise<(pgm: Uint8Array) => string> | undefined

function loaded(): Promise<(pgm: Uint8Array) => string> {
  loading ??= load()
  return loading
}

async function load(): Promise<(pgm: Uint8Array) => string> {
  const require = createRequire(import.meta.url)
  const data = require.resolve('@tesseract.js-data/eng/4.0.0_best_int/eng.traineddata.gz')
  const start: (options: object) => Promise<Tesseract> = require(`tesseract.js-core/${await flavour()}`)
  const [tesseract, english] = await Promise.all([start({ print() {}, printErr() {} }), readFile(data)])
  tesseract.FS.writeFile('eng.traineddata', gunzipSync(english))
  const api = new tesseract.TessBaseAPI()
  if (api.Init(null, 'eng', lstmOnly) !== 0) throw new Error('tesseract did not start')
  api.SetVariable('user_defined_dpi', String(ocrDpi))
  // Finds columns and text on its side, as the installed program does. The default is a single block.
  api.SetVariable('tessedit_pageseg_mode', '3')
  return (pgm) => {
    tesseract.FS.writeFile('/input', pgm)
    if (api.SetImageFile(1, 0) === 1) throw new Error('tesseract did not take the picture')
    api.Recognize(null)
    return api.GetTSVText(0)
  }
}

async function flavour(): Promise<string> {
  if (await relaxedSimd()) return 'tesseract-core-relaxedsimd-lstm'
  return (await simd()) ? 'tesseract-core-simd-lstm' : 'tesseract-core-lstm'
}

function encodePgm({ pixels, width, height }: Gray): Uint8Array {
  return Buffer.concat([Buffer.from(`P5\n${width} ${height}\n255\n`), pixels])
}
