/** ffmpeg opens the one file that it was given and nothing else, within its limits, and is really killed. */

import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename, join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { recordingRig } from '../../test/fixtures/recording-rig.ts'
import { createSharedFiles, watched } from '../../test/fixtures/shared-files.ts'
import { generate, lacking } from '../../test/fixtures/speech.ts'
import { fileWording } from '../wording/files.ts'
import { recordingWording } from '../wording/recordings.ts'
import { createFfmpeg } from './providers/ffmpeg.ts'
import { type RecordingType, recordings } from './recordings.ts'

const without = lacking('ffmpeg')
const limits = { seconds: 20, memoryMb: 512 }
const options = { signal: new AbortController().signal, limits }

/** Something that must never be asked. */
async function trap() {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    response.end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, asked, close: () => server.close() }
}

describe.skipIf(without)(`files that try to open other files${without}`, () => {
  const attacks: Record<string, (target: { url: string; secret: string }) => string> = {
    'an m3u8 with an address': ({ url }) =>
      `#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10.0,\n${url}/segment.ts\n#EXT-X-ENDLIST\n`,
    'an m3u8 with a file': ({ secret }) =>
      `#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10.0,\n${pathToFileURL(secret)}\n#EXT-X-ENDLIST\n`,
    'an m3u8 that joins a secret to an address': ({ url, secret }) =>
      `#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:10.0,\nconcat:${url}/header.m3u8|${pathToFileURL(secret)}\n#EXT-X-ENDLIST\n`,
    'a concat list': ({ secret }) => `ffconcat version 1.0\nfile '${basename(secret)}'\n`,
    'a DASH manifest': ({ url }) =>
      `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT10S"><Period><AdaptationSet mimeType="audio/mp4"><Representation id="1" bandwidth="1"><BaseURL>${url}/a.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>`,
  }

  it.each(Object.entries(attacks))(
    '%s reaches nothing',
    async (_, attack) => {
      const reached = await trap()
      const files = createSharedFiles()
      const secret = join(files.folder, 'secret.wav')
      writeFileSync(secret, generate(['sine=duration=1'], [], 'secret.wav'))
      const content = attack({ url: reached.url, secret })
      const ffmpeg = createFfmpeg()
      // As no sniffing would let it: straight to ffmpeg, under each kind of recording.
      for (const type of Object.keys(recordings) as RecordingType[]) {
        const { path } = files.share('list.mp4', content)
        const input = { path, name: 'list.mp4', format: recordings[type] }
        await expect(ffmpeg.probe(input, options)).rejects.toMatchObject({ code: 'file_damaged' })
        const sound = await ffmpeg.run(
          input,
          { args: ['-f', 's16le', 'pipe:1'] },
          options,
          async ({ output, ended }) => {
            const [bytes, { complete }] = await Promise.all([buffer(output), ended])
            return { bytes: bytes.length, complete }
          },
        )
        expect(sound).toEqual({ bytes: 0, complete: false })
      }
      expect(reached.asked).toEqual([])
      reached.close()
      files.remove()
    },
    240_000,
  )

  it('ffmpeg without our options follows such a list', () => {
    const files = createSharedFiles()
    writeFileSync(join(files.folder, 'secret.wav'), generate(['sine=duration=1'], [], 'secret.wav'))
    const { path } = files.share('list.mp4', "ffconcat version 1.0\nfile 'secret.wav'\n")
    const stolen = execFileSync('ffmpeg', ['-v', 'error', '-nostdin', '-i', path, '-f', 's16le', 'pipe:1'])
    expect(stolen.length).toBeGreaterThan(80_000)
    files.remove()
  })
})

describe('limits', () => {
  /** A program in the place of ffmpeg and ffprobe. */
  function standIn(script: string) {
    const files = createSharedFiles()
    const pidFile = join(files.folder, 'pid')
    for (const name of ['ffmpeg', 'ffprobe']) {
      writeFileSync(join(files.folder, name), `#!/bin/sh\necho $$ > ${pidFile}\n${script}\n`)
      chmodSync(join(files.folder, name), 0o755)
    }
    const alive = () => {
      try {
        process.kill(Number(readFileSync(pidFile, 'utf8')), 0)
        return true
      } catch {
        return false
      }
    }
    const started = () => expect.poll(() => existsSync(pidFile)).toBe(true)
    return { ffmpeg: createFfmpeg({ path: files.folder }), files, alive, started }
  }

  const input = (path: string) => ({ path, name: 'voice.ogg', format: recordings['audio/ogg'] })
  const use = async ({ output, ended }: { output: AsyncIterable<unknown>; ended: Promise<unknown> }) => {
    for await (const _ of output);
    return ended
  }

  it.skipIf(process.platform === 'win32')('a run that hangs is killed at its limit', async () => {
    const { ffmpeg, files, alive } = standIn('exec sleep 60')
    const { path } = files.share('voice.ogg', 'OggS')
    const short = { ...options, limits: { ...limits, seconds: 0.3 } }
    const slow = { code: 'file_too_slow', userMessage: fileWording.limit.time('voice.ogg', 0.3) }
    await expect(ffmpeg.run(input(path), { args: [] }, short, use)).rejects.toMatchObject(slow)
    expect(alive()).toBe(false)
    await expect(ffmpeg.probe(input(path), short)).rejects.toMatchObject(slow)
    files.remove()
  })

  it.skipIf(process.platform !== 'linux')('a run that uses too much memory is killed at its limit', async () => {
    const { ffmpeg, files } = standIn(
      `exec ${process.execPath} -e "const a=[];setInterval(()=>a.push(Buffer.alloc(2e7,1)),5)"`,
    )
    const greedy = { ...options, limits: { seconds: 20, memoryMb: 200 } }
    const run = ffmpeg.run(input(files.share('voice.ogg', 'OggS').path), { args: [] }, greedy, use)
    await expect(run).rejects.toMatchObject({ code: 'file_too_hungry' })
    files.remove()
  })

  it.skipIf(process.platform === 'win32')('abort kills it and rejects with its reason', async () => {
    const { ffmpeg, files, alive, started } = standIn('exec sleep 60')
    const stop = new AbortController()
    const { path } = files.share('voice.ogg', 'OggS')
    const run = ffmpeg.run(input(path), { args: [] }, { ...options, signal: stop.signal }, use)
    await started()
    stop.abort(new Error('stopped by the sender'))
    await expect(run).rejects.toThrow('stopped by the sender')
    expect(alive()).toBe(false)
    files.remove()
  })

  it('a missing program is reported with what to install', async () => {
    await expect(createFfmpeg({ path: '/nowhere/ffmpeg' }).version()).rejects.toMatchObject({
      code: 'ffmpeg_missing',
      userMessage: recordingWording.ffmpegPathWrong,
    })
  })

  it.skipIf(without)(`garbage under any name is damaged${without}`, async () => {
    using rig = recordingRig()
    const header = generate(['sine=duration=1'], [], 'tone.ogg').subarray(0, 64)
    const garbage = Buffer.concat([header, Buffer.alloc(20_000, 'garbage')])
    await expect(rig.reader.read(rig.files.share('voice.ogg', garbage), watched())).rejects.toMatchObject({
      code: expect.stringMatching(/file_damaged|file_empty|transcriber_missing/),
      userMessage: expect.stringContaining('voice.ogg'),
    })
  })
})
