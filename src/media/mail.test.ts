/** Emails as mail programs really write them: mailboxes, pasted screenshots, stubs, wrappers by Outlook. */
import iconv from 'iconv-lite'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { caseFile, casesMissing, readHere } from '../../test/fixtures/read-here.ts'
import { watched } from '../../test/fixtures/shared-files.ts'
import { sharedReader } from '../../test/fixtures/shared-reader.ts'
import { fileWording } from '../wording/files.ts'
import { recordingWording } from '../wording/recordings.ts'
import { createFfmpeg } from './providers/ffmpeg.ts'
import { withRecordings } from './recording-reader.ts'
import type { Transcriber } from './transcriber.ts'

const { receipt, inner } = fileWording

const mail = (number: number, body: string, more = '') =>
  `Message-ID: <${number}@x>\nFrom: Ann Lee <ann@example.org>\nTo: bo@example.org\nDate: Mon, 3 Jun 2024 10:00:00 +0200\nSubject: Delivery ${number}\nMIME-Version: 1.0\n${more}\n${body}\n`
let boundaries = 0
const inParts = (...parts: string[]) => {
  boundaries += 1
  const between = `--part${boundaries}`
  const body = parts.map((part) => `${between}\n${part}\n`)
  return [`Content-Type: multipart/mixed; boundary="part${boundaries}"\n`, ...body, `${between}--\n`].join('\n')
}
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64').replace(/.{76}/g, '$&\n')
const attached = (name: string, type: string, bytes: Uint8Array | string, more = '') =>
  `Content-Type: ${type}; name="${name}"\nContent-Transfer-Encoding: base64\n${more}Content-Disposition: ${more === '' ? 'attachment' : 'inline'}; filename="${name}"\n\n${base64(Buffer.from(bytes))}`
const plain = (text: string) => `Content-Type: text/plain; charset=utf-8\n\n${text}`
const html = (text: string) => `Content-Type: text/html; charset=utf-8\n\n${text}`
const alternatives = (...parts: string[]) =>
  mail(
    1,
    `${parts.map((part) => `--b\n${part}\n`).join('')}--b--`,
    'Content-Type: multipart/alternative; boundary="b"\n',
  )
const postmark = (from = 'ann@example.org') => `From ${from} Mon Jun  3 10:00:00 2024\n`

describe('a mailbox', () => {
  test.each([
    ['with the name of a mailbox', 'archive.mbox'],
    ['of Thunderbird, without an extension', 'Inbox'],
    ['of Google Takeout', 'All mail Including Spam and Trash.mbox'],
  ])('%s: every email with its own head and text', async (_, name) => {
    const numbers = [7, 8, 9, 10]
    const read = await readHere(
      name,
      numbers.map((n) => `${postmark('-')}${mail(n, `please quote REF-${n}`)}\n`).join(''),
    )
    expect(read.segments).toHaveLength(4)
    for (const [at, number] of numbers.entries()) {
      expect(read.segments[at]?.at).toMatchObject({ inner: `email ${at + 1}` })
      expect(read.segments[at]?.text).toContain(`Subject: Delivery ${number}`)
      expect(read.segments[at]?.text).toContain(`please quote REF-${number}`)
    }
    expect(read).toMatchObject({ mediaType: 'application/mbox', outcome: 'read', problems: [] })
    expect(read.summary).toBe(receipt.read(receipt.mailbox(4, 0)))
  })

  test('of emails in parts, with attachments', async () => {
    const one = (n: number) =>
      mail(n, '', '').replace(
        /\n\n[\s\S]*/,
        `\n${inParts(plain(`REF-${n}`), attached(`list${n}.csv`, 'text/csv', `item,sum\nbolt,${n}\n`))}`,
      )
    const read = await readHere('box.mbox', [1, 2, 3].map((n) => `${postmark()}${one(n)}\n`).join(''))
    expect(read.segments).toContainEqual(
      expect.objectContaining({
        text: '[list2.csv]\nitem | sum\nbolt | 2',
        at: { kind: 'rows', from: 2, to: 2, inner: 'email 2/list2.csv' },
      }),
    )
    expect(read.text).toContain('REF-3')
    expect(read.summary).toBe(receipt.read(receipt.mailbox(3, 3)))
  })

  test('lines that begin with "From " are text; a wrong Content-Length is ignored', async () => {
    const body =
      'Dear Bo,\n\n>From my side all is fine.\n>>From the archive\nFrom here on it is yours.\n\nFrom time to time, write.\n'
    const box = `${postmark()}${mail(1, body, 'Content-Length: 12\n')}\n${postmark()}${mail(2, 'the last')}`
    const read = await readHere('a.mbox', box)
    expect(read.segments).toHaveLength(2)
    expect(read.text).toContain(
      '\nFrom my side all is fine.\n>From the archive\nFrom here on it is yours.\nFrom time to time, write.',
    )
    expect(read.text).toContain('the last')
  })

  test('with returns, with 300 emails, and with a damaged one in the middle', async () => {
    const box = Array.from(
      { length: 300 },
      (_, at) => `${postmark()}${at === 5 ? 'X: y\n\n' : mail(at, `REF-${at}.`)}\n`,
    ).join('')
    const read = await readHere('big.mbox', box.replaceAll('\n', '\r\n'))
    expect(read.text).toContain('REF-299.')
    expect(read.summary).toBe(receipt.read(receipt.mailbox(299, 0)))
  })

  test('in a zip is opened like an email', async () => {
    const { makeZip } = await import('../../test/fixtures/make-zip.ts')
    const box = [1, 2].map((n) => `${postmark()}${mail(n, `REF-${n}.`)}\n`).join('')
    const read = await readHere('export.zip', makeZip([{ name: 'box.mbox', content: box }]))
    expect(read.segments.at(-1)).toMatchObject({ at: { inner: 'box.mbox/email 2' } })
  })
})

