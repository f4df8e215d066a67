/** Sentences about HTTP requests that Parley refuses before a handler sees them: who may call, and what is not valid. */
const firstAccount =
  'There are no accounts yet, so the page works on this machine only. To make the first account, run `npm run parley -- set-up`.'

export const accessWording = {
  keyMissing: 'This request needs an API key. An admin can create one with `/parley keys create`.',
  keyItself: 'Send the API key itself here: a token cannot be exchanged for another one.',
  keysDiffer: 'The request has two different API keys in its headers. Send one.',
  tokenInvalid: 'This token is not valid, has expired, or its key was revoked. Get a new one with POST /v1/token.',
  scopeMissing: (scope: string, scopes: readonly string[]) =>
    `This API key may not do that: it needs the scope ${scope} and has ${scopes.join(', ') || 'none'}.`,
  keyInvalid: 'This API key is not valid. An admin can create a new one with `/parley keys create`.',
  terminalOnly:
    'Only the terminal of the user who runs Parley may call this address. Run `npm run parley -- doctor` or another command there.',
  signInNeeded: 'Please sign in.',
  setUpNeeded:
    'There are no accounts yet. To make the first one, run `npm run parley -- set-up` as the user who runs Parley.',
  ownUserOnly: `${firstAccount} This request came from another user of this machine.`,
  adminOnly: 'Only admins of this Parley can do this. Ask one of them.',
  costsOnly: 'Only admins and viewers of this Parley can see costs. Ask an admin for the role.',
  notThisMachine: `${firstAccount} Or open an SSH tunnel.`,
  proxied:
    'This request came through a proxy, and Parley does not know its address. Set PUBLIC_URL to the address that people open.',
  wrongHost: 'Open the page as http://localhost or http://127.0.0.1 with its port, or set PUBLIC_URL to its address.',
  otherSite: 'This request came from another site and was refused. Use the page itself.',
  noForms: 'Send this as JSON with `Content-Type: application/json`.',
}

export const requestWording = {
  nothingHere: 'There is nothing at this address. Check the address.',
  methodUnknown: (allowed: readonly string[]) => `This address supports ${allowed.join(' and ')} only.`,
  addressOrHostInvalid: 'The address or the Host header of this request is not valid.',
  addressWithoutSlash: 'The address of a request must start with a slash.',
  headerTwice: (name: string) => `This request has two ${name} headers. Send one.`,
  headersTooLong: 'The headers of this request are too long. Send shorter headers.',
  notHttp: 'This is not a valid HTTP request.',
  tooLarge: (megabytes: number) => `This request is over the ${megabytes} MB limit. Send a smaller one.`,
  late: 'This request took too long to arrive. Please send it again.',
  cutOff: 'This request did not arrive completely. Please send it again.',
  jsonNeeded: 'Send a small JSON object with POST.',
  routeInvalid: 'This routing question is not valid. Check its fields.',
}

/** Why an address that somebody named is not connected to. */
export interface GuardWording {
  scheme(protocol: string): string
  credentials: string
  port: string
  notPublic: string
  unreachable: string
  slow(seconds: number): string
}

/** Why it was not fetched. */
export interface EgressWording extends GuardWording {
  redirects(most: number): string
  status(status: number): string
  type(mediaType: string): string
  tooLarge(megabytes: number): string
}

export const pictureEgressWording: EgressWording = {
  scheme: (protocol) =>
    `Parley downloads pictures from https addresses only, not from ${protocol}. Send the picture as a data: URL.`,
  credentials: 'The address of a picture must not contain a user name or password. Send the picture as a data: URL.',
  port: 'Parley downloads pictures from the standard https port only. Send the picture as a data: URL.',
  notPublic: 'The address of a picture must be public on the Internet. Send the picture as a data: URL.',
  unreachable: 'The address of a picture could not be reached. Check it, or send the picture as a data: URL.',
  redirects: (most) =>
    `The address of a picture redirects more than ${most} times. Use its final address, or send it as a data: URL.`,
  status: (status: number) =>
    `The address of a picture answered with status ${status}. Check it, or send the picture as a data: URL.`,
  type: (mediaType: string) =>
    `The address of a picture gave ${mediaType === '' ? 'no picture' : mediaType}. Use the address of a picture itself.`,
  tooLarge: (megabytes: number) => `The picture at an address is over the ${megabytes} MB limit. Send a smaller one.`,
  slow: (seconds: number) =>
    `The picture at an address did not arrive within ${seconds} s. Send the picture as a data: URL.`,
}

/** Part of a sentence or of a list. */
export const webhookEgressWording: GuardWording = {
  scheme: () => 'The address of a webhook must start with https://.',
  credentials: 'The address of a webhook must not contain a user name or password.',
  port: 'A webhook is sent to the ports 443 and 8443 only. An admin of the server can allow others in parley.yaml (`webhooks.allow`).',
  notPublic:
    'The address is not public on the Internet. An admin of the server can allow it in parley.yaml (`webhooks.allow`).',
  unreachable: 'The receiver could not be reached.',
  slow: (seconds) => `The receiver did not answer within ${seconds} s.`,
}

/** About servers that an admin configured. They are part of a longer sentence or of the log. */
export const configuredServerWording = {
  notConfigured: (origin: string) => `it refers to ${origin}, which is not part of its configuration`,
  tooLarge: (megabytes: number) => `it answers with more than ${megabytes} MB`,
  slow: (seconds: number) => `it did not answer within ${seconds} seconds`,
}

export const pageEgressWording: EgressWording = {
  scheme: (protocol) => `Parley reads http and https addresses only, not ${protocol}`,
  credentials: 'The address has a user name or password in it, so Parley did not open it.',
  port: 'Parley reads pages on the standard ports only.',
  notPublic: 'The address is not public on the Internet, so Parley did not open it.',
  unreachable: 'The page could not be reached.',
  redirects: (most) => `The page redirects more than ${most} times.`,
  status: (status) =>
    status === 404 || status === 410
      ? `The page does not exist (status ${status}).`
      : status === 401 || status === 402 || status === 403 || status === 429
        ? `The site refuses programs or needs a sign-in (status ${status}).`
        : `The site answered with status ${status}.`,
  type: (mediaType) =>
    `Parley reads pages, text and PDFs, but this address gave ${mediaType === '' ? 'something without a type' : mediaType}.`,
  tooLarge: (megabytes) => `The page is over the ${megabytes} MB limit.`,
  slow: (seconds) => `The page did not arrive within ${seconds} s.`,
}
