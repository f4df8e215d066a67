/** A citation of a recording: it plays in the panel from the cited second. */
import { describe, expect, test } from 'vitest'
import type { Position } from '../../src/core/artifact.ts'
import { sampleRate, toWav } from '../../src/media/pcm.ts'
import { pageWording } from '../../src/wording/page.ts'
import { findBrowser, noBrowser } from '../browser.ts'
import { citation } from '../fakes/source.ts'
import { receipt } from '../servers/console-api.ts'
import { hash, type Opened, usePage } from './console-page-setup.ts'

const here = findBrowser() !== null

/** Two minutes of a tone. */
function tone(): Buffer {
  const samples = new Int16Array(sampleRate * 120).map((_, at) => 3_000 * Math.sin(at / 6))
  return Buffer.from(toWav(samples))
}

describe.skipIf(!here)(here ? 'a cited recording' : `a cited recording (${noBrowser})`, () => {
  const open = usePage()

  async function cite({ page, ask }: Opened, at: Position) {
    const turn = await ask('What did they say?')
    turn.write('They agreed [1].')
    turn.finish({ citations: [citation(1, 'call.wav', { contentHash: hash, at })], receipt: receipt() })
    await page.locator('.source').first().click()
    await page.locator('.text-line.cited').first().waitFor()
  }

  test('plays from the cited second, and fetches only what it plays', async () => {
    const opened = await open({}, (api) => {
      api.recording = { kind: 'audio', mediaType: 'audio/wav', bytes: tone() }
    })
    const ranges: string[] = []
    opened.page.on('request', (request) => {
      if (request.url().endsWith('/recording')) ranges.push(request.headers().range ?? 'all')
    })
    await cite(opened, { kind: 'time', fromMs: 65_000, toMs: 80_000 })
    const player = opened.page.getByLabel(pageWording.source.player('call.wav', '1:05'))
    await expect.poll(() => player.evaluate((element: HTMLAudioElement) => element.currentTime)).toBe(65)
    await player.evaluate((element: HTMLAudioElement) => {
      element.muted = true
      return element.play()
    })
    await expect.poll(() => player.evaluate((element: HTMLAudioElement) => element.currentTime)).toBeGreaterThan(65)
    expect(ranges.every((range) => range.startsWith('bytes='))).toBe(true)
    expect(await player.evaluate((element: HTMLAudioElement) => Math.round(element.duration))).toBe(120)
  })

  test('that the browser cannot play shows its words and says so', async () => {
    const opened = await open({}, (api) => {
      api.recording = { kind: 'video', mediaType: 'video/avi', bytes: Buffer.alloc(2_000, 'RIFF') }
    })
    await cite(opened, { kind: 'time', fromMs: 60_000, toMs: 80_000 })
    await opened.page.getByText(pageWording.source.unplayable).waitFor()
    expect(await opened.page.locator('video').count()).toBe(0)
    expect(await opened.page.locator('.text-line.cited').count()).toBeGreaterThan(0)
  })
})
