import { createHash, randomUUID } from 'node:crypto'
import { type ButtonAction, decodeAction, encodeAction } from '../../src/core/command.ts'
import { asParleyError } from '../../src/core/errors.ts'
import { platformContract } from '../../src/core/platform.contract.ts'
import { message } from './message.ts'
import { createFakePlatform } from './platform.ts'

const author = 'ann'

platformContract('fake', async () => {
  const fake = createFakePlatform({ buttons: true })
  const written = new Map<string, ReturnType<typeof message>>()
  return {
    platform: fake.platform,
    async open(intake) {
      await fake.platform.listen(intake).start()
    },
    async write({ eventId, text, file }) {
      const locator = file ? createHash('sha256').update(file.content).digest('hex') : ''
      if (file) fake.files.set(locator, file.content)
      const attachments = file
        ? [{ id: locator, name: file.name, mediaType: 'text/plain', voiceNote: false, locator }]
        : []
      const sent = message({ id: eventId, text, author, platform: 'fake', attachments })
      written.set(eventId, sent)
      try {
        const received = await fake.intake().receive(sent)
        return { acknowledged: true, told: received.kind === 'refused' ? received.notice.text : undefined }
      } catch {
        return { acknowledged: false }
      }
    },
    async seen() {
      return [...fake.posted.values()].map(({ text, end }) => ({ text, finished: end !== undefined }))
    },
    async attached() {
      return [...fake.attached.values()].map(({ name, data }) => ({ name, content: Buffer.from(data) }))
    },
    async notices() {
      return [...fake.notices.values()].map(({ text }) => text)
    },
    async buttons() {
      const last = [...fake.posted.values()].at(-1)
      if (last?.end === undefined) return []
      const { turnId } = last
      return (['regenerate', 'good', 'bad', 'why', 'mine'] as const).map((kind): ButtonAction => ({ kind, turnId }))
    },
    async press({ eventId, button, target }) {
      const pressed = decodeAction(encodeAction(button))
      if (pressed === undefined) return { acknowledged: false }
      try {
        const { notice } = await fake.intake().act({ ...pressed, id: eventId, by: { id: author }, replyTarget: target })
        return { acknowledged: true, told: notice ? notice.text : undefined }
      } catch (thrown) {
        return { acknowledged: true, told: asParleyError(thrown).userMessage }
      }
    },
    async command({ eventId, text }) {
      const { conversation, replyTarget } = message({ platform: 'fake' })
      const call = { id: eventId, conversation, author: { id: author }, text, replyTarget }
      return { acknowledged: true, told: (await fake.intake().command(call)).text }
    },
    async revise({ eventId, text }) {
      const id = written.get(eventId)?.id ?? randomUUID()
      await fake.intake().revise({ platform: 'fake', id, text, by: { id: author } })
    },
    async erase({ eventId }) {
      await fake.intake().withdraw({ platform: 'fake', ids: [written.get(eventId)?.id ?? randomUUID()] })
    },
    async follow({ eventId, text, target }) {
      const { conversation } = target
      const addressing = { conversation, author: { id: author }, text, place: 'thread', mentioned: false } as const
      if (!(await fake.intake().concerns(addressing)).answers) return { acknowledged: true }
      await fake.intake().receive({ ...message({ id: eventId, text, author, platform: 'fake' }), conversation })
      return { acknowledged: true }
    },
    async close() {},
  }
})
