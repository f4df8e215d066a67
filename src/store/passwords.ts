/** Passwords as rows: hashes only. */
import { randomUUID } from 'node:crypto'
import { ParleyError } from '../core/errors.ts'
import { sessionsEndedTopic } from '../core/topics.ts'
import type { PasswordAbout, Passwords } from '../identity/passwords.ts'
import type { Channel } from '../queue/channel.ts'
import { passwordWording } from '../wording/sign-in.ts'
import { auditExists } from './audit.ts'
import type { Database, Statement } from './database.ts'
import { audit, checkNotNamed, rejectTaken } from './people.ts'
import { endSessions } from './sessions.ts'

export interface PasswordsDeps {
  database: Pick<Database, 'query' | 'transaction'>
  channel: Pick<Channel, 'publish'>
  /** The admins that parley.yaml names (`namedAdmins` of identity/people.ts). */
  named?: readonly string[] | undefined
}

export function createPasswords({ database, channel, named = [] }: PasswordsDeps): Passwords {
  const { query } = database
  return {
    async byLogin(login) {
      return (await query<PasswordAbout>(byLogin, [login]))[0] ?? null
    },
    async ofPerson(personId) {
      return (await query<PasswordAbout>(ofPerson, [personId]))[0] ?? null
    },
    async rehash(personId, before, after) {
      await query(rehash, [personId, before, after])
    },
    async set(personId, { login, hash, replaces }, by, keepSession) {
      const id = randomUUID()
      await database
        .transaction(async (send) => {
          if ((await send(auditExists, [id])).length > 0) return
          if (replaces === null) checkNotNamed(login, named)
          const stored =
            replaces === null
              ? await send(insert, [personId, login, hash])
              : await send(replace, [personId, replaces, hash])
          if (stored.length === 0) throw new ParleyError('request_invalid', passwordWording.changedMeanwhile)
          await send(endSessions, [personId, keepSession ?? null])
          await audit(send, { id, personId, name: 'password', by, before: null, after: null })
        })
        .catch(rejectTaken)
      channel.publish(sessionsEndedTopic, personId)
    },
  }
}

const columns = `person_id as "personId", login, hash`
const byLogin: Statement = { name: 'password_by_login', text: `select ${columns} from password where login = $1` }
const ofPerson: Statement = {
  name: 'password_of_person',
  text: `select ${columns} from password where person_id = $1::uuid`,
}
const rehash: Statement = {
  name: 'password_rehash',
  text: `update password set hash = $3 where person_id = $1::uuid and hash = $2`,
}
const insert: Statement = {
  name: 'password_insert',
  text: `
insert into password (person_id, login, hash) values ($1::uuid, $2, $3) on conflict (person_id) do nothing returning person_id`,
}
const replace: Statement = {
  name: 'password_replace',
  text: `
update password set hash = $3, changed_at = now() where person_id = $1::uuid and hash = $2 returning person_id`,
}
