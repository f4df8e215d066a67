import { createHash } from 'node:crypto'
import { platformContract } from '../../src/core/platform.contract.ts'
import { message } from './message.ts'
import { createFakePlatform } from './platform.ts'

platformContract('fake', async () => {
  const fake = createFakePlatform()
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
      try {
        await fake.intake().receive(message({ id: eventId, text, platform: 'fake', attachments }))
        return { acknowledged: true }
      } catch {
        return { acknowledged: false }
      }
    },
    async seen() {
      return [...fake.posted.values()].map(({ text, end }) => ({ text, finished: end !== undefined }))
    },
    async close() {},
  }
})
