/** The contract of every retriever: what fits comes first, nobody is shown what they may not see, and a signal ends the work. */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Artifact } from '../core/artifact.ts'
import { spenderOf } from '../core/scope.ts'
import type { ArtifactRef, Retrieval, Retriever } from './passages.ts'

export interface RetrieverRig {
  retriever: Retriever
  /** Makes it findable for those in this conversation. */
  share(conversation: string, artifact: Artifact): Promise<void>
  /** Holds up every retrieval that starts from now on, until it is disposed of. */
  hold(): Promise<AsyncDisposable>
  /** Retrievals that the server is still working on. */
  working(): Promise<number>
}

const spender = spenderOf({ platform: 'test', workspaceId: 'team', channelId: 'general' }, { id: 'ann' })

export function artifactOf(name: string, texts: string[]): Artifact {
  const segments = texts.map((text, i) => ({ text, at: { kind: 'page' as const, page: i + 1 }, tokens: 10 }))
  const contentHash = createHash('sha256').update(name).digest('hex')
  return {
    contentHash,
    engine: 'pdf-1',
    mediaType: 'application/pdf',
    segments,
    tokens: 10 * texts.length,
    problems: [],
  }
}

export function retrieverContract(name: string, open: () => Promise<RetrieverRig & AsyncDisposable>): void {
  describe(`the retriever: ${name}`, () => {
    let rig: RetrieverRig & AsyncDisposable
    beforeAll(async () => {
      rig = await open()
    })
    afterAll(() => rig?.[Symbol.asyncDispose]())

    const find = (question: string, conversation: string, more: Partial<Retrieval> = {}) =>
      rig.retriever.retrieve(question, {
        audience: { conversation, place: conversation },
        limit: 10,
        signal: AbortSignal.timeout(30_000),
        spender,
        ...more,
      })
    const refOf = ({ contentHash, engine }: ArtifactRef) => ({ contentHash, engine })

    it('gives the passages that fit, best first, and no more than asked for', async () => {
      const lease = artifactOf('lease', [
        'The rent is due on the first of the month.',
        'The deposit is three months of rent. The deposit is paid back at the end.',
        'Pets are allowed.',
      ])
      await rig.share('test/team/law-1', lease)
      const found = await find('How much is the deposit?', 'test/team/law-1')
      expect(found[0]).toMatchObject({
        ...refOf(lease),
        ordinal: 1,
        at: { kind: 'page', page: 2 },
        text: lease.segments[1]?.text,
      })
      expect(found.every(({ score }, at) => score <= (found[at - 1]?.score ?? score))).toBe(true)
      expect(await find('rent deposit month', 'test/team/law-1', { limit: 1 })).toHaveLength(1)
    })

    it('shows a conversation nothing that was not shared in it, even when it is asked for by its content', async () => {
      const secret = artifactOf('secret', ['The secret project is called Heron.'])
      await rig.share('test/team/theirs', secret)
      await rig.share('test/team/ours', artifactOf('open', ['The open project is called Sparrow.']))
      expect(await find('What is the secret project called?', 'test/team/theirs')).toHaveLength(1)
      const among = [refOf(secret)]
      expect(await find('What is the secret project called?', 'test/team/ours', { among })).toEqual([])
      const ours = await find('project called', 'test/team/ours')
      expect(ours.map(({ text }) => text)).toEqual(['The open project is called Sparrow.'])
    })

    it('shows an unknown conversation nothing', async () => {
      const known = artifactOf('known', ['The answer is known.'])
      await rig.share('test/team/known', known)
      for (const conversation of ['test/team/unknown', '', 'test/team/known/', '%'])
        expect(await find('known answer', conversation, { among: [refOf(known)] })).toEqual([])
    })

    it('keeps to the artifacts that it is told', async () => {
      const [one, two] = [artifactOf('one', ['Clause one about fees.']), artifactOf('two', ['Clause two about fees.'])]
      for (const each of [one, two]) await rig.share('test/team/two', each)
      expect(await find('clause fees', 'test/team/two')).toHaveLength(2)
      const found = await find('clause fees', 'test/team/two', { among: [refOf(two)] })
      expect(found.map(({ contentHash }) => contentHash)).toEqual([two.contentHash])
      expect(await find('clause fees', 'test/team/two', { among: [] })).toEqual([])
    })

    it('gives nothing for a question without words', async () => {
      await rig.share('test/team/words', artifactOf('words', ['Some words.']))
      for (const question of ['', '   ', '???']) expect(await find(question, 'test/team/words')).toEqual([])
    })

    it('does not start for a signal that has come before', async () => {
      await using _held = await rig.hold()
      await expect(find('words', 'test/team/words', { signal: AbortSignal.abort('gone') })).rejects.toBe('gone')
      expect(await rig.working()).toBe(0)
    })

    it('ends at once with the signal, and so does the work on the server', async () => {
      await rig.share('test/team/slow', artifactOf('slow', ['Slow words.']))
      const stop = new AbortController()
      {
        await using _held = await rig.hold()
        const finding = find('slow words', 'test/team/slow', { signal: stop.signal })
        await expect.poll(() => rig.working()).toBe(1)
        stop.abort('gone')
        await expect(finding).rejects.toBe('gone')
        await expect.poll(() => rig.working()).toBe(0)
      }
      expect(await find('slow words', 'test/team/slow')).toHaveLength(1)
    })
  })
}
