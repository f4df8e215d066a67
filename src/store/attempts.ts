/** Wrong passwords as rows, one for each try and each of its limits (prisma/functions/sign-in.sql). */
import { z } from 'zod'
import { type Attempts, attemptKeys, attemptLimits, windowMinutes } from '../identity/attempts.ts'
import type { Database, Statement } from './database.ts'

const Answer = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('in'), id: z.string() }),
  z.object({ kind: z.literal('full'), againMs: z.number() }),
])

export function createAttempts({ query }: Pick<Database, 'query'>): Attempts {
  return {
    async begin(login, address) {
      const { pair, account, address: from } = attemptKeys(login, address)
      const known = (await query(isKnown, [login, address])).length > 0
      // All are counted; strangers who fill the others hold nobody up who was let in from here before.
      const limits = [attemptLimits.pair, ...(known ? [null, null] : [attemptLimits.account, attemptLimits.address])]
      const [row] = await query<{ answer: unknown }>(begin, [[pair, account, from], limits, windowMinutes])
      return Answer.parse(row?.answer)
    },
    async succeed(id, login, address) {
      const { pair, account, address: from } = attemptKeys(login, address)
      await query(succeed, [[pair, account], from, id])
    },
  }
}

/** Whether somebody signed in to this account from this address before. */
const isKnown: Statement = {
  name: 'sign_in_known',
  text: `
select from session join password on password.person_id = session.person_id
where password.login = $1 and session.address = $2 limit 1`,
}

const begin: Statement = {
  name: 'sign_in_begin',
  text: `select sign_in_begin($1::text[], $2::int[], $3::int) as answer`,
}

const succeed: Statement = {
  name: 'sign_in_succeed',
  text: `
delete from sign_in_attempt where key = any ($1::text[]) or (key = $2 and at = $3::timestamptz)`,
}
