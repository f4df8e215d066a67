import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ParleyError } from '../core/errors.ts'
import { createBlobs } from './blobs.ts'
import { diskError, diskSpace } from './disk.ts'
import { createLocalBlobs } from './local.ts'

const systemError = (code: string) => Object.assign(new Error(`${code}: as the system says it`), { code })

describe('a full or broken disk', () => {
  it.each([
    ['ENOSPC', 'disk_full'],
    ['EDQUOT', 'disk_full'],
    ['EIO', 'disk_failed'],
    ['EROFS', 'disk_failed'],
    ['EMFILE', 'disk_failed'],
    ['ENFILE', 'disk_failed'],
  ])('%s becomes %s, is retried later and says what to do', (system, code) => {
    const error = diskError(systemError(system)) as ParleyError
    expect(error).toBeInstanceOf(ParleyError)
    expect(error).toMatchObject({ code, retry: 'later' })
    expect(error.retryAfterMs).toBeGreaterThanOrEqual(15_000)
    expect(error.userMessage).toMatch(/disk/)
    expect(error.userMessage).toMatch(/try again/i)
  })

  it('other errors are not reported as disk errors', () => {
    const reset = systemError('ECONNRESET')
    expect(diskError(reset)).toBe(reset)
    const known = new ParleyError('file_too_large', 'Too large.')
    expect(diskError(known)).toBe(known)
  })

  it('leaves nothing half written, and accepts files again once there is space', async ({ skip }) => {
    const home = mkdtempSync(join(tmpdir(), 'parley-disk-'))
    const folder = join(home, 'blobs')
    mkdirSync(folder)
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=400k', 'tmpfs', folder]).status === 0
    onTestFinished(() => {
      if (mounted) spawnSync('umount', ['-l', folder])
      rmSync(home, { recursive: true, force: true })
    })
    if (!mounted) skip('a small disk cannot be mounted here')
    const blobs = createBlobs(createLocalBlobs(home))
    const put = (kilobytes: number) =>
      blobs.put(Readable.from([Buffer.alloc(kilobytes * 1024, `${kilobytes}`)]), { maxBytes: 1e9 })
    writeFileSync(join(folder, 'filler'), Buffer.alloc(300 * 1024))
    await expect(put(200)).rejects.toMatchObject({ code: 'disk_full' })
    expect(readdirSync(join(folder, 'incoming'))).toEqual([])
    rmSync(join(folder, 'filler'))
    const { hash } = await put(200)
    expect(await blobs.has(hash)).toBe(true)
  })

  it('warns before it is full', async () => {
    const space = await diskSpace(tmpdir())
    expect(space.totalBytes).toBeGreaterThan(0)
    expect(space.freeBytes).toBeLessThanOrEqual(space.totalBytes)
  })
})
