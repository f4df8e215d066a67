/** Every sentence that people read about a file: what was read, what was not, and why. Recordings: recordings.ts. */
import { formatBytes } from '../core/blobs.ts'
import { capitalized, listed } from './phrases.ts'

const checkAndShare = 'Check the file and share it again.'
const checkThatItOpens = 'Check that it opens for you, then share it again.'
const saveAgain = 'Save it again and share that.'
const exportAsPdf = 'Export it as a PDF and share that.'
const smallerPart = 'Share a smaller part of it, or ask an admin to raise the limit.'
const onItsOwn = 'Share it on its own.'
const shareApart = 'Share on its own what you need of that.'

/** What a reader may find in a file without looking at it; media/unread.ts counts them. */
export type UnreadPart =
  | 'picture'
  | 'chart'
  | 'diagram'
  | 'equation'
  | 'embedded file'
  | 'recording'
  | 'form control'
  | 'comment'
  | 'hidden passage'

/** Why nothing can be read. Each says what to do next. */
const refusal = {
  gone: (name: string) => `${name} is no longer stored. Please share it again.`,
  unsupported: (file: { name: string; called: string; mediaType: string | undefined; next: string }) =>
    `${file.name} is ${file.called}${inBrackets(file.mediaType)}. ${file.next}`,
  unknownType: (name: string, mediaType: string | undefined) =>
    `${name} is not a kind of file that Parley can read${inBrackets(mediaType)}. Share it as a PDF or as text.`,
  /** Its bytes tell nothing, so the advice is for what its name says. */
  onlyNamed: (name: string, { called, next }: { called: string; next: string }) =>
    `${name} is named like ${called}, but Parley does not recognize its content. ${next}`,
  encrypted: (name: string) => `${name} is protected by a password. Share a copy without the password.`,
  encryptedArchive: (name: string) => `${name} is protected by a password. Share its files without a password.`,
  needsLibreOffice: (name: string, extension: string) =>
    `${name} is in a format from before 2007, which Parley can read only with LibreOffice. Save it as .${extension} or PDF and share that, or ask an admin to install LibreOffice.`,
  binaryWorkbook: (name: string) =>
    `${name} is a binary Excel workbook, which Parley can read only with LibreOffice. Save it as .xlsx and share that, or ask an admin to install LibreOffice.`,
  xfaForm: (name: string) =>
    `${name} is an Adobe XFA form without words or values that Parley can read. Print it to a PDF and share that.`,
  compressed: (name: string) =>
    `${name} is a compressed file that Parley cannot unpack, unless it holds a tar archive. Share the file in it, or a zip of it.`,
  copyProtected: (name: string) =>
    `${name} is protected against copying (DRM), and Parley cannot open it. Share a copy without the protection.`,
  noPages: (name: string) => `${name} has no pages to show.`,
  noSuchPage: (page: number, pages: number) => `There is no page ${page}. The file has ${count(pages, 'page')}.`,
}

/** What to do with a kind of file that Parley does not read. */
const advice = {
  picture: 'Parley cannot read this kind of picture. Save it as PNG or JPEG and share that.',
  recording: 'Parley cannot read this kind of recording. Convert it to mp3 and share that.',
  video: 'Parley cannot read this kind of video. Convert it to mp4 and share that.',
  password: 'Save a copy without the password and share that.',
  office: 'Parley cannot read this kind of office file. Export it as a PDF and share that.',
  program: 'Parley never opens programs. Share its documentation or source code instead.',
  archive: 'Parley cannot open this kind of archive. Share the files in it as a zip, or one by one.',
  font: 'Fonts contain no text to read. Share a document or a picture instead.',
  database: 'Parley cannot read databases. Export the rows you need as CSV and share that.',
  keynote: 'Parley cannot read Keynote. Export it as PowerPoint or PDF and share that.',
  numbers: 'Parley cannot read Numbers. Export it as Excel or PDF and share that.',
  pages: 'Parley cannot read Pages. Export it as Word or PDF and share that.',
}