describe('pictures in the text', () => {
  const picture = (width: number, height: number) =>
    sharp({ create: { width, height, channels: 3, background: '#fff' } })
      .png()
      .toBuffer()
  const related = async (...sizes: [number, number][]) => {
    const parts = await Promise.all(
      sizes.map(async ([width, height], at) =>
        attached(`image00${at + 1}.png`, 'image/png', await picture(width, height), `Content-ID: <p${at}>\n`),
      ),
    )
    const body = [html(`<p>I get this error:${sizes.map((_, at) => `<img src="cid:p${at}">`).join('')}`), ...parts]
    return mail(
      1,
      `${body.map((part) => `--r\n${part}\n`).join('')}--r--`,
      'Content-Type: multipart/related; boundary=r\n',
    )
  }

  test('a pasted screenshot is listed and given to models, an icon is not', async () => {
    const read = await readHere('help.eml', await related([800, 300], [16, 16], [1, 1], [600, 20]))
    expect(read.text).toContain('Attachments: image001.png')
    expect(read.text).not.toContain('image002.png')
    expect(read.images).toMatchObject([{ at: { inner: 'image001.png' } }])
    expect(read.problems).toEqual([])
  })

  test('two screenshots', async () => {
    expect((await readHere('help.eml', await related([400, 300], [300, 200]))).images).toHaveLength(2)
  })
})

describe('a plain part beside HTML', () => {
  const order = '<p>Order 88213 ships on 5 July.<table><tr><td>Total<td>312.50 EUR</table>'

  test.each([
    'Your mail program does not show HTML. Please open this message in another one.',
    'View this email in your browser: https://example.org/v/88213',
    '-',
  ])('that is a stub (%s) does not hide the text', async (stub) => {
    const read = await readHere('order.eml', alternatives(plain(stub), html(order)))
    expect(read.text).toContain('Order 88213 ships on 5 July.\n| Total | 312.50 EUR |')
  })

  test('that says the same is read as it is', async () => {
    const same = 'Order 88213 ships on 5 July.\n\n    Total: 312.50 EUR'
    const read = await readHere('order.eml', alternatives(plain(same), html(order)))
    expect(read.text).toContain('Order 88213 ships on 5 July.\n    Total: 312.50 EUR')
    expect(read.text).not.toContain('|')
  })

  test('that loses what is struck out does not change the price', async () => {
    const read = await readHere(
      'p.eml',
      alternatives(plain('Price: 900 750 EUR'), html('<p>Price: <s>900</s> 750 EUR')),
    )
    expect(read.text).toContain('Price: ~~900~~ 750 EUR')
  })

  test('that says more is read too', async () => {
    const long = Array.from({ length: 40 }, (_, at) => `clause${at}`).join(' ')
    const read = await readHere('p.eml', alternatives(plain(long), html('<p>Signed by nobody else than Ann on Monday')))
    expect(read.text).toContain('clause39')
    expect(read.text).toContain('Signed by nobody')
  })
})

