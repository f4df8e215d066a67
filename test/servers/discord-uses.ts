/** Interactions on the stand-in: three seconds to acknowledge one, fifteen minutes to answer it by its token. */
import {
  type Answer,
  apply,
  type Call,
  checkContent,
  nothing,
  ok,
  Refusal,
  type RestState,
  take,
  type Use,
  write,
} from './discord-state.ts'
import type { WorldMessage } from './discord-world.ts'

/** Discord waits three seconds; a machine that is busy with other tests needs more. */
const ackWithinMs = 30_000
const loading = 128
const maxAloneFollowUps = 5

export function interactionOf(state: RestState, token: string): Use {
  const use = [...state.uses.values()].find((each) => each.token === token)
  // Nothing is known of a token before the interaction is acknowledged.
  if (use?.acknowledged === undefined) throw new Refusal(404, 10015, 'Unknown Webhook')
  if (state.world.now() > use.madeAt + state.tokenLifeMs) throw new Refusal(401, 50027, 'Invalid Webhook Token')
  return use
}

export function callback(state: RestState, call: Call, [id = '', token = '']: string[]): Answer {
  const use = state.uses.get(id)
  const afterMs = state.world.now() - (use?.madeAt ?? 0)
  if (use === undefined || use.token !== token || (use.acknowledged === undefined && afterMs > ackWithinMs))
    throw new Refusal(404, 10062, 'Unknown interaction')
  if (use.acknowledged !== undefined) throw new Refusal(400, 40060, 'Interaction has already been acknowledged.')
  const { type, data = {} } = call.body as { type: number; data?: Record<string, unknown> }
  if (type === 4) checkContent(state, data, call)
  use.acknowledged = { type, data, afterMs }
  use.ephemeral = (Number(data.flags ?? 0) & 64) !== 0
  if (type === 4) use.original = write(state, use.channel, { ...call, body: data }, use)
  // Shown as "thinking" until it is changed.
  if (type === 5) {
    use.original = write(
      state,
      use.channel,
      { ...call, body: { flags: Number(data.flags ?? 0) | 128, content: '' } },
      use,
    )
    use.original.times.length = 0
  }
  if ((type === 6 || type === 7) && use.message !== undefined) use.original = use.message
  if (type === 7 && use.message !== undefined) {
    checkContent(state, data, call, true)
    apply(state, use.message, { ...call, body: data })
  }
  state.changed()
  return nothing
}

export function ofUse(state: RestState, token: string, id: string): { use: Use; message: WorldMessage } {
  const use = interactionOf(state, token)
  const message = id === '@original' ? use.original : [use.original, ...use.followUps].find((each) => each?.id === id)
  if (message === undefined) throw new Refusal(404, 10008, 'Unknown Message')
  return { use, message }
}

export function editOfUse(state: RestState, call: Call, [token = '', id = '']: string[]): Answer {
  const { message } = ofUse(state, token, id)
  checkContent(state, call.body, call, true)
  message.flags = (message.flags ?? 0) & ~128
  apply(state, message, call)
  return ok(message)
}

export function deleteOfUse(state: RestState, _: Call, [token = '', id = '']: string[]): Answer {
  const { use, message } = ofUse(state, token, id)
  take(state, message)
  if (use.original === message) delete use.original
  return nothing
}

export function followUp(state: RestState, call: Call, [token = '']: string[]): Answer {
  const use = interactionOf(state, token)
  checkContent(state, call.body, call)
  // Directly after "thinking", it becomes that message, with who sees it:
  // https://discord.com/developers/docs/interactions/receiving-and-responding#create-followup-message
  const { original } = use
  if (original !== undefined && ((original.flags ?? 0) & loading) !== 0) {
    original.flags = (original.flags ?? 0) & ~loading
    apply(state, original, call)
    return ok(original)
  }
  // https://discord.com/developers/docs/interactions/receiving-and-responding#create-followup-message
  if (use.alone && use.followUps.length >= maxAloneFollowUps)
    throw new Refusal(400, 40094, 'This interaction has reached the maximum number of follow up messages')
  const message = write(state, use.channel, call, use)
  use.followUps.push(message)
  return ok(message)
}
