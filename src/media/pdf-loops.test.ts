/** PDFs that refer to themselves: each ends within its limits with a clear sentence or its text, and the next file is read. */
import { beforeAll, describe, expect, test } from 'vitest'
import { makePdf } from '../../test/fixtures/make-pdf.ts'
import { sharedReader } from '../../test/fixtures/shared-reader.ts'
import { ParleyError } from '../core/errors.ts'

/** A PDF of these numbered objects, the first of which is its catalogue. */
function pdfOf(objects: string[]): Buffer {
  let text = '%PDF-1.7\n'
  const offsets = objects.map((object, place) => {
    const offset = text.length
    text += `${place + 1} 0 obj\n${object}\nendobj\n`
    return offset
  })
  const start = text.length
  const rows = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('')
  text += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${rows}`
  text += `trailer\n<</Size ${objects.length + 1}/Root 1 0 R>>\nstartxref\n${start}\n%%EOF\n`
  return Buffer.from(text, 'latin1')
}

const stream = (dictionary: string, body: string) =>
  `<<${dictionary}/Length ${body.length}>>\nstream\n${body}\nendstream`
const page = '<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R/Resources<</XObject<</F 5 0 R>>>>>>'

const loops: Record<string, Buffer> = {
  'pages that are their own parents': pdfOf([
    '<</Type/Catalog/Pages 2 0 R>>',
    '<</Type/Pages/Kids[2 0 R 3 0 R 2 0 R]/Count 1000000>>',
    '<</Type/Pages/Kids[2 0 R]/Parent 2 0 R/Count 1000000>>',
  ]),
  'a drawing that draws itself': pdfOf([
    '<</Type/Catalog/Pages 2 0 R>>',
    '<</Type/Pages/Kids[3 0 R]/Count 1>>',
    page,
    stream('', '/F Do'),
    stream('/Type/XObject/Subtype/Form/BBox[0 0 200 200]/Resources<</XObject<</F 5 0 R>>>>', '/F Do /F Do /F Do'),
  ]),
  'a length that is its own stream': pdfOf([
    '<</Type/Catalog/Pages 2 0 R>>',
    '<</Type/Pages/Kids[3 0 R]/Count 1>>',
    page,
    '<</Length 4 0 R>>\nstream\nBT ET\nendstream',
    stream('/Type/XObject/Subtype/Form/BBox[0 0 1 1]', ''),
  ]),
}

describe('a PDF that refers to itself endlessly', () => {
  const { read } = sharedReader({ limits: { pdf: { seconds: 5 } } })
  let good: Awaited<ReturnType<typeof makePdf>>
  beforeAll(async () => {
    good = await makePdf((doc) => void doc.addPage().text('The vault code is 4711.'))
  })

  test.each(Object.entries(loops))('%s', async (_, bytes) => {
    const ended = await read('loop.pdf', bytes).catch((error: unknown) => error)
    if (ended instanceof Error) {
      expect(ended).toBeInstanceOf(ParleyError)
      expect(ended).toMatchObject({
        code: expect.stringMatching(/^file_/),
        userMessage: expect.stringContaining('loop.pdf'),
      })
    } else {
      expect(ended).toMatchObject({ problems: [expect.objectContaining({ userMessage: expect.any(String) })] })
    }
    const next = await read('good.pdf', good)
    expect(next.segments[0]?.text).toContain('4711')
  })
})