describe('saved and wrapped', () => {
  test.each(['utf-16le', 'utf-16be', 'utf-32le'])('an email as %s, with and without a mark', async (encoding) => {
    const text = mail(1, 'please quote REF-1, 12 €', 'Content-Type: text/plain; charset=utf-8\n')
    for (const addBOM of [true, false]) {
      const read = await readHere('saved.eml', iconv.encode(text, encoding, { addBOM }))
      expect(read).toMatchObject({ mediaType: 'message/rfc822', outcome: 'read' })
      expect(read.text).toContain('please quote REF-1, 12 €')
    }
  })

  test('a forwarded email is read with its own attachment', async () => {
    const forwarded = mail(2, '').replace(
      /\n\n[\s\S]*/,
      `\n${inParts(plain('REF-2'), attached('a.csv', 'text/csv', 'a,b\n1,2\n'))}`,
    )
    const read = await readHere(
      'f.eml',
      mail(1, '').replace(
        /\n\n[\s\S]*/,
        `\n${inParts(plain('see below'), `Content-Type: message/rfc822\n\n${forwarded}`)}`,
      ),
    )
    expect(read.text).toContain('Subject: Delivery 2')
    expect(read.segments.at(-1)).toMatchObject({ text: '[a.csv]\na | b\n1 | 2', at: { inner: 'message.eml/a.csv' } })
    expect(read.problems).toEqual([])
  })

  test('a signature is no attachment; an invitation and a contact without names are named', async () => {
    const read = await readHere(
      'signed.eml',
      mail(1, '').replace(
        /\n\n[\s\S]*/,
        `\n${inParts(
          plain('hello'),
          'Content-Type: text/calendar; charset=utf-8; method=REQUEST\n\nBEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Kick-off\nEND:VEVENT\nEND:VCALENDAR',
          'Content-Type: text/vcard\nContent-Disposition: attachment\n\nBEGIN:VCARD\nFN:Bo Tan\nEND:VCARD',
          attached('smime.p7s', 'application/pkcs7-signature', Buffer.from([0x30, 0x80, 0xff])),
        )}`,
      ),
    )
    expect(read.text).toContain('Attachments: invitation.ics, contact.vcf')
    expect(read.text).toContain('Kick-off')
    expect(read.text).toContain('Bo Tan')
    expect(read).toMatchObject({ outcome: 'read', problems: [] })
  })
})

describe('winmail.dat', () => {
  const tnef = (...attributes: Buffer[]) => Buffer.concat([Buffer.from('789f3e220100', 'hex'), ...attributes])
  const attribute = (level: number, id: number, data: Uint8Array | string) => {
    const bytes = Buffer.from(data)
    const head = Buffer.alloc(9)
    head.writeUInt8(level)
    head.writeUInt16LE(id, 1)
    head.writeUInt32LE(bytes.length, 5)
    return Buffer.concat([head, bytes, Buffer.alloc(2)])
  }
  const longName = (name: string) => {
    const value = Buffer.from(`${name}\0`, 'utf16le')
    const head = Buffer.alloc(16)
    head.writeUInt32LE(1)
    head.writeUInt16LE(0x1f, 4)
    head.writeUInt16LE(0x3707, 6)
    head.writeUInt32LE(1, 8)
    head.writeUInt32LE(value.length, 12)
    return attribute(2, 0x9005, Buffer.concat([head, value, Buffer.alloc((4 - (value.length % 4)) % 4)]))
  }
  const bytes = tnef(
    attribute(1, 0x8004, 'Price list\0'),
    attribute(1, 0x800c, 'Please find the list.\0'),
    attribute(2, 0x9002, Buffer.alloc(14)),
    attribute(2, 0x8010, 'PREISL~1.CSV\0'),
    attribute(2, 0x800f, 'item,price\nbolt,12\n'),
    longName('Preisliste für März.csv'),
    attribute(2, 0x9002, Buffer.alloc(14)),
    attribute(2, 0x8010, 'note.txt\0'),
    attribute(2, 0x800f, 'call Bo'),
  )

  test('is unpacked in an email', async () => {
    const read = await readHere(
      'o.eml',
      mail(1, '').replace(/\n\n[\s\S]*/, `\n${inParts(attached('winmail.dat', 'application/ms-tnef', bytes))}`),
    )
    expect(read.text).toContain('Attachments: Preisliste für März.csv, note.txt\nPlease find the list.')
    expect(read.text).toContain('[Preisliste für März.csv]\nitem | price\nbolt | 12')
    expect(read).toMatchObject({ outcome: 'read', problems: [] })
  })

  test('is unpacked on its own, and cut off it gives what stands before the break', async () => {
    const read = await readHere('winmail.dat', bytes)
    expect(read.text).toContain('Subject: Price list')
    expect(read.text).toContain('[note.txt]\ncall Bo')
    const cut = await readHere('winmail.dat', bytes.subarray(0, -20))
    expect(cut.text).toContain('[Preisliste für März.csv]')
    for (let at = 6; at < bytes.length; at += 5) await readHere('winmail.dat', bytes.subarray(0, at)).catch(() => {})
  })
})

