/** A file with a word that nothing else has, read for a question, with answers that rest on it: where is the word after a deletion? */
import { randomUUID } from 'node:crypto'
import { createConsoleBoard } from '../adapters/console/board-postgres.ts'
import type { IncomingMessage } from '../src/core/message.ts'
import { createPassageIndex } from '../src/search/providers/postgres.ts'
import { artifactOf } from '../src/search/retriever.contract.ts'
import { createAttachments } from '../src/store/attachments.ts'
import type { Database } from '../src/store/database.ts'
import type { StoredOutcome } from '../src/store/turns.ts'
import { createTurns } from '../src/store/turns-postgres.ts'
import { file, message } from './fakes/message.ts'
import { knowBlobs } from './fixtures/blobs.ts'

/** A word that only the file and its name have. */
export const canary = 'kolibri'
export const title = `${canary}.pdf`
export const conversation = { platform: 'test', workspaceId: 'team', channelId: 'general' }
export const attachment = { ...file(title), id: 'F1', messageId: 'M1' }

export interface SharedCanary {
  turnId: string
  messageId: string
  /** Of the attachment and its share. */
  ref: string
}

export const receiptOfFile = () => ({
  attachmentId: 'F1',
  name: title,
  outcome: 'read' as const,
  summary: `1 page of ${title}`,
  problems: [],
})

/** `own`: of the question that brought it. */
export function outcome(ref: string, own: boolean): StoredOutcome {
  const source = {
    n: 1,
    kind: own ? ('file' as const) : ('memory' as const),
    title,
    ref,
    url: `https://files.example/${canary}`,
  }
  return {
    text: 'It flies [1].',
    state: 'done',
    citations: [{ n: 1, source, at: { kind: 'page', page: 1 }, quote: `The ${canary} flies.` }],
    receipt: {
      model: 'm',
      provider: 'p',
      reason: '',
      costNanoUsd: null,
      attempts: 1,
      attachments: own ? [receiptOfFile()] : [],
      thoughts: `They ask about the ${canary}.`,
      used: { summary: `all of ${title}`, tokens: 1, tokensAvailable: 1 },
      memory: { files: own ? [] : [{ title, ref, where: '#general', outcome: 'used' }] },
      notices: [`A newer version of ${title} was shared.`, 'Something else.'],
      ms: { queued: 0, firstText: null, total: 0 },
    },
  }
}

export function createCanaryRig(database: Database) {
  const turns = createTurns(database)
  /** Ann shares it in a channel and asks. */
  async function share(): Promise<SharedCanary> {
    const asked: IncomingMessage = {
      ...message({ author: 'ann', text: 'Look', attachments: [attachment] }),
      kind: 'mention',
    }
    const { turnId, dispatch } = await turns.accept(asked)
    const [ref = ''] = dispatch.attachmentIds
    const artifact = artifactOf(title, [`The ${canary} flies.`])
    const attachments = createAttachments(database)
    await knowBlobs(database.pool, artifact.contentHash)
    await attachments.claim(ref, 'reader', 60_000)
    await attachments.refer(ref, 'reader', artifact.contentHash)
    await attachments.saveArtifact(artifact)
    await createPassageIndex(database.lasting).add(artifact)
    await attachments.finish(ref, 'reader', { receipt: receiptOfFile(), key: artifact })
    return { turnId, messageId: asked.id, ref }
  }

  async function finish(turnId: string, with_: StoredOutcome): Promise<void> {
    await turns.claim(turnId, 'worker', 60_000)
    await turns.saveOutcome(turnId, 'worker', with_)
    await turns.finish(turnId, 'worker', with_, null)
  }

  /** An answer elsewhere that rests on the file, also on the page. */
  async function resting(ref: string, channelId: string): Promise<string> {
    const thread = randomUUID()
    const { turnId } = await turns.accept({ ...message({ channelId, author: 'bob' }), kind: 'mention' })
    await finish(turnId, outcome(ref, false))
    const board = createConsoleBoard(database.query)
    const at = { threadId: thread, listed: true, owner: null }
    const asked = message({ platform: 'console', channelId: thread })
    await board.addMessage({ ...at, id: asked.id, title: 'x', text: 'x', attachments: [] })
    const onPage = await turns.accept({
      ...asked,
      conversation: { platform: 'console', workspaceId: 'local', channelId: thread },
    })
    await finish(onPage.turnId, outcome(ref, false))
    const { text, citations, receipt } = outcome(ref, false)
    await board.saveReply({
      id: randomUUID(),
      threadId: thread,
      text,
      state: 'done',
      turnId: onPage.turnId,
      citations,
      receipt,
    })
    return turnId
  }

  /** The tables in which the word still is. */
  async function left(): Promise<string[]> {
    const { rows } = await database.pool.query<{ name: string }>(
      `select table_name as name from information_schema.tables where table_schema = 'public'`,
    )
    const found: string[] = []
    for (const { name } of rows) {
      const { rows: hits } = await database.pool.query(
        `select 1 from "${name}" row where row::text ilike '%${canary}%'`,
      )
      if (hits.length > 0) found.push(name)
    }
    return found.sort()
  }

  return { turns, share, finish, resting, left }
}
