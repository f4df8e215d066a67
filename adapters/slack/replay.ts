/** Replays recorded Slack requests (events, commands, interactions): signs them and sends them to the real HTTP ingress, offline. */
import { createHmac, randomUUID } from 'node:crypto'
import { z } from 'zod'
import { ParleyError } from '../../src/core/errors.ts'
import type { Json } from '../../src/core/json.ts'
import { silentLog } from '../../src/core/log.ts'
import type { Records } from '../../src/core/platform-state.ts'
import { createReplayIntake, type Replay, type Replayed } from '../../src/core/replay.ts'
import { slackWording } from '../../src/wording/slack.ts'
import type { Api } from './api.ts'
import { createIngress } from './ingress.ts'
import type { Installations } from './installations.ts'
import { createListener } from './listener.ts'
import { createPeople } from './people.ts'
import { eventsPath } from './settings.ts'

const bodies = [
  'event_callback',
  'url_verification',
  'block_actions',
  'view_submission',
  'view_closed',
  'message_action',
  'shortcut',
]
const Body = z.union([
  z.looseObject({ type: z.enum(bodies) }),
  z.looseObject({ command: z.string().startsWith('/'), user_id: z.string(), channel_id: z.string() }),
])
const Authorized = z.looseObject({ authorizations: z.array(z.looseObject({ user_id: z.string() })).min(1) })
const signingSecret = randomUUID()

export const replay: Replay = {
  recognises: (value) => Body.safeParse(value).success,

  async replay(record, context, serve) {
    const { intake, taken } = createReplayIntake()
    const ignored: string[] = []
    const installations = installationsOf(record, context)
    const ingress = createIngress({ settings: { signingSecret }, installations, log: silentLog })
    const onIgnored = (why: string) => void ignored.push(why)
    const records = memory()
    const deps = { ingress, installations, people: createPeople(records), records, log: silentLog, onIgnored }
    const listener = createListener(deps, intake)
    await using http = await serve(listener.mounts)
    const answer = await send(http.url, record)
    if (answer.status !== 200) throw new ParleyError('request_invalid', slackWording.replayFailed(answer.status))
    return taken[0] ?? describe(record, ignored, answer.body)
  },
}

function describe(record: Json, ignored: string[], answer: string): Replayed {
  const type = z.object({ type: z.string() }).safeParse(record)
  const event = z.object({ event: z.object({ type: z.string() }) }).safeParse(record)
  const what = event.success ? event.data.event.type : type.success ? type.data.type : slackWording.ignored.aCommand
  if (answer.includes('challenge')) return { kind: 'ignored', summary: slackWording.ignored.addressCheck }
  return { kind: 'ignored', summary: ignored[0] ?? slackWording.ignored.nothing(what) }
}

/** The workspace of the recording, with a Slack API that never answers. */
function installationsOf(record: Json, context: Readonly<Record<string, Json>>): Installations {
  const authorized = Authorized.safeParse(record)
  const botUserId =
    typeof context.botUserId === 'string' ? context.botUserId : authorized.data?.authorizations[0]?.user_id
  const api: Api = {
    token: 'xoxb-replay',
    waitFor: () => 0,
    spare: () => false,
    call: () => Promise.reject(new ParleyError('platform_unreachable', slackWording.noNetworkInReplay)),
  }
  const workspace = { token: api.token, scopes: [], api, botUserId }
  return {
    of: async () => workspace,
    all: async () => [workspace],
    within: async (teamId) => (teamId === undefined ? [] : [teamId]),
    async save() {},
    async remove() {},
    async verify() {},
    async renew() {},
  }
}

function memory(): Records {
  const records = new Map<string, Json>()
  return {
    get: async (key) => records.get(key),
    claim: async (key, value) => !records.has(key) && records.set(key, value).has(key),
    put: async (key, value) => void records.set(key, value),
    remove: async (key) => void records.delete(key),
    list: async (prefix) =>
      [...records].filter(([key]) => key.startsWith(prefix)).map(([key, value]) => ({ key, value })),
    removeOlder: async () => undefined,
    assign: async () => undefined,
  }
}

async function send(url: string, record: Json) {
  const { type, text } = encode(record)
  const timestamp = String(Math.floor(Date.now() / 1000))
  const signature = createHmac('sha256', signingSecret).update(`v0:${timestamp}:${text}`).digest('hex')
  const headers = {
    'content-type': type,
    'x-slack-request-timestamp': timestamp,
    'x-slack-signature': `v0=${signature}`,
  }
  const response = await fetch(`${url}${eventsPath}`, { method: 'POST', headers, body: text })
  return { status: response.status, body: await response.text() }
}

/** Events are JSON, commands are forms, interactions are JSON in a form. */
function encode(record: Json): { type: string; text: string } {
  const form = 'application/x-www-form-urlencoded'
  const command = z.looseObject({ command: z.string() }).safeParse(record)
  if (command.success) {
    const fields = Object.entries(command.data).map(([name, value]) => [name, String(value)])
    return { type: form, text: new URLSearchParams(fields).toString() }
  }
  const { type } = z.looseObject({ type: z.string() }).parse(record)
  if (type === 'event_callback' || type === 'url_verification')
    return { type: 'application/json', text: JSON.stringify(record) }
  return { type: form, text: new URLSearchParams({ payload: JSON.stringify(record) }).toString() }
}
