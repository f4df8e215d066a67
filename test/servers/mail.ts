/** A mail server that keeps what arrives: the `smtp-server` package, on a free port of this machine. */
import { text } from 'node:stream/consumers'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'

export interface Arrived {
  from: string
  to: string[]
  /** Headers and body as sent, with soft line breaks of quoted-printable taken out. */
  content: string
}

export async function startMailServer(options: SMTPServerOptions = {}, at = 0) {
  const arrived: Arrived[] = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData(stream, { envelope }, done) {
      void text(stream).then((content) => {
        const { mailFrom, rcptTo } = envelope
        arrived.push({
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          content: content.replaceAll('=\r\n', ''),
        })
        done()
      })
    },
    ...options,
  })
  // Connections that a test breaks off are no failure of the server.
  server.on('error', () => {})
  await new Promise<void>((listening) => server.listen(at, '127.0.0.1', () => listening()))
  const address = server.server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    arrived,
    port,
    close: () => new Promise<void>((closed) => server.close(() => closed())),
  }
}
