/** Calendars, contacts, notebooks, e-books and Outlook messages: what a person sees in them. */
import { burn, type Entry } from '@kenjiuno/msgreader/lib/Burner.js'
import { TypeEnum } from '@kenjiuno/msgreader/lib/Reader.js'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { makeZip } from '../../test/fixtures/make-zip.ts'
import { readHere } from '../../test/fixtures/read-here.ts'
import { fileWording } from '../wording/files.ts'

const { refusal, receipt, notice } = fileWording

describe('a calendar', () => {
  const events = [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'BEGIN:VTIMEZONE',
    'TZID:Europe/Lisbon',
    'END:VTIMEZONE',
    'BEGIN:VEVENT',
    'UID:1',
    'DTSTAMP:20240601T000000Z',
    'SUMMARY:Kick-off\\, phase 2',
    'DTSTART;TZID=Europe/Lisbon:20240603T100000',
    'DTEND;TZID=Europe/Lisbon:20240603T113000',
    'LOCATION:Room 4',
    'ORGANIZER;CN="Lee, Ann":mailto:ann@example.org',
    'ATTENDEE;CN=Bo Tan;PARTSTAT=ACCEPTED:mailto:bo@example.org',
    'ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:cy@example.org',
    'DESCRIPTION:Bring the plan.\\nIt takes a wh',
    ' ole hour.',
    'RRULE:FREQ=WEEKLY;UNTIL=20241201T000000Z;BYDAY=MO',
    'BEGIN:VALARM',
    'ACTION:DISPLAY',
    'DESCRIPTION:Reminder',
    'END:VALARM',
    'END:VEVENT',
    'BEGIN:VEVENT',
    'SUMMARY:Holiday',
    'DTSTART;VALUE=DATE:20240610',
    'DTEND;VALUE=DATE:20240612',
    'END:VEVENT',
    'BEGIN:VTODO',
    'SUMMARY:Order bolts',
    'DUE:20240605T120000Z',
    'STATUS:NEEDS-ACTION',
    'END:VTODO',
    'END:VCALENDAR',
    '',
  ]
  test.each(['team.ics', 'invite'])('%s shows events with time, people and place', async (name) => {
    const read = await readHere(name, events.join('\r\n'))
    expect(read.text.split('\n')).toEqual([
      '## Event: Kick-off, phase 2',
      'When: 2024-06-03 10:00 (Europe/Lisbon) to 2024-06-03 11:30 (Europe/Lisbon)',
      'Location: Room 4',
      'Organizer: Lee, Ann <ann@example.org>',
      'Description: Bring the plan.',
      'It takes a whole hour.',
      'Repeats: weekly, until 2024-12-01 00:00 UTC, byday MO',
      'Attendees: Bo Tan <bo@example.org> (accepted), cy@example.org',
      '## Event: Holiday',
      'When: 2024-06-10 to 2024-06-11',
      '## Task: Order bolts',
      'Due: 2024-06-05 12:00 UTC',
      'Status: NEEDS-ACTION',
    ])
    expect(read).toMatchObject({ mediaType: 'text/calendar', problems: [], outcome: 'read' })
    expect(read.segments[0]?.at).toMatchObject({ kind: 'lines', from: 6 })
  })

  test('without events is refused', async () => {
    await expect(readHere('e.ics', 'BEGIN:VCALENDAR\nEND:VCALENDAR\n')).rejects.toMatchObject({ code: 'file_empty' })
  })
})

describe('contacts', () => {
  test.each([
    [
      '3.0',
      'BEGIN:VCARD\nVERSION:3.0\nN:Tan;Bo;;Dr.;\nFN:Dr. Bo Tan\nORG:Bolts Ltd;Sales\nitem1.TEL;TYPE=CELL,VOICE:+351 1\nEMAIL;TYPE=INTERNET:bo@example.org\nADR;TYPE=WORK:;;Rua 1;Porto;;4000;Portugal\nNOTE:calls\\; writes\nEND:VCARD\n',
    ],
    [
      '2.1',
      'BEGIN:VCARD\nVERSION:2.1\nFN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Dr.=20Bo=20=\nTan\nORG:Bolts Ltd;Sales\nTEL;CELL;VOICE:+351 1\nEMAIL;INTERNET:bo@example.org\nADR;WORK:;;Rua 1;Porto;;4000;Portugal\nNOTE:calls; writes\nEND:VCARD\n',
    ],
  ])('of version %s', async (_, card) => {
    const read = await readHere('bo.vcf', `${card}BEGIN:VCARD\nN:Lee;Ann\nEND:VCARD\n`)
    expect(read.text.split('\n')).toEqual([
      '## Dr. Bo Tan',
      'Organization: Bolts Ltd, Sales',
      'Phone (cell): +351 1',
      'Email: bo@example.org',
      'Address (work): Rua 1, Porto, 4000, Portugal',
      'Note: calls; writes',
      '## Ann Lee',
    ])
    expect(read).toMatchObject({ mediaType: 'text/vcard', outcome: 'read' })
  })

  test('a photo is not read as letters, and the receipt says so', async () => {
    const photo = `PHOTO;ENCODING=b;TYPE=JPEG:${'QUJD'.repeat(10)}\n ${'QUJD'.repeat(10)}`
    const read = await readHere('bo.vcf', `BEGIN:VCARD\nFN:Bo\n${photo}\nEND:VCARD\n`)
    expect(read).toMatchObject({
      text: '## Bo',
      outcome: 'partly',
      problems: [{ userMessage: notice.unread('bo.vcf', [['picture', 1]]) }],
    })
  })
})

