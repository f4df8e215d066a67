/** Recorded requests of the page, `{ path, body? }`, as the listener would take them in. */
import { z } from 'zod'
import { turnActions } from '../../src/core/command.ts'
import type { Json } from '../../src/core/json.ts'
import { createReplayIntake, type Replay } from '../../src/core/replay.ts'
import { SendMessage } from './api.ts'
import { localAuthor, normalize, pressOf } from './normalize.ts'

const Recorded = z.object({ path: z.string().startsWith('/console/'), body: z.json().optional() })

export const replay: Replay = {
  recognises: (value) => Recorded.safeParse(value).success,

  async replay(record: Json) {
    const { path, body } = Recorded.parse(record)
    const { intake, taken } = createReplayIntake()
    const [, kind, id = '', last] = /^\/console\/(threads|turns)\/([\w-]+)\/(\w+)$/.exec(path) ?? []
    const sent = SendMessage.safeParse(body)
    if (kind === 'threads' && last === 'messages' && sent.success) {
      const uploads = sent.data.uploads.map((uploadId) => ({
        uploadId,
        name: uploadId,
        mediaType: 'application/octet-stream',
        bytes: 0,
        contentHash: '',
      }))
      await intake.receive(normalize(id, sent.data, uploads, localAuthor, new Date(0)))
    }
    const pressed = turnActions.find((each) => each === last)
    if (kind === 'turns' && pressed !== undefined)
      await intake.act({ kind: pressed, turnId: id, ...pressOf(id, localAuthor) })
    return taken[0] ?? { kind: 'ignored', summary: 'takes nothing in' }
  },
}
