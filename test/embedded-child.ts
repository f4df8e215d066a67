/** A process of its own that owns an embedded PostgreSQL, for tests that kill it. Prints one line of JSON a happening. */
import { asParleyError } from '../src/core/errors.ts'
import { silentLog } from '../src/core/log.ts'
import { startEmbeddedPostgres } from '../src/store/postgres/embedded.ts'

const [home = '', elsewhere] = process.argv.slice(2)
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`)

try {
  const postgres = await startEmbeddedPostgres({
    home,
    log: silentLog,
    onDown: () => say({ event: 'down' }),
    onUp: () => say({ event: 'up', pid: postgres.pid() }),
    onFatal: (error) => say({ event: 'fatal', code: error.code }),
    elsewhere,
  })
  process.once('SIGTERM', () => void postgres.stop().then(() => say({ event: 'stopped' })))
  say({ event: 'started', pid: postgres.pid(), connection: postgres.connection })
} catch (error) {
  const { code, userMessage } = asParleyError(error)
  say({ event: 'refused', code, userMessage })
  process.exitCode = 1
}
