/**
 * Links an account of a chat platform to a person who is signed in on the page. Three steps prove both sides, so neither a code
 * that was seen on a screen nor one that somebody was talked into typing is enough:
 *
 *   1. the page shows a short code to the signed-in person, bound to their session;
 *   2. it is typed in a direct message with Parley, which shows whose page it came from and wants a yes from the same account;
 *   3. the same session of the page shows the account by name, with the number that the direct message shows, and confirms it.
 *
 * Only then the account counts as the person's; if it belonged to another person, both become one.
 */
import { createHash, randomInt, randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { Button, Notice } from '../core/command.ts'
import { ParleyError } from '../core/errors.ts'
import { ReplyTarget } from '../core/message.ts'
import type { Changer, IdentityKey, SignedIn } from '../core/person.ts'
import { linkWording } from '../wording/linking.ts'
import type { IdentityAbout, People } from './people.ts'

export const linkMinutes = 10
/** Without vowels and look-alikes: no code is a word, so nothing that people ask looks like one. */
const alphabet = 'BCDFGHJKMNPQRSTVWXYZ23456789'
/** Tries of one account in a quarter of an hour. */
export const mostTries = 10

/** The account that typed a code. */
export type ChatAccount = z.infer<typeof ChatAccount>
export const ChatAccount = z.object({
  provider: z.string(),
  issuer: z.string(),
  subject: z.string(),
  name: z.string().nullable(),
  /** Where they typed it, to tell them how it ended. */
  replyTarget: ReplyTarget,
})

export interface OpenCode {
  personId: string
  sessionId: string
  account: ChatAccount | null
  agreed: boolean
  expiresAt: Date
}

/** Codes by their hash. Implemented in src/store/link-codes.ts. */
export interface LinkCodes {
  /** Takes the place of the session's earlier code. */
  create(hash: string, person: Pick<SignedIn, 'personId' | 'sessionId'>): Promise<Date>
  /** Counts a try of this account; `false`: it has had too many. */
  mayTry(account: IdentityKey): Promise<boolean>
  /** Reserves the code for the account that typed it; `null`: it is unknown or over, or another account has it. */
  claim(hash: string, account: ChatAccount): Promise<OpenCode | null>
  /** The account agreed; `null`: it does not have this code. */
  agree(hash: string, account: IdentityKey): Promise<OpenCode | null>
  remove(hash: string): Promise<void>
  /** The code of a session. */
  ofSession(sessionId: string): Promise<OpenCode | null>
  /** Ends the session's code: of several calls, one gets it. `agreed`: only if the account agreed. */
  take(sessionId: string, agreed: boolean): Promise<OpenCode | null>
}

/** What the page shows while it waits. */
export type LinkState =
  | { state: 'none' }
  | { state: 'waiting'; expiresAt: Date }
  /** `agreed`: they said yes, and the page asks whether it is this person. */
  | {
      state: 'typed' | 'agreed'
      expiresAt: Date
      account: Omit<ChatAccount, 'replyTarget'>
      label: string
      joins: string | null
    }

/** Somebody who types in a chat. */
export interface Typist {
  /** Absent: the platform's authors are no accounts that can be linked. */
  account: IdentityKey | undefined
  name: string | undefined
  /** Nobody else reads what they type there. */
  direct: boolean
  replyTarget: ReplyTarget
  by: Changer
}

export interface LinkingDeps {
  codes: LinkCodes
  people: Pick<People, 'areSetUp' | 'find' | 'identitiesOf' | 'personOf' | 'link' | 'unlink' | 'merge'>
  /** The page's address from outside. */
  publicUrl: string | undefined
  notify(target: ReplyTarget, notice: Notice, key: string): Promise<void>
}

export interface Linking {
  create(person: SignedIn): Promise<{ code: string; expiresAt: Date }>
  state(person: SignedIn): Promise<LinkState>
  /** Throws `request_invalid` if there is nothing to confirm. */
  confirm(person: SignedIn, by: Changer): Promise<void>
  refuse(person: SignedIn): Promise<void>
  /** What `/parley link` answers. */
  explain(typist: Typist): Promise<Notice>
  /** `yes`: they agree to what the first answer showed. */
  type(code: string, yes: boolean, typist: Typist): Promise<Notice>
  /** Without `yes`: asks. */
  unlink(yes: boolean, typist: Typist): Promise<Notice>
}

export function createLinking({ codes, people, publicUrl, notify }: LinkingDeps): Linking {
  const alone = (text: string, buttons?: Button[]): Notice => ({ text, buttons, private: true })
  const refused = (text: string): Notice => ({ text, private: true, failed: true })

  /** Why nobody can be linked now. */
  async function obstacle({ account }: Typist): Promise<string | undefined> {
    if (account === undefined) return linkWording.notHere
    if (!(await people.areSetUp())) return linkWording.noAccounts
    return publicUrl === undefined ? linkWording.noAddress : undefined
  }

  async function nameOf(personId: string): Promise<string> {
    return (await people.find(personId))?.name ?? linkWording.somebody
  }

  /** The other person whose account it is so far. */
  async function otherPerson(account: IdentityKey, personId: string): Promise<string | null> {
    const owner = await people.personOf(account)
    return owner === personId ? null : owner
  }

  return {
    async create(person) {
      const letters = Array.from({ length: 8 }, () => alphabet[randomInt(alphabet.length)]).join('')
      const expiresAt = await codes.create(hashOf(letters), person)
      return { code: `${letters.slice(0, 4)}-${letters.slice(4)}`, expiresAt }
    },

    async state({ personId, sessionId }) {
      const open = await codes.ofSession(sessionId)
      if (open === null) return { state: 'none' }
      const { account, agreed, expiresAt } = open
      if (account === null) return { state: 'waiting', expiresAt }
      const other = await otherPerson(account, personId)
      const { replyTarget: _replyTarget, ...shown } = account
      const joins = other === null ? null : await nameOf(other)
      return {
        state: agreed ? 'agreed' : 'typed',
        expiresAt,
        account: shown,
        label: agreed ? linkWording.numbered(account, numberOf(open)) : linkWording.account(account),
        joins,
      }
    },

    async confirm({ personId, sessionId }, by) {
      const open = await codes.take(sessionId, true)
      if (open === null || open.account === null) throw new ParleyError('request_invalid', linkWording.nothingToConfirm)
      const { account } = open
      const { provider, issuer, subject, name } = account
      const other = await otherPerson(account, personId)
      // An account of a chat does not prove whose page, keys and threads these are.
      const known = other === null ? null : await people.find(other)
      if (known?.signedInAt) throw new ParleyError('request_invalid', linkWording.hasPage(known.name))
      if (other === null) await people.link(personId, { provider, issuer, subject, name }, by)
      else await people.merge(other, personId, by)
      await report(account, linkWording.linked(await nameOf(personId)))
    },

    async refuse({ sessionId }) {
      const open = await codes.take(sessionId, false)
      if (open?.account) await report(open.account, linkWording.refusedOnPage)
    },

    async explain(typist) {
      const why = await obstacle(typist)
      if (why !== undefined || typist.account === undefined) return refused(why ?? linkWording.notHere)
      const address = new URL('/link', publicUrl).href
      const personId = await people.personOf(typist.account)
      if (personId === null) return alone(linkWording.howTo(address))
      const accounts = (await people.identitiesOf(personId)).map((each) => linkWording.account(each))
      return alone(linkWording.whoYouAre(await nameOf(personId), accounts, address))
    },

    async type(typed, yes, typist) {
      const why = await obstacle(typist)
      const { account, direct, name, replyTarget } = typist
      if (why !== undefined || account === undefined) return refused(why ?? linkWording.notHere)
      const hash = hashOf(typed)
      if (!yes && !direct) {
        await codes.remove(hash)
        return refused(linkWording.notInChannels)
      }
      if (!(await codes.mayTry(account))) return refused(linkWording.tooManyTries)
      if (yes) {
        const open = await codes.agree(hash, account)
        return open === null ? refused(linkWording.unknownCode) : alone(linkWording.confirmOnPage(numberOf(open)))
      }
      const open = await codes.claim(hash, { ...account, name: name ?? null, replyTarget })
      if (open === null) return refused(linkWording.unknownCode)
      const [owner, linkedTo] = [await people.find(open.personId), await people.personOf(account)]
      if (owner === null) return refused(linkWording.unknownCode)
      if (linkedTo === owner.id) {
        await codes.remove(hash)
        return alone(linkWording.alreadyLinked(owner.name))
      }
      const line = `link ${formatted(typed)} yes`
      const joins = linkedTo === null ? undefined : await people.find(linkedTo)
      if (joins?.signedInAt) {
        await codes.remove(hash)
        return refused(linkWording.hasPage(joins.name))
      }
      return alone(linkWording.agree({ name: owner.name, email: owner.vouchedEmail, joins: joins?.name }, line), [
        { label: linkWording.thatIsMe, style: 'primary', action: { kind: 'command', text: line } },
      ])
    },

    async unlink(yes, typist) {
      const { account, by } = typist
      const personId = account === undefined ? null : await people.personOf(account)
      if (account === undefined || personId === null) return refused(linkWording.notLinked)
      const name = await nameOf(personId)
      if (!yes)
        return alone(linkWording.askUnlink(name), [
          { label: linkWording.unlink, style: 'danger', action: { kind: 'command', text: 'unlink --yes' } },
        ])
      await people.unlink(personId, account, by)
      return alone(linkWording.unlinked(name))
    },
  }

  /** Tells the account how it ended. A platform that cannot be reached changes nothing about that. */
  async function report({ replyTarget, ...account }: ChatAccount, text: string): Promise<void> {
    const key = `link-${hashOf(JSON.stringify([account, text])).slice(0, 20)}-${randomUUID()}`
    await notify(replyTarget, { text, private: true }, key).catch(() => undefined)
  }
}

/** A message that is a code and not a question: `link BCDF-2345`, `link BCDF-2345 yes`. As the line of a command. */
export function linkLine(text: string): string | undefined {
  const code = `[${alphabet}]{4}`
  const found = new RegExp(`^\\s*/?(?:parley\\s+)?link\\s+\`?(${code})[-–—](${code})\`?(\\s+yes)?[.!]?\\s*$`, 'i').exec(
    text,
  )
  return found === null ? undefined : `link ${found[1]}-${found[2]}${found[3] === undefined ? '' : ' yes'}`
}

const plain = (typed: string) => typed.toUpperCase().replaceAll(/[^A-Z0-9]/g, '')
const formatted = (typed: string) => plain(typed).replace(/^(.{4})/, '$1-')

function hashOf(typed: string): string {
  return createHash('sha256')
    .update(`link ${plain(typed)}`)
    .digest('base64url')
}

/** Somebody who only saw the code can take any name in a chat; the number is in the direct message of the right account. */
function numberOf({ sessionId, account, expiresAt }: OpenCode): number {
  const { provider, issuer, subject } = account ?? {}
  const about = JSON.stringify(['link number', sessionId, provider, issuer, subject, expiresAt])
  return 10 + (createHash('sha256').update(about).digest().readUInt32BE() % 90)
}

/** For lists of accounts. */
export type Named = Pick<IdentityAbout, 'provider' | 'issuer' | 'name' | 'subject'>
