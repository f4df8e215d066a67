/** What every server for embeddings must do, whichever API it speaks. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { EmbeddingsServer } from '../../test/servers/embeddings.ts'
import type { EmbeddingRequest, EmbeddingServer } from './embedding.ts'

export interface EmbeddingRig {
  embeddings: EmbeddingServer
  /** The same with a key that the server does not know; absent where there are no keys. */
  wrongKey?: EmbeddingServer
  server: EmbeddingsServer
}

export function embeddingContract(name: string, openRig: () => Promise<EmbeddingRig>): void {
  describe(`embeddings: ${name}`, () => {
    let rig: EmbeddingRig
    beforeEach(async () => {
      rig = await openRig()
    })
    afterEach(() => rig?.server.close())

    const embed = (more: Partial<EmbeddingRequest> = {}, { embeddings } = rig) =>
      embeddings.embed({
        model: 'embed-small',
        texts: ['secret heron', 'sparrow', 'heron'],
        as: 'passage',
        signal: AbortSignal.timeout(20_000),
        ...more,
      })
    const failed = async (working: Promise<unknown>) => {
      const thrown: unknown = await working.then(
        () => undefined,
        (error: unknown) => error,
      )
      expect(thrown).toMatchObject({ userMessage: expect.stringMatching(/^[A-Z].*\.$/) })
      expect(`${String(thrown)} ${JSON.stringify(thrown)}`).not.toContain('secret')
      return thrown
    }

    it('gives each text its vector, in the order of the texts', async () => {
      const { vectors, tokens } = await embed()
      expect(vectors.map(({ length }) => length)).toEqual([256, 256, 256])
      expect(tokens).toBeGreaterThan(0)
      const alone = await Promise.all(
        ['secret heron', 'sparrow', 'heron'].map(async (text) => (await embed({ texts: [text] })).vectors[0]),
      )
      expect(vectors).toEqual(alone)
    })

    it('gives questions and passages the form that the model wants', async () => {
      for (const model of ['nomic-embed-text', 'intfloat/multilingual-e5-small', 'bge-m3'])
        rig.server.models.set(model, 64)
      const sent = async (model: string, as: EmbeddingRequest['as']) => {
        await embed({ model, as, texts: ['heron'] })
        return rig.server.asked.at(-1)?.texts
      }
      expect(await sent('nomic-embed-text', 'question')).toEqual(['search_query: heron'])
      expect(await sent('nomic-embed-text', 'passage')).toEqual(['search_document: heron'])
      expect(await sent('intfloat/multilingual-e5-small', 'question')).toEqual(['query: heron'])
      expect(await sent('intfloat/multilingual-e5-small', 'passage')).toEqual(['passage: heron'])
      expect(await sent('bge-m3', 'question')).toEqual(['heron'])
    })

    it('lists the models for embeddings', async () => {
      rig.server.models.set('nomic-embed-text', 64)
      expect(await rig.embeddings.list(AbortSignal.timeout(20_000))).toEqual(['embed-small', 'nomic-embed-text'])
    })

    it.each([
      ['vectors of different lengths', (vectors: number[][]) => vectors.map((vector, at) => vector.slice(at))],
      ['empty vectors', (vectors: number[][]) => vectors.map(() => [])],
      [
        'values that are no numbers',
        (vectors: number[][]) => vectors.map((vector) => [Number.NaN, ...vector.slice(1)]),
      ],
      ['vectors of nothing but zeros', (vectors: number[][]) => vectors.map((vector) => vector.map(() => 0))],
      ['fewer vectors than texts', (vectors: number[][]) => vectors.slice(1)],
      ['more vectors than texts', (vectors: number[][]) => [...vectors, ...vectors]],
      ['text instead of vectors', (vectors: number[][]) => vectors.map(() => 'AAAA')],
    ])('refuses %s', async (_what, change) => {
      rig.server.changes(change)
      expect(await failed(embed())).toMatchObject({ code: 'embeddings_unusable' })
    })

    it.each([
      [
        'a server that is busy',
        { status: 429, headers: { 'retry-after': '7' } },
        { code: 'model_busy', retryAfterMs: 7_000 },
      ],
      ['a server that fails', { status: 500 }, { code: 'model_unreachable' }],
      ['HTML instead of vectors', { status: 200, body: '<!doctype html><title>Hello</title>' }, {}],
      ['JSON of another shape', { status: 200, body: '{"data":7,"embeddings":7}' }, { code: 'embeddings_unusable' }],
      ['JSON that is cut off', { status: 200, body: '{"data":[{"embedding":[0.1' }, {}],
      ['texts that are too long', { status: 413 }, { code: 'model_context_overflow' }],
    ])('%s is an error with a sentence', async (_what, answer, expected) => {
      rig.server.answers(answer)
      expect(await failed(embed())).toMatchObject(expected)
    })

    it('a model that the server does not have is named', async () => {
      expect(await failed(embed({ model: 'other-model' }))).toMatchObject({
        code: 'model_rejected_request',
        userMessage: expect.stringContaining('other-model'),
      })
    })

    it('a server that does not answer is left when nobody waits any more', async () => {
      rig.server.hangs(true)
      const gone = new AbortController()
      const reached = rig.server.reached()
      const working = embed({ signal: gone.signal })
      await reached
      gone.abort(new Error('enough'))
      await expect(working).rejects.toThrow()
    })

    it('a server that is not there is an error with a sentence', async () => {
      await rig.server.close()
      expect(await failed(embed())).toMatchObject({ code: 'model_unreachable' })
    })

    it('a wrong key is refused', async () => {
      if (rig.wrongKey === undefined) return
      expect(await failed(embed({}, { ...rig, embeddings: rig.wrongKey }))).toMatchObject({ code: 'model_refused_key' })
    })
  })
}
