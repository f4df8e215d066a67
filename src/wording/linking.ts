/** What people read when they link an account of a chat to their account on the page. */
import { bulleted, code } from './phrases.ts'

interface Account {
  provider: string
  issuer: string
  subject: string
  name: string | null
}

const platforms: Readonly<Record<string, string>> = {
  slack: 'Slack',
  discord: 'Discord',
  teams: 'Teams',
  github: 'GitHub',
  oidc: 'Sign-in',
}

export const linkWording = {
  somebody: 'somebody',
  /** `Slack: Ben (T1)`. */
  account: ({ provider, issuer, subject, name }: Account) => {
    const where = issuer === provider ? '' : ` (${issuer})`
    return `${platforms[provider] ?? provider}: ${name ?? subject}${where}`
  },
  numbered: (account: Account, number: number): string => `${linkWording.account(account)} · ${number}`,
  notHere:
    'Accounts cannot be linked here. Use the command `link` in Slack, Discord or Teams, or open *Connections* on the page of Parley.',
  noAccounts:
    'Nobody has an account in this Parley yet, so there is nothing to link. An admin can set accounts up with `npm run parley -- set-up`.',
  noAddress:
    'Others cannot open the page of this Parley yet, so accounts cannot be linked. Ask an admin to set PUBLIC_URL.',
  howTo: (address: string) =>
    `To use one account everywhere, open ${address} and sign in. The page shows a code. Type it here in a direct message to Parley: \`link\` and the code.`,
  whoYouAre: (name: string, accounts: string[], address: string) =>
    `You are **${name}** in Parley, with these accounts:\n\n${bulleted(accounts)}\n\nTo link another account, type \`/parley link\` there, or open ${address}. \`/parley unlink\` ends the link of this account.`,
  notInChannels:
    'Codes are for direct messages only: others may have read this one, so it does not work any more. Get a new code on the page and type it in a direct message to Parley.',
  tooManyTries: 'Too many codes were tried with this account. Wait 15 minutes, then get a new code on the page.',
  unknownCode: 'This code does not work: it is mistyped, older than 10 minutes or was used. Get a new one on the page.',
  alreadyLinked: (name: string) => `This account is already linked to **${name}**.`,
  /** `line`: what to type in place of the button. */
  agree: (of: { name: string; email: string | null; joins: string | undefined }, line: string) => {
    const who = `**${of.name}** (${of.email ?? 'nobody has checked an e-mail address'})`
    const joined =
      of.joins === undefined
        ? ''
        : ` This account belongs to **${of.joins}** so far; everything of **${of.joins}** becomes part of ${who}.`
    return `This links your account here to ${who} on Parley's page: whoever signs in there acts as you, with your rights.${joined} If somebody else gave you this code, or that is not your account, stop here. If it is you, press the button or type ${code(line)}.`
  },
  hasPage: (name: string) =>
    `This account belongs to **${name}**, who signs in on the page. Sign in there as **${name}** and disconnect it under Connections, then get a new code.`,
  thatIsMe: 'That is me',
  confirmOnPage: (number: number) =>
    `Now go back to the page. If it shows the number **${number}**, confirm this account there.`,
  nothingToConfirm: 'There is no account to confirm. Get a new code and type it in a direct message to Parley.',
  linked: (name: string) => `This account is now linked to **${name}**. To undo that, type \`/parley unlink\`.`,
  refusedOnPage: 'The page refused to link this account. Nothing was changed.',
  notLinked: 'This account is not linked to anybody. `/parley link` says how to link it.',
  askUnlink: (name: string) =>
    `This account will no longer belong to **${name}**: budgets, settings and rights of **${name}** stop counting here.`,
  unlink: 'Unlink',
  unlinked: (name: string) => `This account is no longer linked to **${name}**.`,
}
