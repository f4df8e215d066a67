/** The law of a chat platform: what intake and workers may rely on, whatever the platform. Run by every adapter's tests. */
import { randomUUID } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { receipt } from '../../test/fakes/receipt.ts'
import { Attachment, type IncomingMessage } from './message.ts'
import { abilityLaws } from './platform.contract.abilities.ts'
import { type ContractOptions, type PlatformRig, recorder } from './platform.contract.rig.ts'
import type { OutgoingMessage } from './platform.ts'

export function platformContract(
  name: string,
  openRig: () => Promise<PlatformRig>,
  options: ContractOptions = {},
): void {
  describe(`platform: ${name}`, () => {
    let rig: PlatformRig
    let inbox: ReturnType<typeof recorder>
    const signal = new AbortController().signal
    const turnId = randomUUID()
    const message = (text: string, end?: OutgoingMessage['end']): OutgoingMessage => ({
      turnId,
      text,
      citations: [],
      phase: end ? 'final' : 'streaming',
      end: end ? end : undefined,
    })

    beforeEach(async () => {
      rig = await openRig()
      inbox = recorder()
      await rig.open(inbox.intake)
    })
    afterEach(() => rig?.close())

    async function written(text = 'Hello'): Promise<IncomingMessage> {
      await rig.write({ eventId: randomUUID(), text })
      const last = inbox.received.at(-1)
      if (last === undefined) throw new Error('nothing was taken in')
      return last
    }

    it('a message is taken in whole, and then acknowledged', async () => {
      const eventId = randomUUID()
      expect(await rig.write({ eventId, text: 'What does **it** say?' })).toEqual({ acknowledged: true })
      expect(inbox.received).toHaveLength(1)
      expect(inbox.received[0]).toMatchObject({
        text: 'What does **it** say?',
        conversation: { platform: rig.platform.name },
      })
    })

    it('is not acknowledged when it could not be taken in, so that it is delivered again', async () => {
      inbox.state.failing = true
      const eventId = randomUUID()
      expect(await rig.write({ eventId, text: 'Hello' })).toMatchObject({ acknowledged: false })
      inbox.state.failing = false
      expect(await rig.write({ eventId, text: 'Hello' })).toEqual({ acknowledged: true })
      expect(inbox.received).toHaveLength(1)
    })

    it('a refused person sees the reason, and nothing is stored', async () => {
      inbox.state.refusing = 'Parley does not answer guests here.'
      const { told } = await rig.write({ eventId: randomUUID(), text: 'Hello' })
      expect(told).toContain('Parley does not answer guests here.')
      expect(inbox.received).toEqual([])
    })

    it('a redelivery carries the same id', async () => {
      const eventId = randomUUID()
      await rig.write({ eventId, text: 'Hello' })
      await rig.write({ eventId, text: 'Hello' })
      expect(new Set(inbox.received.map(({ id }) => id)).size).toBe(1)
    })

    it('an attachment is fetched from its stored record alone', async () => {
      const content = Buffer.from('The key is under the mat.')
      await rig.write({ eventId: randomUUID(), text: 'Where?', file: { name: 'note.txt', content } })
      const stored = JSON.parse(JSON.stringify(inbox.received[0]?.attachments[0]))
      const attachment = Attachment.parse(stored)
      expect(attachment.name).toBe('note.txt')
      expect(await buffer(await rig.platform.files.fetch(attachment, { signal }))).toEqual(content)
    })

    it('an attachment that is gone is missing, in a sentence with its name', async () => {
      const content = Buffer.from('x')
      await rig.write({ eventId: randomUUID(), text: 'Where?', file: { name: 'note.txt', content } })
      const attachment = Attachment.parse(inbox.received[0]?.attachments[0])
      const text = JSON.stringify(attachment.locator).replaceAll(/[0-9a-f]{16,}|(?<=F)[0-9A-F]{9}/g, (hex) =>
        '0'.repeat(hex.length),
      )
      const gone = { ...attachment, locator: JSON.parse(text) }
      await expect(rig.platform.files.fetch(gone, { signal })).rejects.toMatchObject({
        code: 'file_missing',
        userMessage: expect.stringContaining('note.txt'),
      })
    })

    it('a reply is posted, grows by edits and ends', async () => {
      const { replyTarget } = await written()
      const { transport } = rig.platform
      const ref = await transport.post(replyTarget, message('One'), { key: `${turnId}-0`, signal })
      expect(await rig.seen(replyTarget)).toEqual([{ text: 'One', finished: false }])
      await transport.edit(replyTarget, ref, message('One, two'), { signal })
      await transport.edit(replyTarget, ref, message('One, two, three.', { state: 'done', receipt }), { signal })
      expect(await rig.seen(replyTarget)).toEqual([{ text: 'One, two, three.', finished: true }])
    })

    it('a ref works after it was stored', async () => {
      const { replyTarget } = await written()
      const { transport } = rig.platform
      const ref = await transport.post(replyTarget, message('One'), { key: `${turnId}-0`, signal })
      const stored = JSON.parse(JSON.stringify({ ref, replyTarget }))
      await transport.edit(stored.replyTarget, stored.ref, message('Two', { state: 'done', receipt }), { signal })
      expect(await rig.seen(replyTarget)).toEqual([{ text: 'Two', finished: true }])
    })

    it.skipIf(options.doublePosts)(
      `a post that is tried again is one message${options.doublePosts ? ` (${options.doublePosts})` : ''}`,
      async () => {
        const { replyTarget } = await written()
        const { transport } = rig.platform
        const first = await transport.post(replyTarget, message('One'), { key: `${turnId}-0`, signal })
        const second = await transport.post(replyTarget, message('One'), { key: `${turnId}-0`, signal })
        expect(second).toEqual(first)
        await transport.edit(replyTarget, second, message('One.', { state: 'done', receipt }), { signal })
        expect(await rig.seen(replyTarget)).toEqual([{ text: 'One.', finished: true }])
      },
    )

    it('a surplus message is taken away', async () => {
      const { replyTarget } = await written()
      const { transport } = rig.platform
      const first = await transport.post(replyTarget, message('One'), { key: `${turnId}-0`, signal })
      const second = await transport.post(replyTarget, message('Two'), { key: `${turnId}-1`, signal })
      await transport.edit(replyTarget, first, message('One.', { state: 'stopped', receipt }), { signal })
      await transport.remove(replyTarget, second, { signal })
      expect(await rig.seen(replyTarget)).toEqual([{ text: 'One.', finished: true }])
    })

    it('a wide table, as long as a message may be, is taken and keeps its last row', async () => {
      const { replyTarget } = await written()
      const { maxChars, fits = () => true } = rig.platform.capabilities
      const headings = Array.from({ length: 8 }, (_, at) => `a long heading number ${at}`)
      const lines = [`| ${headings.join(' | ')} |`, `|${'---|'.repeat(8)}`]
      for (let row = 0; row < 500; row += 1) {
        const next = [...lines, `|${` ${row} |`.repeat(7)} row${row}end |`]
        if (next.join('\n').length > maxChars || !fits(next.join('\n'))) break
        lines.push(next.at(-1) ?? '')
      }
      expect(lines.length).toBeGreaterThan(2)
      const text = message(lines.join('\n'), { state: 'done', receipt })
      await rig.platform.transport.post(replyTarget, text, { key: `${turnId}-0`, signal })
      const [seen] = await rig.seen(replyTarget)
      expect(seen).toMatchObject({ finished: true, text: expect.stringContaining(`row${lines.length - 3}end`) })
    })

    it('progress is shown and cleared without ever failing the work', async () => {
      const { replyTarget } = await written()
      await rig.platform.transport.status(replyTarget, turnId, 'Reading note.txt', 'reading')
      await rig.platform.transport.status(replyTarget, turnId, null, 'done')
    })

    abilityLaws(options, { rig: () => rig, inbox: () => inbox, written })

    it('tells its abilities within reason', () => {
      const { capabilities } = rig.platform
      expect(capabilities.maxChars).toBeGreaterThanOrEqual(500)
      expect(capabilities.minEditMs).toBeGreaterThanOrEqual(0)
    })
  })
}