/** The file was opened, and there is nothing to read in it. */
const empty = {
  noBytes: (name: string) => `${name} is empty. ${checkAndShare}`,
  onlyBlankLines: (name: string) => `${name} is empty except for blank lines. ${checkAndShare}`,
  noRows: (name: string) => `${name} contains no rows. ${checkAndShare}`,
  noCells: (name: string) => `${name} contains no cells with content. ${checkAndShare}`,
  noMessage: (name: string) => `${name} contains no message. ${checkAndShare}`,
  noEvents: (name: string) => `${name} contains no events or tasks. ${checkAndShare}`,
  noContacts: (name: string) => `${name} contains no contacts. ${checkAndShare}`,
  noFiles: (name: string) => `${name} contains no files. Check the archive and share it again.`,
  noTextInDocument: (name: string) => `${name} contains no text. Its pages may be pictures. ${exportAsPdf}`,
  noTextOnSlides: (name: string) => `${name} contains no text. Its slides may be pictures. ${exportAsPdf}`,
  noTextInPage: (name: string) =>
    `${name} contains no text. Parley cannot read pages that are built by scripts. Save it as a PDF and share that.`,
}

/** The file is broken and nothing can be read. */
const damaged = {
  archive: (name: string) =>
    `${name} is damaged or incomplete and cannot be opened. Share it again, or save it again and share that.`,
  mail: (name: string) => `${name} is damaged or not an email. Save it again from your mail program and share that.`,
  pages: (name: string) => `${name} is damaged or incomplete, and no page can be read. ${checkThatItOpens}`,
  allPages: (name: string) => `${name} is damaged, and no page can be read. Export or save it again and share that.`,
  picture: (name: string) => `${name} is damaged, and the picture cannot be decoded. ${checkThatItOpens}`,
  slides: (name: string) => `${name} is damaged, and no slide can be read. ${saveAgain}`,
  workbook: (name: string) => `${name} is damaged, and nothing in it can be read. ${saveAgain}`,
  oldOffice: (name: string, extension: string) =>
    `${name} is damaged or protected, and LibreOffice cannot open it. Save it as .${extension} without a password and share that.`,
}

/** The file is broken in places, and the rest was read. */
const partlyDamaged = {
  afterDamage: (name: string) =>
    `${name} is damaged, and only the part before the damage was read. Save it again and share that to get all of it.`,
  cutOff: (name: string) =>
    `${name} is incomplete, and only the part before the break was read. Share it again to get all of it.`,
  foundPages: (name: string, pages: number) =>
    `${name} is damaged or incomplete. ${count(pages, 'page')} could be found, and more may be missing. ${checkThatItOpens}`,
  pages: (broken: number, pages: number) =>
    `${broken} of ${count(pages, 'page')} ${broken === 1 ? 'is' : 'are'} damaged and could not be read.`,
  picture: (name: string) =>
    `${name} is damaged or incomplete, and parts of the picture are missing. ${checkThatItOpens}`,
  pictures: (name: string, broken: number, pictures: number) =>
    `${broken} of ${count(pictures, 'picture')} in ${name} could not be drawn and ${broken === 1 ? 'was' : 'were'} left out.`,
  chapters: (name: string, broken: number, chapters: number) =>
    `${name} is damaged, and ${broken} of ${count(chapters, 'chapter')} could not be read in full. ${saveAgain}`,
  slides: (name: string, slides: readonly number[]) =>
    `${name} is damaged, and slide${slides.length === 1 ? '' : 's'} ${slides.slice(0, 20).join(', ')} could not be read. ${saveAgain}`,
  sheets: (name: string, sheets: readonly string[]) =>
    `${name} is damaged, and parts of ${sheets.slice(0, 10).join(', ')} could not be read. ${saveAgain}`,
  /** `what` begins the sentence, as in "Form fields and notes on page 3". */
  pdfExtras: (what: string, name: string) => `${what} of ${name} could not be read.`,
}

