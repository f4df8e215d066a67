/** Sentences about HTTP requests that Parley refuses before a handler sees them: who may call, and what is not valid. */
const localOnly = 'The page has no sign-in yet, so it works on this machine only.'

export const accessWording = {
  keyMissing: 'This request needs an API key. An admin can create one with `/parley keys create`.',
  keyInvalid: 'This API key is not valid. An admin can create a new one with `/parley keys create`.',
  terminalOnly:
    'Only the terminal of the user who runs Parley may call this address. Run `npm run parley -- doctor` or another command there.',
  pageLocalOnly: `${localOnly} Set HOST=127.0.0.1. To use it from another machine, open an SSH tunnel.`,
  notThisMachine: `${localOnly} To use it from another machine, open an SSH tunnel.`,
  linkNeeded: 'Open the page by its link. To get one, run `npm run parley -- page` as the user who runs Parley.',
  linkExpired: 'This link has expired or was already used. To get a new one, run `npm run parley -- page`.',
  proxied:
    'This request came through a proxy, but the page and the terminal work on this machine only. Forward only /slack, /api/messages and /v1.',
  wrongHost: 'Open the page as http://localhost or http://127.0.0.1 with its port. Other host names are refused.',
  otherSite: 'This request came from another site and was refused. Use the page itself.',
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
