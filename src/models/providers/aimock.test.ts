/** The law of providers in every dialect, at a server that was not written beside them: text, tools, pictures, faults. */
import { describe, expect, it } from 'vitest'
import { type AtAimock, aimockRig } from '../../../test/models/aimock.ts'
import { dialects } from '../../../test/models/dialects.ts'
import { ask, collect, never, textOf } from '../model.contract.rig.ts'
import { modelContract, type Scene, type SceneUsage } from '../model.contract.ts'
import type { ModelEvent } from '../model.ts'

const alwaysCounts = {
  scene: (scene: Scene) => scene.usages?.length === 0,
  reason: 'aimock always counts in this dialect',
}
const inputOutput = ({ input, output }: SceneUsage) => ({ input_tokens: input, output_tokens: output })

const places: Record<string, AtAimock> = {
  'chat completions at aimock': {
    spoken: dialects['chat completions'],
    path: '/v1/chat/completions',
    end: /"finish_reason":"/,
    usage: ({ input, output }) => ({ prompt_tokens: input, completion_tokens: output }),
    finishes: { length: 'length', filter: 'content_filter' },
    cannot: [alwaysCounts],
  },
  'responses at aimock': {
    spoken: dialects.responses,
    path: '/v1/responses',
    end: /response\.output_text\.done/,
    usage: inputOutput,
    finishes: { length: 'length' },
    cannot: [alwaysCounts],
  },
  'anthropic at aimock': {
    spoken: dialects.anthropic,
    path: '/v1/messages',
    end: /event: content_block_stop/,
    usage: inputOutput,
    finishes: { length: 'length' },
  },
  'ollama at aimock': {
    spoken: dialects.ollama,
    path: '/api/chat',
    end: /"done":true/,
    finishes: {},
    cannot: [
      { scene: ({ reasoning }) => reasoning !== undefined, reason: 'aimock names thoughts otherwise than Ollama does' },
    ],
  },
}

for (const [name, at] of Object.entries(places)) modelContract(name, aimockRig(at))

const met = <Fault extends string>(faults: readonly Fault[]) =>
  Object.entries(places).flatMap(([name, at]) => faults.map((fault) => ({ name, at, fault })))

describe('chaos at aimock', () => {
  it.for(met(['dropRate', 'rateLimitRate'] as const))(
    '$name: a request that meets $fault is made again, and answered',
    async ({ at, fault }) => {
      await using rig = await aimockRig(at)([{ chaos: { [fault]: 1 } }, { tokens: ['It is', ' thirty days.'] }])
      const events = await collect(rig.provider.stream(ask(rig), never))
      expect(textOf(events)).toBe('It is thirty days.')
      expect(events.at(-1)).toEqual({ type: 'finish', reason: 'stop' })
      expect(rig.count()).toBe(2)
    },
  )

  it.for(met(['malformedRate', 'disconnectRate'] as const))(
    '$name: one that meets $fault may have been paid for, and is not made again without a word',
    async ({ at, fault }) => {
      await using rig = await aimockRig(at)([{ chaos: { [fault]: 1 } }, { tokens: ['It is', ' thirty days.'] }])
      const events: ModelEvent[] = []
      const read = async () => {
        for await (const event of rig.provider.stream(ask(rig), never)) events.push(event)
        return events.at(-1)
      }
      const end = await read().catch((error: unknown) => error)
      expect(end).toMatchObject(end instanceof Error ? { code: 'model_unreachable' } : { reason: 'truncated' })
      expect(textOf(events)).toBe('')
      expect(rig.count()).toBe(1)
    },
  )
})
