import { expect, it } from 'vitest'
import type { Queue } from '../queue/queue.ts'
import { doctorWording } from '../wording/terminal.ts'
import { type DoctorDeps, examine } from './doctor.ts'

async function disk(space: { freeBytes: number; totalBytes: number; low: boolean } | Error) {
  const queue: Pick<Queue, 'counts' | 'dead'> = {
    counts: async () => ({
      turn: { waiting: 0, active: 0, delayed: 0, dead: 0 },
      media: { waiting: 0, active: 0, delayed: 0, dead: 0 },
      system: { waiting: 0, active: 0, delayed: 0, dead: 0 },
    }),
    dead: async () => [],
  }
  const deps: Omit<DoctorDeps, 'queue'> & { queue: typeof queue } = {
    accounts: async () => ({ ok: true, userMessage: 'none' }),
    database: async () => 'PostgreSQL',
    queue,
    mail: null,
    models: async () => ({ names: [], problems: [] }),
    ffmpeg: async () => 'ffmpeg',
    ffmpegIsSet: false,
    transcriber: null,
    search: null,
    fileSearch: async () => ({ ok: true, userMessage: 'by words only' }),
    webhooks: async () => ({ ok: true, userMessage: 'none' }),
    consoleUrl: null,
    publicUrl: undefined,
    connections: [],
    disk: async () => {
      if (space instanceof Error) throw space
      return space
    },
  }
  const checks = await examine(deps as DoctorDeps)
  return checks.find(({ name }) => name === 'disk')
}

it('shows the free space, and warns before the disk is full', async () => {
  expect(await disk({ freeBytes: 40e9, totalBytes: 100e9, low: false })).toEqual({
    name: 'disk',
    ok: true,
    userMessage: doctorWording.disk('40 GB', '100 GB'),
  })
  expect(await disk({ freeBytes: 900e6, totalBytes: 100e9, low: true })).toMatchObject({
    ok: false,
    userMessage: doctorWording.diskLow('900 MB', '100 GB'),
  })
  expect(await disk(new Error('no such folder'))).toMatchObject({ ok: false })
})
