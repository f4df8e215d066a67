/** What tells a request of this machine from one that came through a proxy. */
import { expect, it } from 'vitest'
import { isForwarded, shareReads, userIn } from './this-machine.ts'

it('headers of browsers and programs do not look like a proxy', () => {
  const headers = { host: 'x', 'user-agent': 'x', 'x-requested-with': 'x', 'x-parley': 'x', forward: 'x', viable: 'x' }
  expect(isForwarded({ headers, httpVersion: '1.1' })).toBe(false)
})

it('the user of a connection is read from the kernel’s table', () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
  32: 0100007F:907D 0100007F:E7B8 01 00000000:00000000 00:00000000 00000000  1000        0 166510 1 0 20 4 30 10 -1
 141: 0100007F:E7B8 0100007F:907D 06 00000000:00000000 02:0000176E 00000000     0        0 0 3 0 20 0 0 11 -1
 142: 0100007F:E7B8 0100007F:907D 01 00000000:00000000 02:0000176E 00000000 65534        0 166509 3 0 20 0 0 11 -1`
  expect(userIn(table, 0xe7b8, 0x907d)).toBe(65_534)
  expect(userIn(table, 0x907d, 0xe7b8)).toBe(1000)
  expect(userIn(table, 1, 2)).toBeUndefined()
  const six = '  1: 00000000000000000000000001000000:E7B8 00000000000000000000000001000000:907D 01 0:0 0:0 0   501 0 1'
  expect(userIn(six, 0xe7b8, 0x907d)).toBe(501)
})

it('connections that open while the table of sockets is read share the next read', async () => {
  const reads: PromiseWithResolvers<string>[] = []
  const table = shareReads(() => {
    const read = Promise.withResolvers<string>()
    reads.push(read)
    return read.promise
  })
  const first = table()
  await expect.poll(() => reads).toHaveLength(1)
  const later = [table(), table(), table()]
  reads[0]?.resolve('before')
  expect(await first).toBe('before')
  await expect.poll(() => reads).toHaveLength(2)
  reads[1]?.resolve('after')
  expect(await Promise.all(later)).toEqual(['after', 'after', 'after'])
  expect(reads).toHaveLength(2)
})
