/** Parley's connection to a server of tools as a program, for the conformance suite of the protocol: its last argument is the address. */
import { version } from '../../src/version.ts'
import { connect, toolServer } from './tool-servers.ts'

const url = process.argv.at(-1) ?? ''
const connection = connect(toolServer('conformance', { kind: 'http', url }), { version })
await connection.start()
const signal = AbortSignal.timeout(20_000)
for (const { name, inputSchema } of connection.tools() ?? []) {
  const properties = Object.keys((inputSchema.properties ?? {}) as object)
  const args = Object.fromEntries(properties.map((property, at) => [property, at + 1]))
  const { isError } = await connection.call(name, args, { reads: true, signal })
  if (isError === true) process.exitCode = 1
}
await connection.stop()