/** A limit ended the reading, or forbade it. */
const limit = {
  size: (name: string, bytes: number, most: number) =>
    `${name} is ${formatBytes(bytes)}, over the limit of ${formatBytes(most)}. Share a smaller file, or ask an admin to raise the limit.`,
  time: (name: string, seconds: number) =>
    `Reading ${name} took longer than ${count(seconds, 'second')} and was stopped. ${smallerPart}`,
  memory: (name: string, bytes: number) =>
    `Reading ${name} needed more than ${formatBytes(bytes)} of memory and was stopped. ${smallerPart}`,
  conversionTime: (name: string, seconds: number) =>
    `Opening ${name} took longer than ${count(seconds, 'second')} and was stopped. Save it in a current format and share that.`,
  filesInArchive: (name: string, files: number, most: number) =>
    `${name} contains ${count(files, 'file')}, over the limit of ${number(most)}. Share the ones you need, or ask an admin to raise the limit.`,
  unpackedSize: (name: string, most: number) =>
    `${name} unpacks to more than ${formatBytes(most)}, which is over the limit. ${smallerPart}`,
  pixels: (name: string, { width, height }: { width: number; height: number }, most: number) =>
    `${name} has ${number(width)} × ${number(height)} pixels, over the limit of ${Math.round(most / 1e6)} million. Share a smaller picture or a part of it.`,
  workbookText: (name: string) =>
    `${name} contains more text than Parley can read. Share the sheets you need as a separate file.`,
}

/** Where reading stopped at a limit. `characters` is the limit on text, where that was the one. */
const partial = {
  first: (name: string, unit: Unit, { done, of, characters }: { done: number; of?: number; characters?: number }) =>
    `${firstOf(done, of, unit)} ${unit === 'file' || unit === 'email' ? 'in' : 'of'} ${name} ${done > 1 ? 'were' : 'was'} read${atLimit(characters)}.`,
  firstRows: (name: string, rows: number, place: string) =>
    `${firstOf(rows, undefined, 'row')} of ${name} ${rows > 1 ? 'were' : 'was'} read, up to ${place}. That is the limit.`,
  upTo: (name: string, place: string, characters?: number) =>
    `Only the beginning of ${name} was read, up to ${place}${atLimit(characters)}.`,
  /** Reading broke off; the reason is a sentence of its own. */
  brokeOff: (name: string, place: string, pages: number | undefined) =>
    `Only the beginning of ${name} was read, up to ${place}${pages === undefined ? '' : ` of ${pages}`}.`,
  notAll: (what: string, name: string, characters: number) =>
    `Not all ${what} of ${name} were read${atLimit(characters)}.`,
}
type Unit = 'page' | 'line' | 'row' | 'slide' | 'sheet' | 'file' | 'attachment' | 'email' | 'second'

/** Reading itself failed. */
const failure = {
  unreadable: (name: string) =>
    `Parley could not read ${name}. Try again. If that does not help, share it in another format.`,
  stopped: (name: string) =>
    `Parley stopped unexpectedly while reading ${name}. Try again. If that does not help, share it in another format.`,
  noFileOpen: 'No file is open. Please try again.',
}

/** Files inside an archive, an email or a PDF. */
const inner = {
  unsupported: (name: string) => `${name} cannot be read inside another file. ${onItsOwn}`,
  tooDeep: (name: string) => `${name} is nested too deeply to be opened. ${onItsOwn}`,
  attachmentsTooDeep: (name: string) =>
    `${name} has attached files that are nested too deeply to be opened. ${onItsOwn}`,
  unreadable: (name: string) => `${name} could not be read. ${onItsOwn}`,
  notUnpacked: (name: string, archive: string) =>
    `${name} in ${archive} could not be unpacked because it is damaged or too large.`,
  unsafe: (archive: string, names: readonly string[]) =>
    `${archive} contains ${names.length === 1 ? 'a file that is' : `${names.length} files that are`} unsafe to unpack or protected by a password: ${names.slice(0, 5).join(', ')}. Share what you need on its own.`,
}

