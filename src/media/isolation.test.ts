/** A reading process that misbehaves is ended within its limits, and Parley lives on. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { badFormats } from '../../test/fixtures/bad-formats.ts'
import { createSharedFiles, type SharedFiles, watched } from '../../test/fixtures/shared-files.ts'
import { fileWording } from '../wording/files.ts'
import { createReader } from './create-reader.ts'
import type { Reader } from './reader.ts'

const fixtures = fileURLToPath(new URL('../../test/fixtures/', import.meta.url))
let files: SharedFiles
let reader: Reader

beforeAll(() => {
  files = createSharedFiles()
})
afterEach(() => reader?.close())
afterAll(() => files.remove())

function start(limits: { seconds?: number; memoryMb?: number } = {}, concurrency = 2): Reader {
  reader = createReader({ formats: badFormats, readable: [fixtures], limits: { text: limits }, concurrency })
  return reader
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test('a parser in an endless loop is killed at its time limit', async () => {
  const watch = watched()
  const request = files.share('endless.txt', 'hang')
  await expect(start({ seconds: 1 }).read(request, watch)).rejects.toMatchObject({
    code: 'file_too_slow',
    userMessage: fileWording.limit.time('endless.txt', 1),
  })
  expect(isAlive((await watch.first).of)).toBe(false)
})

test('a parser runs at a lower priority than Parley', async () => {
  const watch = watched()
  const reading = start({ seconds: 5 }).read(files.share('endless.txt', 'hang'), watch)
  reading.catch(() => {})
  expect(getPriority((await watch.first).of)).toBeGreaterThan(getPriority())
  await reader.close()
  await expect(reading).rejects.toThrow()
})

test('text read before the time limit is kept and marked as partial', async () => {
  const artifact = await start({ seconds: 8 }).read(files.share('long.txt', 'hangAfterAPage'), watched())
  expect(artifact.segments.map(({ text }) => text)).toEqual(['The first page is here.'])
  expect(artifact.pages).toBe(9)
  expect(artifact.truncated).toBe(fileWording.partial.brokeOff('long.txt', 'p. 1', 9))
  expect(artifact.problems.map(({ code }) => code)).toEqual(['file_too_slow'])
})

test.each(['eatBuffers', 'eatHeap'])(
  'a parser that uses too much memory is killed at its limit (%s)',
  async (order) => {
    const watch = watched()
    await expect(
      start({ memoryMb: 300, seconds: 25 }).read(files.share('greedy.txt', order), watch),
    ).rejects.toMatchObject({
      code: 'file_too_hungry',
      userMessage: fileWording.limit.memory('greedy.txt', 300e6),
    })
    expect(isAlive((await watch.first).of)).toBe(false)
  },
)

test.each(['exit', 'segfault', 'throw', 'lie'])('a parser that crashes gives one clear error (%s)', async (order) => {
  const failure: unknown = await start()
    .read(files.share('broken.txt', order), watched())
    .catch((error: unknown) => error)
  expect(failure).toMatchObject({
    code: 'file_reader_crashed',
    retry: 'now',
    userMessage: expect.stringContaining('broken.txt'),
  })
  expect(String(failure)).not.toContain('secret')
})

test('the next file is read after a crash', async () => {
  start()
  await expect(reader.read(files.share('broken.txt', 'exit'), watched())).rejects.toMatchObject({
    code: 'file_reader_crashed',
  })
  const artifact = await reader.read(files.share('fine.txt', 'report environment'), watched())
  expect(artifact.segments).toHaveLength(1)
})

test('abort kills the reading process and rejects with its reason', async () => {
  const stop = new AbortController()
  const watch = watched(stop.signal)
  const reading = start().read(files.share('endless.txt', 'hang'), watch)
  const { of: pid } = await watch.first
  stop.abort(new Error('stopped by the sender'))
  await expect(reading).rejects.toThrow('stopped by the sender')
  expect(isAlive(pid)).toBe(false)
})

test('a read that waits for its turn can be aborted, and the turn goes to the next', async () => {
  start({}, 1)
  const first = new AbortController()
  const firstWatch = watched(first.signal)
  const running = reader.read(files.share('endless.txt', 'hang'), firstWatch)
  await firstWatch.first
  const second = new AbortController()
  const waiting = reader.read(files.share('waiting.txt', 'wait'), watched(second.signal))
  const third = reader.read(files.share('third.txt', 'report environment'), watched())
  second.abort(new Error('no longer wanted'))
  await expect(waiting).rejects.toThrow('no longer wanted')
  first.abort(new Error('enough'))
  await expect(running).rejects.toThrow('enough')
  expect((await third).segments).toHaveLength(1)
})

test.each([
  ['environment', '{}'],
  ['file', 'ERR_ACCESS_DENIED'],
  ['write', 'ERR_ACCESS_DENIED'],
  ['program', 'ERR_ACCESS_DENIED'],
  ['code', expect.stringContaining('EvalError')],
])('a reading process has no access to %s', async (what, expected) => {
  const artifact = await start().read(files.share('curious.txt', `report ${what}`), watched())
  const told = artifact.segments[0]?.text
  if (what === 'environment') expect(Object.keys(JSON.parse(told ?? ''))).toEqual([])
  else expect(told).toEqual(expected)
})

test.each([
  ['environment', '{}'],
  ['file', 'ERR_ACCESS_DENIED'],
  ['write', 'ERR_ACCESS_DENIED'],
  ['program', 'ERR_ACCESS_DENIED'],
])('a process that may load machine code has no access to %s from JavaScript either', async (what, expected) => {
  const plain = badFormats['text/plain']
  if (plain?.reader === undefined) throw new Error('the bad reader is gone')
  const native = { 'text/plain': { ...plain, reader: { ...plain.reader, native: true } } }
  reader = createReader({ formats: native, readable: [fixtures] })
  const artifact = await reader.read(files.share('curious.txt', `report ${what}`), watched())
  expect(artifact.segments[0]?.text ?? '{}').toBe(expected)
})

test('closing ends every reading process', async () => {
  const watch = watched()
  const reading = start().read(files.share('endless.txt', 'hang'), watch)
  reading.catch(() => {})
  const { of: pid } = await watch.first
  await reader.close()
  expect(isAlive(pid)).toBe(false)
  await expect(reading).rejects.toMatchObject({ code: 'file_reader_crashed' })
})

test.skipIf(process.platform === 'win32')('no reading process outlives a parent that was killed', async () => {
  const { path } = files.share('endless.txt', 'hang')
  const parent = spawn(process.execPath, [`${fixtures}read-and-wait.ts`, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(createInterface({ input: parent.stdout }), 'line')
  const pid = Number(line)
  expect(isAlive(pid)).toBe(true)
  parent.kill('SIGKILL')
  await once(parent, 'exit')
  await expect.poll(() => isGone(pid)).toBe(true)
})

/** Where nobody reaps orphans, as in a container without an init, a killed process stays listed as a zombie. */
function isGone(pid: number): boolean {
  if (!isAlive(pid)) return true
  if (process.platform !== 'linux') return false
  try {
    return /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return true
  }
}
