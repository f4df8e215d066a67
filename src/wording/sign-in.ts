/** Sentences about accounts: set-up, sign-in, passwords, invitations and roles. */
export const signInWording = {
  // The same for an unknown address and a wrong password: nobody learns who has an account.
  refused: 'The email address or the password is wrong. Check both, or ask an admin for a new sign-in link.',
  tooManyTries: (minutes: number) =>
    `Too many failed tries. Wait ${minutes === 1 ? 'a minute' : `${minutes} minutes`}, then sign in again.`,
  tooBusy: 'Too many people are signing in right now. Try again in a few seconds.',
  disabled: 'This account is disabled. Ask an admin to enable it.',
  setUpFirst: 'Parley has no accounts yet. Open the page and create the first one.',
  alreadySetUp: 'Somebody has already set Parley up. Sign in, or ask an admin for an invitation.',
  alreadySetUpForTerminal:
    'Parley is already set up. To let somebody in, run `npm run parley -- invite`; to reset a password, add the email address of the account.',
  setUpCodeInvalid:
    'This set-up code is wrong, expired or already used. To get a new one, run `npm run parley -- set-up` as the user who runs Parley.',
  invitationInvalid: 'This invitation is wrong, expired or already used. Ask the person who sent it for a new one.',
  accountLeft: 'This account no longer exists. Ask an admin for an invitation.',
}

export const passwordWording = {
  tooShort: (characters: number) => `Choose a password of at least ${characters} characters. A few words are fine.`,
  tooLong: (characters: number) => `Choose a password of at most ${characters} characters.`,
  tooCommon:
    'This password is one of the first that attackers try. Choose one that is harder to guess, such as a few unrelated words.',
  currentWrong: 'Your current password is wrong. Type it again.',
  changedMeanwhile: 'Your password was changed in the meantime. Reload the page and try again.',
  nodeTooOld: (version: string) =>
    `Node.js ${version} cannot hash passwords: argon2 is missing. Start Parley with \`npm start\`, or use Node.js 24.7 or newer.`,
}

export const personWording = {
  nameNeeded: 'Enter a name of at most 100 characters.',
  emailInvalid: 'This is not a valid email address. Check it.',
  emailNeeded: 'You sign in with this email address, so it cannot be empty. Enter an address.',
  emailTaken: 'This email address already belongs to an account. Use another one, or sign in with it.',
  missing: 'This person does not exist. Reload the list of people.',
  lastAdmin: 'This is the last admin who can sign in. Make somebody else an admin first.',
  namedAdmin: 'This person is named as an admin in parley.yaml. Remove them there first.',
  adminByAdmin: 'Only an invitation for an admin may use an address that parley.yaml names as an admin.',
  identityTaken: 'This account is already connected to somebody else. Disconnect it there first.',
  identityMissing: 'This account is not connected. Reload the page.',
  lastIdentity: 'This is the only way you can sign in. Set a password or connect another account first.',
  guestStays: 'Guests cannot disconnect accounts. Ask an admin.',
  mergeDisabled: 'A disabled person cannot be merged. Enable them first.',
  mergeSame: 'These are the same person already.',
  roleOfReset: 'This person already signs in. Change their role in the list of people instead.',
}

/** What the terminal and the log print. */
export const setUpWording = {
  due: (link: string, hours: number) =>
    `Parley has no accounts yet. To create the first one, open ${link}\nThe code behind # works once and expires in ${hours} hours. To get another, run \`npm run parley -- set-up\`.`,
  link: (link: string, minutes: number) =>
    `To create the first account, open ${link}\nThe code behind # works once and expires in ${minutes} minutes.`,
  invitation: (link: string, hours: number) =>
    `Send this link to the person you invite: ${link}\nIt works once and expires in ${hours} hours.`,
  thisMachine: 'The link works on this machine only. So that others can open it, set PUBLIC_URL (docs/proxies.md).',
  reset: (link: string, hours: number) =>
    `Send this link to the owner of the account, who sets a new password with it: ${link}\nIt works once and expires in ${hours} hours.`,
}
export const teamWording = {
  missing: 'This team does not exist. Reload the page.',
  nameTaken: 'Another team has this name. Choose another name.',
  placeTaken: (place: string, team: string) => `${place} belongs to the team ${team}. Remove it there first.`,
  placeInvalid: (place: string) =>
    `${place} is neither a workspace nor a channel. Write a workspace as workspace:slack/T0123, a channel as channel:slack/T0123/C0456.`,
}

/** Letters, and why one was not sent. */
export const mailWording = {
  invitation: ({
    by,
    link,
    hours,
    resets,
  }: {
    by: string | undefined
    link: string
    hours: number
    resets: boolean
  }) => ({
    subject: resets ? 'Set a new password for Parley' : 'You are invited to Parley',
    text: [
      resets
        ? 'An admin made a link for you that sets a new password for your account on Parley.'
        : `${by ?? 'An admin'} invites you to Parley, the assistant of your team.`,
      `Open this link within ${hours} hours. It works once.`,
      link,
      'If you did not expect this, ignore it: without the link nothing happens.',
    ].join('\n\n'),
  }),
  failed: (host: string, why: string) => `The mail could not be sent by ${host}: ${why}`,
  refusedLogin: 'the server refuses the name or the password in SMTP_URL.',
  refusedAddress: 'the server refuses the address of the sender or of the receiver. Check MAIL_FROM.',
  noEncryption: 'the server offers no encryption. Use smtps://, or a server with STARTTLS.',
  unreachable: 'the server did not answer, or ended the connection. Check SMTP_URL, then try again.',
  urlMissing:
    'SMTP_URL is missing: set it to the server that sends mail, such as smtps://name:password@mail.example.com.',
  fromMissing: 'MAIL_FROM is missing: set it to the sender of invitations, such as Parley <parley@example.com>.',
  works: (host: string) => `Invitations go out by ${host}.`,
}
