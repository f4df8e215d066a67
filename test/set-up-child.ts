/** A process that tries to set Parley up: `connection code name tries`. It waits for a line on its standard input, so that all start together. */
import { once } from 'node:events'
import { ParleyError } from '../src/core/errors.ts'
import type { PostgresConnection } from '../src/store/postgres/embedded.ts'
import { goodPassword, here, openTestAccounts } from './accounts-rig.ts'

const [connection = '', code = '', name = '', tries = '1'] = process.argv.slice(2)
await using accounts = openTestAccounts({ connection: JSON.parse(connection) as PostgresConnection })
await accounts.people.areSetUp()
console.log('ready')
await once(process.stdin, 'data')
const outcomes = await Promise.all(
  Array.from({ length: Number(tries) }, (_, index) =>
    accounts.signIn
      .setUp(code, { name, email: `${name}${index}@example.com`, password: goodPassword }, here)
      .then(() => 'made')
      .catch((error: unknown) => (error instanceof ParleyError ? error.code : String(error))),
  ),
)
console.log(JSON.stringify(outcomes))
process.stdin.destroy()