/** What to know about a file that was read. */
const notice = {
  misleadingName: (name: string, announced: string, actual: string) =>
    `${name} is named like ${announced}, but it is ${actual}. It was read as ${actual}.`,
  assumedEncoding: (name: string, encoding: string) =>
    `${name} is not valid UTF-8. It was read as ${encoding}, so some characters may be wrong. Save it as UTF-8 to be sure.`,
  guessedEncoding: (name: string, encoding: string) =>
    `${name} does not say its encoding. ${encoding} is a guess, so its letters may be wrong. Save it as UTF-8 and share that.`,
  brokenUtf8: (name: string, broken: number) =>
    `${name} contains ${count(broken, 'character')} that ${broken === 1 ? 'is' : 'are'} not valid UTF-8, shown as \uFFFD.`,
  openQuotationMark: (name: string) =>
    `${name} has a quotation mark that is never closed. Quotation marks were read as ordinary characters.`,
  firstFrame: (name: string) => `${name} is animated. Only its first frame was read.`,
  formulasWithoutValues: (name: string, formulas: number) =>
    `${name} contains ${count(formulas, 'formula')} without stored values, shown as formulas. Open and save it in a spreadsheet program to store the values.`,
  unread: (name: string, parts: readonly (readonly [UnreadPart, number])[]) => {
    const total = parts.reduce((sum, [, one]) => sum + one, 0)
    const list = parts.map(([part, one]) => count(one, part))
    const share = parts.every(([part]) => part === 'hidden passage') ? '' : ` ${shareApart}`
    return `${name} contains ${listed(list)} that ${total === 1 ? 'was' : 'were'} not read.${share}`
  },
  noText: (blank: number, pages: number) =>
    blank < pages
      ? `${blank} of ${pages} pages ${blank === 1 ? 'contains' : 'contain'} no readable text.`
      : pages === 1
        ? 'The only page contains no readable text.'
        : `None of the ${pages} pages contains readable text.`,
}

/** Text in scans and pictures. */
const ocr = {
  /** `languages`: those it was recognized in, as in "English and German". */
  scan: (pages: readonly number[], of: number, languages: string) =>
    `${
      pages.length === of
        ? 'This is a scan. Its'
        : `${capitalized(listPages(pages))} ${pages.length === 1 ? 'is a scan. Its' : 'are scans. Their'}`
    } text was recognized (OCR, ${languages}) and may contain errors.`,
  unsure: (pages: readonly number[]) =>
    `The scan of ${listPages(pages)} is hard to read. Check anything quoted from there.`,
  unread: (pages: readonly number[]) =>
    `Some of the writing on ${listPages(pages)} could not be read and was left out. It may be handwriting. Type out what matters, or share a clearer scan.`,
  unreadable: (pages: readonly number[]) =>
    `The writing on ${listPages(pages)} could not be read. It may be handwriting. Type out what matters, or share a clearer scan.`,
  unknownScript: (pages: readonly number[], script: string) =>
    `${capitalized(listPages(pages))} ${pages.length === 1 ? 'seems' : 'seem'} to be in ${script} script, which Parley cannot recognize here. Ask an admin to install a language of this script for tesseract.`,
  overLimit: (pages: readonly number[], most: { seconds: number } | { pages: number }) =>
    `${capitalized(listPages(pages))} ${pages.length === 1 ? 'is a scan and was' : 'are scans and were'} not read. OCR ${
      'seconds' in most
        ? `takes at most ${count(most.seconds, 'second')}`
        : `reads at most ${count(most.pages, 'page')}`
    } per file.`,
  picturesOnPages: (pages: readonly number[]) =>
    `The text in ${count(pages.length, 'picture')} on ${listPages([...new Set(pages)])} was recognized (OCR) and may contain errors.`,
  picture: (name: string, languages: string) =>
    `The text in ${name} was recognized (OCR, ${languages}) and may contain errors.`,
  pictureUnread: (name: string) =>
    `Some of the writing in ${name} could not be read and was left out. It may be handwriting. Type out what matters, or share a clearer picture.`,
  pictureUnreadable: (name: string) =>
    `The writing in ${name} could not be read. It may be handwriting. Type out what matters, or share a clearer picture.`,
  pictureScript: (name: string, script: string) =>
    `The writing in ${name} seems to be in ${script} script, which Parley cannot recognize here. Ask an admin to install a language of this script for tesseract.`,
  pictureUnsure: (name: string) => `The writing in ${name} is hard to read. Check anything quoted from it.`,
  picturesOverLimit: (name: string, unread: number, pages: number) =>
    `The text on ${unread} of ${count(pages, 'page')} of ${name} was not recognized because OCR reached its limit.`,
}

