/** Many files in one message: read side by side, each at its own cost, and none of them twice. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { usedWording } from '../../src/wording/answers.ts'
import { makePdf } from '../fixtures/make-pdf.ts'
import { makeDocx, makeXlsx, makeZip } from '../fixtures/make-zip.ts'
import { ConsoleClient, type ParleyProcess, removeHome, startParley, temporaryHome } from './parley.ts'

let home: string
let parley: ParleyProcess
let client: ConsoleClient

beforeAll(async () => {
  home = await temporaryHome()
  parley = await startParley(home, { LOG_LEVEL: 'debug' })
  client = new ConsoleClient(parley.url)
})
afterAll(async () => {
  await parley?.[Symbol.asyncDispose]()
  if (home) await removeHome(home)
})

const gate = 'The north gate opens with code QX-4471.'
const cellar = 'The cellar key hangs behind the boiler.'

async function made(name: string, otherwise: () => Uint8Array): Promise<Uint8Array> {
  const path = join(import.meta.dirname, '../fixtures/made-by-libreoffice', name)
  return existsSync(path) ? readFile(path) : otherwise()
}

const pdf = (text: string) => makePdf((doc) => void doc.addPage().text(text))
const contents: Record<string, () => Promise<Uint8Array | string> | Uint8Array | string> = {
  'manual.pdf': () => pdf(gate),
  'contract.docx': () => made('contract.docx', () => makeDocx('<w:p><w:r><w:t>A contract.</w:t></w:r></w:p>')),
  'budget.xlsx': () => made('budget.xlsx', () => makeXlsx('<row r="1"><c r="A1"><v>1</v></c></row>')),
  'staff.csv': () => 'name,floor\nAda,2\nGrace,3\n',
  'notes.md': () => `# Notes\n\n${cellar}\n`,
  'square.png': () =>
    sharp({ create: { width: 200, height: 200, channels: 3, background: '#36c' } })
      .png()
      .toBuffer(),
  'bundle.zip': () => makeZip([{ name: 'inside.txt', content: 'The attic is dry.' }]),
  'plain.txt': () => 'The garden is watered on Mondays.',
  'page.html': () => '<!doctype html><title>Roof</title><p>The roof was mended in May.</p>',
  'broken.pdf': () => '%PDF-1.7 nothing',
}

interface Read {
  from: number
  to: number
}

/** When each reading process was at work, as the log has it. */
function reads(): Read[] {
  return parley
    .log()
    .split('\n')
    .filter((line) => line.includes('"file read"'))
    .map((line) => JSON.parse(line) as { time: number | string; ms: number })
    .map(({ time, ms }) => ({ from: new Date(time).getTime() - ms, to: new Date(time).getTime() }))
}

it('ten files of ten kinds are read side by side, and a broken one costs only its own receipt', async () => {
  const uploads: string[] = []
  for (const [name, content] of Object.entries(contents)) uploads.push(await client.upload(name, await content()))
  const reply = await client.ask('What is the code of the north gate, and where does the cellar key hang?', uploads)
  expect(reply.state).toBe('done')

  const outcomes = Object.fromEntries(reply.receipt.attachments.map(({ name, outcome }) => [name, outcome]))
  expect(Object.keys(outcomes)).toEqual(Object.keys(contents))
  const unread = Object.entries(outcomes).filter(([, outcome]) => outcome === 'skipped')
  expect(unread).toEqual([['broken.pdf', 'skipped']])
  expect(reply.receipt.attachments.find(({ name }) => name === 'broken.pdf')?.summary).toMatch(/damaged|not a/i)

  expect(reply.text).toContain('QX-4471')
  expect(reply.text).toContain('behind the boiler')
  expect(new Set(reply.citations.map(({ source }) => source.title))).toEqual(new Set(['manual.pdf', 'notes.md']))

  const all = reads()
  const together = all.map((one) => all.filter(({ from, to }) => from <= one.from && one.from < to).length)
  expect(Math.max(...together)).toBeGreaterThan(1)
})

it('a file that is sent again is not read again', async () => {
  const bytes = await pdf('The lift is serviced in autumn, on page one.')
  const ask = async (name: string) => {
    const { receipt, text } = await client.ask('When is the lift serviced?', [await client.upload(name, bytes)])
    expect(text).toContain('autumn')
    return receipt.attachments[0]
  }
  await ask('lift.pdf')
  const before = reads().length
  const again = [await ask('lift-2.pdf'), await ask('lift-3.pdf'), await ask('lift-4.pdf')]
  expect(again.map((receipt) => receipt?.outcome)).toEqual(['read', 'read', 'read'])
  expect(reads()).toHaveLength(before)
})

it('pages that were asked for are all that is read from', async () => {
  const bytes = await makePdf((doc) => {
    for (const colour of ['amber', 'blue', 'crimson']) doc.addPage().text(`The lamp of this floor is ${colour}.`)
  })
  const reply = await client.ask('Read only page 2: what is the lamp of this floor?', [
    await client.upload('lamps.pdf', bytes),
  ])
  expect(reply.receipt.used?.summary).toBe(usedWording.asYouAsked(['page 2 of lamps.pdf'], true, 0))
  expect(reply.citations.map(({ at }) => at)).toEqual([{ kind: 'page', page: 2 }])
  expect(reply.text).toContain('blue')
  expect(reply.text).not.toContain('crimson')
})
