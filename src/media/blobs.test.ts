import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createBlobs } from './blobs.ts'

test('what a killed process had half taken in is cleared, what may still come in is not', async () => {
  const home = mkdtempSync(join(tmpdir(), 'parley-blobs-'))
  onTestFinished(() => rmSync(home, { recursive: true, force: true }))
  const incoming = join(home, 'blobs', 'incoming')
  mkdirSync(incoming, { recursive: true })
  for (const name of ['abandoned', 'coming']) writeFileSync(join(incoming, name), 'half')
  const earlier = new Date(Date.now() - 2 * 3_600_000)
  utimesSync(join(incoming, 'abandoned'), earlier, earlier)
  createBlobs(home)
  await expect.poll(() => readdirSync(incoming)).toEqual(['coming'])
})