describe('a recording in an email', () => {
  // A frame header of MPEG audio, layer 3, again and again: silence of an honest length.
  const mp3 = Buffer.concat(
    Array.from({ length: 40 }, () => Buffer.concat([Buffer.from('fffb9064', 'hex'), Buffer.alloc(413)])),
  )
  const message = mail(1, '').replace(
    /\n\n[\s\S]*/,
    `\n${inParts(plain('listen'), attached('voice.mp3', 'audio/mpeg', mp3), attached('a.csv', 'text/csv', 'a,b\n1,2\n'))}`,
  )
  const transcriber: Transcriber = {
    name: 'fake',
    accepts: new Set(['audio/mpeg']),
    maxBytes: 25e6,
    transcribe: async () => ({ segments: [{ text: 'Ship on Friday.', fromMs: 0, toMs: 900 }], durationMs: 1_000 }),
    check: async () => '',
  }
  const { files, reader, read } = sharedReader()
  const ffmpeg = createFfmpeg({ path: '/nowhere/ffmpeg' })

  test('is transcribed, and cited by its time', async () => {
    const artifact = await withRecordings(reader, { ffmpeg, transcriber }).read(
      files.share('v.eml', message),
      watched(),
    )
    expect(artifact.segments.at(-1)).toMatchObject({
      text: '[voice.mp3]\nShip on Friday.',
      at: { kind: 'time', fromMs: 0, toMs: 900, inner: 'voice.mp3' },
    })
    expect(artifact.segments.map(({ text }) => text).join('\n')).toContain('[a.csv]\na | b\n1 | 2')
    expect(artifact.problems).toEqual([])
  })

  test('is named if nothing can transcribe it', async () => {
    const artifact = await withRecordings(reader, { ffmpeg }).read(files.share('v.eml', message), watched())
    expect(artifact.problems).toEqual([
      {
        code: 'transcriber_missing',
        userMessage: expect.stringContaining(recordingWording.noTranscriber('voice.mp3')),
      },
    ])
    const alone = await read('v.eml', message)
    expect(alone.problems).toEqual([{ code: 'inner_file_unsupported', userMessage: inner.unsupported('voice.mp3') }])
  })
})

describe.skipIf(casesMissing)(`files of others${casesMissing}`, () => {
  test.each([
    ['02-multi.mbox', ['REF-7', 'REF-8', 'REF-9']],
    ['05-inline-screenshot.eml', ['Attachments: image001.png', 'KX-4471']],
    ['06-stub-plain.eml', ['Order 88213', '312.50 EUR']],
    ['24-fake-email-utf-16-le.eml', ['Test Email', 'Roses are red']],
    ['31-ref9.eml', ['REF-9']],
  ])('%s', async (name, words) => {
    const read = await readHere(name, caseFile(name))
    for (const word of words) expect(read.text).toContain(word)
    expect(read.problems.filter(({ code }) => code !== 'read_by_ocr')).toEqual([])
  })

  test('25-mime-attach-mp3.eml hands its recording on', async () => {
    const read = await readHere('25-mime-attach-mp3.eml', caseFile('25-mime-attach-mp3.eml'))
    expect(read.recordings).toMatchObject([{ mediaType: 'audio/mpeg' }])
    expect(read.problems).toEqual([])
  })
})