describe('a notebook', () => {
  const notebook = async () => {
    const png = await sharp({ create: { width: 300, height: 200, channels: 3, background: '#fff' } })
      .png()
      .toBuffer()
    const text = (mediaType: string, value: string) => ({ output_type: 'execute_result', data: { [mediaType]: value } })
    const code = (source: string[], outputs: object[]) => ({ cell_type: 'code', execution_count: 3, source, outputs })
    return JSON.stringify({
      nbformat: 4,
      metadata: {},
      cells: [
        { cell_type: 'markdown', source: ['# Sales\n', 'of the year'] },
        code(['total = 12\n', 'total'], [{ output_type: 'stream', text: ['working\n'] }, text('text/plain', '12')]),
        code(['frame'], [text('text/html', '<table><tr><th>item<th>sum<tr><td>bolt<td>12</table>')]),
        code(
          ['plot()'],
          [{ output_type: 'display_data', data: { 'image/png': png.toString('base64'), 'text/plain': '<Figure>' } }],
        ),
        code(
          ['1/0'],
          [
            {
              output_type: 'error',
              ename: 'ZeroDivisionError',
              evalue: 'division by zero',
              traceback: ['\u001b[0;31m'],
            },
          ],
        ),
      ],
    })
  }
  test('shows text, code and what it gave out; its pictures are pictures', async () => {
    const source = await notebook()
    const read = await readHere('sales.ipynb', source)
    expect(read.text).toContain('# Sales\nof the year\nIn [3]:\ntotal = 12\ntotal\nOut [3]:\nworking\nOut [3]:\n12')
    expect(read.text).toContain('| item | sum |\n| --- | --- |\n| bolt | 12 |')
    expect(read.text).toContain('ZeroDivisionError: division by zero')
    expect(read.text).not.toMatch(/iVBOR|traceback|nbformat/)
    expect(read.images).toMatchObject([{ at: { inner: 'cell 4, picture 1.png' } }])
    expect(read).toMatchObject({ mediaType: 'application/x-ipynb+json', outcome: 'read' })
  })

  test('of version 3, and JSON that is no notebook', async () => {
    const old = JSON.stringify({
      worksheets: [
        { cells: [{ cell_type: 'code', input: ['x = 1'], outputs: [{ output_type: 'pyout', text: ['1'] }] }] },
      ],
    })
    expect((await readHere('old.ipynb', old)).text).toBe('In [ ]:\nx = 1\nOut [ ]:\n1')
    expect((await readHere('odd.ipynb', '{"a": [1, 2]}')).text).toBe('{"a": [1, 2]}')
  })
})

describe('an e-book', () => {
  const book = (
    more: { name: string; content: string }[] = [],
    second = '<html><body><h1>Two</h1><p>H<sub>2</sub>O at last.',
  ) =>
    makeZip([
      { name: 'mimetype', content: 'application/epub+zip', stored: true },
      {
        name: 'META-INF/container.xml',
        content: '<container><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>',
      },
      {
        name: 'OEBPS/book.opf',
        content:
          '<package xmlns:dc="x"><metadata><dc:title>The Bolt</dc:title><dc:creator>Ann Lee</dc:creator></metadata><manifest><item id="b" href="text/two.xhtml" media-type="application/xhtml+xml"/><item id="a" href="text/one%20.xhtml" media-type="application/xhtml+xml"/></manifest><spine><itemref idref="a"/><itemref idref="b"/></spine></package>',
      },
      { name: 'OEBPS/text/two.xhtml', content: second },
      {
        name: 'OEBPS/text/one .xhtml',
        content: '<?xml version="1.0"?><html><body><h1>One</h1><p>It began in Porto.</p></body></html>',
      },
      ...more,
    ])

  test('is read chapter by chapter, in the order of reading', async () => {
    const read = await readHere('bolt.epub', book())
    expect(read.text.split('\n')).toEqual([
      '# The Bolt',
      'Ann Lee',
      '# One',
      'It began in Porto.',
      '# Two',
      'H_2O at last.',
    ])
    expect(read).toMatchObject({ mediaType: 'application/epub+zip', problems: [], outcome: 'read' })
  })

  test('that is protected against copying is refused as that', async () => {
    const encryption = {
      name: 'META-INF/encryption.xml',
      content:
        '<encryption><EncryptedData><CipherData><CipherReference URI="OEBPS/text/two.xhtml"/></CipherData></EncryptedData></encryption>',
    }
    await expect(readHere('bolt.epub', book([encryption]))).rejects.toMatchObject({
      code: 'file_encrypted',
      userMessage: refusal.copyProtected('bolt.epub'),
    })
  })

  test('that is cut off gives what stands before the break', async () => {
    const words = Array.from({ length: 3_000 }, (_, at) => `<p>Line ${at} ${(at * 7919) % 9973}`).join('')
    const bytes = book([], `<html><body>${words}`)
    const read = await readHere('bolt.epub', bytes.subarray(0, bytes.length * 0.6))
    expect(read.text).toContain('Line 0 0')
    expect(read).toMatchObject({ outcome: 'partly' })
  })
})

