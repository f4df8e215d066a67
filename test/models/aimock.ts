/** The rig of a dialect at `@copilotkit/aimock`, a model server for tests that was not written beside these providers. */
import { type ChaosConfig, type Fixture, type FixtureResponse, LLMock } from '@copilotkit/aimock'
import { type ModelRig, type Scene, type SceneUsage, Unplayable } from '../../src/models/model.contract.ts'
import { type Broken, startProxy } from '../servers/proxy.ts'
import { isJson, model, type Spoken, secret } from './dialects.ts'

export interface AtAimock {
  spoken: Spoken
  path: string
  /** Fits the first line of the stream after the text. */
  end: RegExp
  /** Usage in aimock's words; `undefined` where it tells none of its own. */
  usage?: (usage: SceneUsage) => Record<string, number>
  finishes: Partial<Record<NonNullable<Scene['finish']>, string>>
  cannot?: { scene: (scene: Scene) => boolean; reason: string }[]
}

/** With faults of aimock's own. */
export interface ChaosScene extends Scene {
  chaos?: ChaosConfig
}

export function aimockRig(at: AtAimock): (scenes: ChaosScene[]) => Promise<ModelRig> {
  return async (scenes) => {
    const fixtures = scenes.map((scene) => fixtureOf(at, scene))
    let asked = 0
    const mock = new LLMock({ port: 0, logLevel: 'silent' })
    // One for each request, and the last one for all that follow.
    for (const [index, fixture] of fixtures.entries()) {
      const last = index === fixtures.length - 1
      mock.addFixture({
        ...fixture,
        match: { model, predicate: () => (last ? asked >= index + 1 : asked === index + 1) },
      })
    }
    await mock.start()
    const proxy = await startProxy({
      upstream: mock.url,
      counts: (path) => path.startsWith(at.path),
      broken(index) {
        asked = index + 1
        return brokenBy(at, scenes[Math.min(index, scenes.length - 1)] ?? {})
      },
    })
    async function close(): Promise<void> {
      await proxy.close()
      await mock.stop()
    }
    return {
      provider: at.spoken.provider(proxy.origin),
      model,
      secret,
      async sent(index) {
        const { body, closed } = await proxy.request(index)
        return { ...at.spoken.sent(body), closed }
      },
      count: () => proxy.passed.length,
      goAway: () => proxy.close(),
      [Symbol.asyncDispose]: close,
    }
  }
}

function brokenBy(at: AtAimock, { cut, splitBytes, headersAfterMs }: Scene): Broken {
  return {
    from: cut ? at.end : undefined,
    how: cut ? cut.how : undefined,
    splitBytes,
    headersAfterMs,
  }
}

const statuses = { key: 401, busy: 429, broken: 500, malformed: 400, unknownModel: 404, overflow: 400 } as const

function fixtureOf(at: AtAimock, scene: ChaosScene): Omit<Fixture, 'match'> {
  const impossible = at.cannot?.find((each) => each.scene(scene))
  if (impossible) throw new Unplayable(impossible.reason)
  if (scene.failure) throw new Unplayable('aimock fails before its stream or breaks it off, and tells nothing in it')
  if (scene.refuse) {
    const refusal = at.spoken.refusals[scene.refuse]
    const { message = 'refused', type = 'scripted', code } = refusal.error ?? {}
    // aimock tells a second where nothing is said; the contract wants none then.
    if (scene.refuse === 'busy' && scene.retryAfterS === undefined)
      return { response: { error: { message }, status: 503 } }
    return {
      response: {
        error: { message, type, ...(code ? { code } : {}) },
        status: statuses[scene.refuse],
        ...(scene.retryAfterS === undefined ? {} : { retryAfter: scene.retryAfterS }),
      },
    }
  }
  return { response: said(at, scene), chunkSize: 5, ...(scene.chaos ? { chaos: scene.chaos } : {}) }
}

function said(at: AtAimock, { tokens = ['ok'], reasoning, calls, usages, finish, cut }: Scene): FixtureResponse {
  const content = tokens.slice(0, cut?.after).join('')
  const thought = reasoning ? { reasoning: reasoning.join('') } : {}
  if (calls) {
    if (calls.some((call) => !isJson(call.arguments))) throw new Unplayable('aimock mends arguments that are not JSON')
    return { content, toolCalls: calls, ...thought }
  }
  const ended = finish === undefined || finish === 'stop' ? undefined : at.finishes[finish]
  if (finish !== undefined && finish !== 'stop' && ended === undefined)
    throw new Unplayable(`aimock has no end by ${finish} in this dialect`)
  return { content, ...thought, ...(ended ? { finishReason: ended } : {}), ...usageOf(at, usages) }
}

function usageOf(at: AtAimock, usages: SceneUsage[] | undefined): { usage?: Record<string, number> } {
  if (usages === undefined || usages.length === 0) return {}
  const [usage] = usages
  if (usages.length > 1 || usage === undefined) throw new Unplayable('aimock tells usage once')
  if (at.usage === undefined) throw new Unplayable('aimock tells no usage of its own in this dialect')
  if (usage.cacheRead || usage.cacheWrite || usage.reasoning)
    throw new Unplayable('aimock knows no parts of usage here')
  return { usage: at.usage(usage) }
}
