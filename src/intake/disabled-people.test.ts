import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { byTest } from '../../test/accounts-rig.ts'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { inChannel, openIntakeRig } from '../../test/intake-rig.ts'
import { addPerson } from '../../test/people.ts'
import { silentLog } from '../core/log.ts'
import { sessionsEndedTopic } from '../core/topics.ts'
import { createLocalChannel } from '../queue/channel.ts'
import type { Job, Queue } from '../queue/queue.ts'
import { createPeople } from '../store/people.ts'
import { stopForDisabled } from './disabled-people.ts'
import { stopTopic } from './stop.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server.dispose())

it('a disabled person gets no answer to what they asked before, from any of their accounts; others do', async () => {
  const rig = await openIntakeRig(server)
  const channel = createLocalChannel()
  const { database, turns } = rig
  const accounts = [
    { provider: 'test', issuer: 'team', subject: 'ann' },
    { provider: 'test', issuer: 'other', subject: 'ben' },
  ]
  const ann = await addPerson(database, 'Ann', { accounts })
  await addPerson(database, 'Root', { role: 'admin' })
  const answering = await rig.asked(inChannel())
  expect(await turns.claim(answering, 'w', 60_000)).toEqual({ kind: 'claimed' })
  const queued = await rig.asked(inChannel({ channelId: 'elsewhere' }))
  const ofOther = await rig.asked(inChannel({ channelId: 'third', author: 'ben' }))
  const stopped = new Set<unknown>()
  const jobs: Job[] = []
  await channel.subscribe(stopTopic, (message) => stopped.add((message as { turnId: string }).turnId))
  const end = await stopForDisabled({
    turns,
    channel,
    queue: { add: async (job: Job) => void jobs.push(job) } as unknown as Queue,
    log: silentLog,
  })
  // Signing out stops nothing.
  channel.publish(sessionsEndedTopic, ann)
  channel.publish(sessionsEndedTopic, randomUUID())
  expect(await turns.renew(answering, 'w', 60_000)).toBe('held')
  await createPeople({ database, channel }).setDisabled(ann, true, byTest)
  await expect.poll(() => stopped).toEqual(new Set([answering, queued]))
  // The queue keeps one job of several with one id.
  await expect
    .poll(() => [...new Map(jobs.map((job) => [job.id, job])).values()])
    .toMatchObject([{ name: 'turn', payload: { turnId: queued } }])
  expect(await turns.renew(answering, 'w', 60_000)).toBe('stop')
  expect(stopped).not.toContain(ofOther)
  await end()
  await channel.close()
  await rig.close()
})