/** One line about each file under an answer. */
const receipt = {
  read: (amount: string) => `${amount} read`,
  withLimit: (summary: string, leftOut: string) => `${summary}. ${leftOut}`,
  skipped: (why: string) => `skipped: ${why}`,
  /** `why`: a sentence, or its end. */
  notRead: (name: string, why: string) =>
    why.includes(name) ? `${why.replace(/\.$/, '')}.` : `${name} was not read: ${why.replace(/\.$/, '')}.`,
  /** Pages with text, of all pages. */
  pages: (withText: number, pages: number, attached: number) =>
    `${withText === pages ? '' : `${number(withText)} of `}${count(pages, 'page')}${attached === 0 ? '' : ` and ${count(attached, 'attached file')}`}`,
  amount: (value: number, unit: 'sheet' | 'slide' | 'line' | 'row' | 'token' | 'file') => count(value, unit),
  message: (attached: number) =>
    attached === 0 ? 'the message' : `the message and ${count(attached, 'attached file')}`,
  mailbox: (emails: number, attached: number) =>
    `${count(emails, 'email')}${attached === 0 ? '' : ` and ${count(attached, 'attached file')}`}`,
  archiveListing: 'the list of files',
  picture: (pictures: number, words: number) =>
    `${pictures === 1 ? 'a picture' : count(pictures, 'picture')} ${words === 0 ? 'without text' : `with ${count(words, 'word')}`}`,
  drawing: 'a drawing and its source',
}

export const fileWording = {
  refusal,
  advice,
  empty,
  damaged,
  partlyDamaged,
  limit,
  partial,
  failure,
  inner,
  notice,
  ocr,
  receipt,
}

/** "page 3", "pages 3, 5–9 and 12 more": short enough for a chat. */
export function listPages(pages: readonly number[]): string {
  const ranges: [number, number][] = []
  for (const page of pages) {
    const last = ranges.at(-1)
    if (last?.[1] === page - 1) last[1] = page
    else ranges.push([page, page])
  }
  const shown = ranges.slice(0, 6)
  const left = ranges.slice(6).reduce((sum, [from, to]) => sum + to - from + 1, 0)
  const list = shown.map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`)).join(', ')
  return `${pages.length === 1 ? 'page' : 'pages'} ${list}${left === 0 ? '' : ` and ${left} more`}`
}

function firstOf(done: number, of: number | undefined, unit: Unit): string {
  if (of === undefined) return done === 1 ? `Only the first ${unit}` : `Only the first ${count(done, unit)}`
  if (done === 0) return `None of the ${count(of, unit)}`
  return done === 1 ? `Only the first of ${count(of, unit)}` : `Only the first ${number(done)} of ${count(of, unit)}`
}

function atLimit(characters: number | undefined): string {
  return characters === undefined ? ', which is the limit' : ` because the limit is ${number(characters)} characters`
}

function inBrackets(text: string | undefined): string {
  return text === undefined ? '' : ` (${text})`
}

function number(value: number): string {
  return value.toLocaleString('en')
}

function count(value: number, noun: string): string {
  return `${number(value)} ${noun}${value === 1 ? '' : 's'}`
}
