/** The part of a platform's law that holds for what it need not have. A platform has it, or says why not. */
import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { receipt } from '../../test/fakes/receipt.ts'
import type { Notice, OutgoingFile } from './command.ts'
import type { IncomingMessage, ReplyTarget } from './message.ts'
import type { Ability, ContractOptions, PlatformRig, recorder } from './platform.contract.rig.ts'
import type { OutgoingMessage } from './platform.ts'

export interface AbilityContext {
  rig(): PlatformRig
  inbox(): ReturnType<typeof recorder>
  /** Somebody wrote, and it was taken in. */
  written(): Promise<IncomingMessage>
}

const signal = new AbortController().signal

export function abilityLaws(options: ContractOptions, { rig, inbox, written }: AbilityContext): void {
  const { lacks = {} } = options

  function law(ability: Ability, text: string, test: () => Promise<void>, unless?: string): void {
    const why = lacks[ability] ?? unless
    it.skipIf(why !== undefined)(why === undefined ? text : `${text} (${why})`, test)
  }

  /** A rig without the ability and without a reason is a fault of the test. */
  function able<Name extends keyof PlatformRig>(name: Name): NonNullable<PlatformRig[Name]> {
    const found = rig()[name]
    if (found === undefined) throw new Error(`the rig has no ${name}: add it, or its reason to \`lacks\``)
    return found
  }

  const file = (text: string): OutgoingFile => ({
    name: 'answer.md',
    mediaType: 'text/markdown',
    data: new TextEncoder().encode(text),
  })

  async function attach(target: ReplyTarget, turnId: string, text: string, key = `${turnId}-file`) {
    const { transport } = rig().platform
    if (transport.attach === undefined) throw new Error('the transport has no attach')
    return await transport.attach(target, turnId, file(text), { key, signal })
  }

  law('attach', 'a file is added to a reply, whole and under its name, and taken away again', async () => {
    const { replyTarget } = await written()
    const ref = await attach(replyTarget, randomUUID(), 'The whole answer. ✓\n')
    expect(await able('attached')(replyTarget)).toEqual([
      { name: 'answer.md', content: Buffer.from('The whole answer. ✓\n') },
    ])
    const stored = JSON.parse(JSON.stringify({ ref, replyTarget }))
    await rig().platform.transport.remove(stored.replyTarget, stored.ref, { signal })
    expect(await able('attached')(replyTarget)).toEqual([])
  })

  law(
    'attach',
    'a file that is added again is one file',
    async () => {
      const { replyTarget } = await written()
      const turnId = randomUUID()
      await attach(replyTarget, turnId, 'Whole.')
      await attach(replyTarget, turnId, 'Whole.')
      expect(await able('attached')(replyTarget)).toHaveLength(1)
    },
    options.doublePosts,
  )

  async function notify(target: ReplyTarget, notice: Notice, key: string): Promise<void> {
    const { transport } = rig().platform
    if (transport.notify === undefined) throw new Error('the transport has no notify')
    await transport.notify(target, notice, { key, signal })
  }

  law('notify', 'something is said outside of any reply', async () => {
    const { replyTarget } = await written()
    const button = { label: 'Show', action: { kind: 'command', text: 'budget show' } } as const
    await notify(replyTarget, { text: 'The budget of this month is nearly spent.', buttons: [button] }, randomUUID())
    expect(await able('notices')(replyTarget)).toEqual([
      expect.stringContaining('The budget of this month is nearly spent.'),
    ])
    expect(await rig().seen(replyTarget)).toEqual([])
  })

  law(
    'notify',
    'something that is said again is said once',
    async () => {
      const { replyTarget } = await written()
      const key = randomUUID()
      await notify(replyTarget, { text: 'Nearly spent.' }, key)
      await notify(replyTarget, { text: 'Nearly spent.' }, key)
      expect(await able('notices')(replyTarget)).toHaveLength(1)
    },
    options.doublePosts,
  )

  /** A finished reply, as people see it before they press something. */
  async function replied(target: ReplyTarget): Promise<string> {
    const turnId = randomUUID()
    const end = { state: 'done', receipt } as const
    const message: OutgoingMessage = { turnId, text: 'So it is.', citations: [], phase: 'final', end }
    await rig().platform.transport.post(target, message, { key: `${turnId}-0`, signal })
    return turnId
  }

  law('buttons', 'a finished reply has buttons to regenerate and rate it, each an action of its turn', async () => {
    const { replyTarget } = await written()
    const turnId = await replied(replyTarget)
    const buttons = await able('buttons')(replyTarget)
    expect(rig().platform.capabilities.buttons).toBe(true)
    for (const kind of ['regenerate', 'good', 'bad', 'why', 'mine'] as const)
      expect(buttons).toContainEqual({ kind, turnId })
    expect(buttons.filter(({ kind }) => kind === 'stop')).toEqual([])
  })

  law('press', 'a pressed button reaches intake with who pressed it and where, and they are told', async () => {
    const { replyTarget, author } = await written()
    const turnId = await replied(replyTarget)
    const pressed = await able('press')({
      eventId: randomUUID(),
      button: { kind: 'regenerate', turnId },
      target: replyTarget,
    })
    expect(pressed).toEqual({ acknowledged: true, told: expect.stringContaining(inbox().state.notice) })
    expect(inbox().acted).toMatchObject([{ kind: 'regenerate', turnId, by: { id: author.id } }])
    const at = inbox().acted[0]?.replyTarget.conversation
    expect(at).toMatchObject({
      platform: replyTarget.conversation.platform,
      workspaceId: replyTarget.conversation.workspaceId,
    })
    expect(inbox().acted[0]?.id).toEqual(expect.stringMatching(/./))
  })

  law('press', 'who may not press a button is told why', async () => {
    const { replyTarget } = await written()
    const turnId = await replied(replyTarget)
    inbox().state.refusing = 'Only Ann, who asked, can stop this answer.'
    const pressed = await able('press')({
      eventId: randomUUID(),
      button: { kind: 'stop', turnId },
      target: replyTarget,
    })
    expect(pressed.told).toContain('Only Ann, who asked, can stop this answer.')
  })

  law('command', 'a typed command reaches intake with who typed it and where, and its answer is shown', async () => {
    const { author, conversation } = await written()
    const answered = await able('command')({ eventId: randomUUID(), text: 'budget show' })
    expect(answered).toEqual({ acknowledged: true, told: expect.stringContaining(inbox().state.notice) })
    const { platform, workspaceId } = conversation
    expect(inbox().commands).toMatchObject([
      { text: 'budget show', author: { id: author.id }, conversation: { platform, workspaceId } },
    ])
    expect(inbox().commands[0]?.replyTarget.conversation).toMatchObject({ platform, workspaceId })
  })

  law('command', 'each command has an id of its own', async () => {
    await able('command')({ eventId: randomUUID(), text: 'help' })
    await able('command')({ eventId: randomUUID(), text: 'help' })
    expect(new Set(inbox().commands.map(({ id }) => id)).size).toBe(2)
  })

  law('revise', 'a message that its author changes is told with the id it came with', async () => {
    const eventId = randomUUID()
    await rig().write({ eventId, text: 'Whta?' })
    await able('revise')({ eventId, text: 'What?' })
    const [taken] = inbox().received
    expect(inbox().revisions).toMatchObject([
      { platform: rig().platform.name, id: taken?.id, text: 'What?', by: { id: taken?.author.id } },
    ])
    expect(inbox().received).toHaveLength(1)
  })

  law('erase', 'a message that its author deletes is taken back, by the id it came with', async () => {
    const eventId = randomUUID()
    await rig().write({ eventId, text: 'My secret question' })
    await able('erase')({ eventId })
    expect(inbox().withdrawn).toEqual(inbox().received.map(({ id }) => id))
    expect(inbox().withdrawn).toHaveLength(1)
  })

  law('follow', 'thanks in a thread that Parley takes part in are left to people', async () => {
    const { replyTarget } = await written()
    for (const text of ['thanks!', '👍']) {
      const followed = await able('follow')({ eventId: randomUUID(), text, target: replyTarget })
      expect(followed).toEqual({ acknowledged: true })
    }
    expect(inbox().received).toHaveLength(1)
  })

  law('follow', 'a message in a thread that Parley takes part in needs no mention', async () => {
    const { replyTarget, conversation } = await written()
    const followed = await able('follow')({ eventId: randomUUID(), text: 'And then?', target: replyTarget })
    expect(followed.acknowledged).toBe(true)
    expect(inbox().received).toHaveLength(2)
    expect(inbox().received[1]).toMatchObject({ text: 'And then?', conversation })
  })

  law('follow', 'a message in a thread of others is none of Parley’s business', async () => {
    const { replyTarget } = await written()
    inbox().state.takesPart = false
    const followed = await able('follow')({ eventId: randomUUID(), text: 'Lunch?', target: replyTarget })
    expect(followed).toEqual({ acknowledged: true })
    expect(inbox().received).toHaveLength(1)
  })
}