describe('an Outlook message', () => {
  const { DIRECTORY, DOCUMENT, ROOT } = TypeEnum
  const text = (id: string, value: string) => ({ name: `__substg1.0_${id}001F`, bytes: Buffer.from(value, 'utf16le') })
  type Stream = { name: string; bytes: Uint8Array } | { name: string; streams: Stream[] }
  const properties = (length: number) => ({ name: '__properties_version1.0', bytes: Buffer.alloc(length) })

  /** A compound file of these streams. */
  function msg(streams: Stream[]): Buffer {
    const entries: Entry[] = [{ name: 'Root Entry', type: ROOT, length: 0, children: [] }]
    const add = (parent: Entry, list: Stream[]) => {
      for (const stream of list) {
        const isFile = 'bytes' in stream
        const entry: Entry = isFile
          ? {
              name: stream.name,
              type: DOCUMENT,
              length: stream.bytes.length,
              binaryProvider: () => Uint8Array.from(stream.bytes),
            }
          : { name: stream.name, type: DIRECTORY, length: 0, children: [] }
        parent.children?.push(entries.push(entry) - 1)
        if (!isFile) add(entry, stream.streams)
      }
    }
    add(entries[0] as Entry, streams)
    return Buffer.from(burn(entries))
  }
  const attachment = (at: number, name: string, bytes: Uint8Array | string) => ({
    name: `__attach_version1.0_#0000000${at}`,
    streams: [properties(8), text('3707', name), { name: '__substg1.0_37010102', bytes: Buffer.from(bytes) }],
  })
  const recipient = {
    name: '__recip_version1.0_#00000000',
    streams: [properties(8), text('3001', 'Bo Tan'), text('39FE', 'bo@example.org')],
  }
  const head = [
    properties(32),
    text('0037', 'Delivery für März'),
    text('0C1A', 'Ann Lee'),
    text('5D01', 'ann@example.org'),
  ]

  test.each([
    ['plain text', [text('1000', 'please quote REF-7\r\nAnn')], 'please quote REF-7\nAnn'],
    [
      'HTML alone',
      [text('1013', '<p>please quote <b>REF-8</b><table><tr><td>a<td>b</table>')],
      'please quote REF-8\n| a | b |',
    ],
  ])('of %s is read with its head and attachments', async (_, body, words) => {
    const read = await readHere(
      'delivery.msg',
      msg([...head, ...body, recipient, attachment(0, 'list.csv', 'item,sum\nbolt,12\n')]),
    )
    expect(read.text).toContain('From: Ann Lee <ann@example.org>\nTo: Bo Tan <bo@example.org>')
    expect(read.text).toContain('Subject: Delivery für März\nAttachments: list.csv')
    expect(read.text).toContain(words)
    expect(read.text).toContain('[list.csv]\nitem | sum\nbolt | 12')
    expect(read).toMatchObject({ mediaType: 'application/vnd.ms-outlook', problems: [], outcome: 'read' })
    expect(read.summary).toBe(receipt.read(receipt.message(1)))
  })

  test('is read with the message attached to it', async () => {
    const embedded: Stream = {
      name: '__attach_version1.0_#00000000',
      streams: [
        properties(8),
        text('3001', 'Earlier delivery'),
        {
          name: '__substg1.0_3701000D',
          streams: [properties(24), text('0037', 'Earlier delivery'), text('1000', 'please quote REF-9'), recipient],
        },
      ],
    }
    const read = await readHere('top.msg', msg([...head, text('1000', 'see the message below'), embedded]))
    expect(read.text).toContain('Attachments: Earlier delivery.msg\nsee the message below')
    expect(read.text).toContain('[Earlier delivery.msg]\nTo: Bo Tan <bo@example.org>')
    expect(read.text).toContain('please quote REF-9')
    expect(read.outcome).toBe('read')
  })

  test('that is damaged is refused as that', async () => {
    const bytes = msg([...head, text('1000', 'x'.repeat(9_000))])
    for (const share of [0.3, 0.7]) {
      const failure = await readHere('d.msg', bytes.subarray(0, bytes.length * share)).catch((error: unknown) => error)
      expect(JSON.stringify(failure)).toMatch(/file_|mediaType/)
    }
  })
})
