import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, it } from 'vitest'
import { SharedConnection } from './bullmq-connections.ts'

/** A message of PostgreSQL's protocol: its type, its length, its content. */
function packet(type: string, ...content: (Buffer | string)[]): Buffer {
  const body = Buffer.concat(content.map((piece) => Buffer.from(piece)))
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length + 4)
  return Buffer.concat([Buffer.from(type), length, body])
}

it('a server that dies in the moment in which a connection is made ends no process', async () => {
  // Says that it is ready and that it is going down in one piece, as a loaded process reads it.
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => {
      const ready = [packet('R', Buffer.alloc(4)), packet('Z', 'I')]
      const gone = packet(
        'E',
        'SFATAL\0',
        'C57P01\0',
        'Mterminating connection due to unexpected postmaster exit\0',
        '\0',
      )
      socket.end(Buffer.concat([...ready, gone]))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const connection = new SharedConnection({ host: '127.0.0.1', port, user: 'nobody', database: 'none' })
  connection.on('error', () => {})
  // Without a listener on the connection itself, the runner reports an uncaught error and fails.
  const client = await connection.getListenClient()
  await expect(client.query('listen anything')).rejects.toThrow()
  await connection.close().catch(() => {})
  server.close()
})
