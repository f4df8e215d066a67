/** A photograph on its way: shown to a model that sees, told by OCR to one that does not; its place never leaves. */
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { usedWording } from '../../src/wording/answers.ts'
import { reasonWording } from '../../src/wording/routing.ts'
import { type ReceivedRequest, type Script, type ScriptedOpenAi, startScriptedOpenAi } from '../servers/openai.ts'
import { ConsoleClient, type ParleyProcess, removeHome, startParley, temporaryHome } from './parley.ts'

let photo: Buffer
const open: AsyncDisposable[] = []
const homes: string[] = []

beforeAll(async () => {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="2400" height="1200"><rect width="2400" height="1200" fill="white"/>
    <text x="200" y="400" font-size="120" font-family="DejaVu Sans, sans-serif">Meter reading 48213</text></svg>`
  const gps = {
    GPSLatitudeRef: 'N',
    GPSLatitude: '52/1 31/1 12/1',
    GPSLongitudeRef: 'E',
    GPSLongitude: '13/1 24/1 18/1',
  }
  photo = await sharp(Buffer.from(svg))
    .jpeg()
    .withExif({ IFD0: { Artist: 'Ada Lovelace' }, IFD3: gps })
    .toBuffer()
})
afterAll(async () => {
  for (const each of open.toReversed()) await each[Symbol.asyncDispose]()
  for (const home of homes) await removeHome(home)
})

async function start(script: Script, model: string): Promise<{ models: ScriptedOpenAi; parley: ParleyProcess }> {
  const models = await startScriptedOpenAi({ script, models: [{ id: model }] })
  open.push(models)
  const home = await temporaryHome()
  homes.push(home)
  const parley = await startParley(home, { OPENAI_API_KEY: 'test', OPENAI_BASE_URL: models.url })
  open.push(parley)
  return { models, parley }
}

/** The data URLs and the texts of the last message that a request carries. */
function sent(request: ReceivedRequest | undefined): { pictures: string[]; text: string } {
  const body = (request?.body ?? { messages: [] }) as { messages: { content: string | Record<string, unknown>[] }[] }
  const content = body.messages.at(-1)?.content ?? ''
  if (typeof content === 'string') return { pictures: [], text: content }
  const pictures = content.flatMap((part) =>
    part.type === 'image_url' ? [String((part.image_url as { url: string }).url)] : [],
  )
  return { pictures, text: content.map((part) => String(part.text ?? '')).join('\n') }
}

describe('a photograph', () => {
  it('is shown to a model that sees, upright and small, without its metadata, and can be cited', async () => {
    const { models, parley } = await start([{ tokens: ['It reads 48213 [1:p1].'] }], 'gpt-4o-mini')
    const client = new ConsoleClient(parley.url)
    const reply = await client.ask('What does the meter read?', [await client.upload('meter.jpg', photo, 'image/jpeg')])
    const { pictures, text } = sent(models.requests[0])
    expect(pictures).toHaveLength(1)
    expect(text).toContain('1 = "meter.jpg" (1 page)')
    expect(text).toContain('Picture [1:p1]:')
    expect(text).toContain('Meter reading 48213')
    const [kind = '', data = ''] = pictures[0]?.split(',') ?? []
    expect(kind).toBe('data:image/jpeg;base64')
    const bytes = Buffer.from(data, 'base64')
    expect(await sharp(bytes).metadata()).toMatchObject({ width: 1568, height: 784 })
    expect((await sharp(bytes).metadata()).exif).toBeUndefined()
    expect(JSON.stringify(models.requests[0]?.body)).not.toContain('Ada Lovelace')
    expect(reply.citations).toMatchObject([{ source: { title: 'meter.jpg' }, at: { kind: 'page', page: 1 } }])
    expect(reply.receipt.used?.summary).toContain('1 picture shown to the model')
    expect(reply.receipt.attachments).toMatchObject([{ outcome: 'read', summary: 'a picture with 3 words read' }])
  })

  it('reaches a model without vision as OCR text, and the receipt says so', async () => {
    const { models, parley } = await start([{ tokens: ['It reads 48213 [1:p1].'] }], 'gpt-4')
    const client = new ConsoleClient(parley.url)
    const reply = await client.ask('What does the meter read?', [await client.upload('meter.jpg', photo, 'image/jpeg')])
    const { pictures, text } = sent(models.requests[0])
    expect(pictures).toEqual([])
    expect(text).toContain('Meter reading 48213')
    expect(text).toContain('One picture of the files cannot be shown to you.')
    expect(reply.receipt.used?.summary).toContain(usedWording.picturesReadByOcr(1, 'gpt-4'))
    expect(reply.receipt.reason).toContain(reasonWording.withoutPictures)
  })

  it('is left out when an unlisted model refuses it, and the answer comes all the same', async () => {
    const script: Script = (request) =>
      sent(request).pictures.length > 0
        ? { status: 400, error: { message: 'this model does not take image_url' } }
        : { tokens: ['It reads 48213 [1:p1].'] }
    const { models, parley } = await start(script, 'house-model')
    const client = new ConsoleClient(parley.url)
    const reply = await client.ask('What does the meter read?', [await client.upload('meter.jpg', photo, 'image/jpeg')])
    expect(models.requests.map((request) => sent(request).pictures.length)).toEqual([1, 0])
    expect(reply.text).toContain('48213')
    expect(reply.receipt.used?.summary).toContain('because house-model cannot see')
    const next = await client.ask('And again?', [])
    expect(next.text).toContain('48213')
  })
})
