/** Small plain text is read in Parley's own process: as cheaply as that, as well as by a reading process, and unharmed by anything. */
import { readdirSync, readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createSharedFiles, type SharedFiles, watched } from '../../test/fixtures/shared-files.ts'
import { createReader } from './create-reader.ts'
import { plainTextBytes } from './plain-text.ts'
import type { PageRenderer, Reader } from './reader.ts'

let files: SharedFiles
let reader: Reader & PageRenderer
beforeEach(() => {
  files = createSharedFiles()
  reader = createReader()
})
afterEach(async () => {
  await reader.close()
  files.remove()
})

/** Reading processes that this process has started and that have not ended. Reads Linux's process table, as `ps` may be absent. */
function children(): number {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false
    try {
      const [state, parent] = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ')
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      return parent === String(process.pid) && state !== 'Z' && /child\.[jt]s/.test(command)
    } catch {
      // The process ended meanwhile.
      return false
    }
  }).length
}

const samples: [name: string, content: string | Uint8Array][] = [
  ['note.txt', 'The notice period is three months.\n'.repeat(200)],
  ['crlf.log', 'one\r\ntwo\r\n\r\nthree'],
  ['readme.md', '# Title\n\nText with `code`.\n\n- a\n- b\n'],
  ['config.json', JSON.stringify({ a: [1, 2, 3], b: 'ü'.repeat(3_000) }, null, 2)],
  ['main.rs', 'fn main() {\n    println!("hi");\n}\n'.repeat(100)],
  ['latin.txt', Uint8Array.from(Buffer.from('Grüße aus Köln, für Größe und Maß.\n'.repeat(30), 'latin1'))],
  ['wide.txt', Buffer.from(`\ufeff${'Grüße 漢字 '.repeat(200)}`, 'utf16le')],
  ['broken.txt', Buffer.concat([Buffer.from('all well '.repeat(50)), Buffer.from([0xff]), Buffer.from(' to the end')])],
]

describe('small plain text', () => {
  it.each(samples)('%s gives the same artifact as a reading process', async (name, content) => {
    const isolated = createReader({ plainTextBytes: 0 })
    try {
      const here = await reader.read(files.share(name, content), watched())
      const there = await isolated.read(files.share(name, content), watched())
      expect(here).toEqual({ ...there, contentHash: here.contentHash })
      expect(here.segments.length).toBeGreaterThan(0)
    } finally {
      await isolated.close()
    }
  })

  it('starts no process, and other files still do', async () => {
    const note = files.share('note.txt', 'x '.repeat(plainTextBytes / 2))
    await reader.identify(note)
    await reader.read(note, watched())
    expect(children()).toBe(0)
    for (const other of [
      files.share('large.txt', 'x '.repeat(plainTextBytes / 2 + 1)),
      files.share('table.csv', 'a,b\n1,2\n'),
    ]) {
      let most = 0
      await reader.read(other, { ...watched(), onProgress: () => (most = Math.max(most, children())) })
      expect(most, other.name).toBeGreaterThan(0)
    }
  })

  it('an empty file is refused with a message', async () => {
    await expect(reader.read(files.share('blank.txt', ' \n \n'), watched())).rejects.toMatchObject({
      code: 'file_empty',
    })
  })

  it('ends when it is aborted', async () => {
    const stop = new AbortController()
    const reading = reader.read(files.share('note.txt', 'a line of text\n'.repeat(4_000)), {
      signal: stop.signal,
      onProgress: () => stop.abort(new Error('stopped')),
    })
    await expect(reading).rejects.toThrow('stopped')
  })

  it.each([
    ['spaces', `a${' '.repeat(plainTextBytes - 2)}b`],
    ['spaces of several kinds', `a${' \u00a0\t\u2003'.repeat(plainTextBytes / 8)}b`],
    ['line ends', `a${'\r\n'.repeat(plainTextBytes / 2 - 1)}b`],
    ['one letter', 'a'.repeat(plainTextBytes)],
    ['words at the tokenizer’s limit', `${'x'.repeat(255)} `.repeat(plainTextBytes / 256)],
    ['one sign', '漢'.repeat(plainTextBytes / 3)],
    ['marks on one letter', `e${'\u0301'.repeat(plainTextBytes / 2 - 1)}`],
    ['joined emoji', '👨‍👩‍👧‍👦'.repeat(plainTextBytes / 25)],
    ['apostrophes', `'s't`.repeat(plainTextBytes / 4)],
    ['an old encoding', Buffer.from('Größe für Öl '.repeat(plainTextBytes / 13), 'latin1')],
    ['broken characters', Uint8Array.from({ length: plainTextBytes }, (_, i) => (i % 40 === 0 ? 0xff : 97))],
  ])('the worst kind (%s) takes time in proportion to its size', async (_, content) => {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content
    await reader.read(files.share('warm.txt', 'warm'), watched())
    const before = process.cpuUsage()
    await reader.read(files.share('worst.txt', bytes), watched())
    const { user, system } = process.cpuUsage(before)
    // A few milliseconds for most; the square of the size would be a minute and more.
    expect(user + system).toBeLessThan(3e6)
  })
})
