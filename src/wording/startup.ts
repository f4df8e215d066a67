/** Sentences about starting Parley: mistakes in its configuration, its port, and what it prints when it is ready. */

const orList = (names: readonly string[]) =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`

/** Completes a sentence that starts with the name of a setting: "PORT must be …". */
export const settingMust = {
  beSmtp: 'must be an address that starts with smtp:// or smtps://',
  beSender: 'must be an email address, or a name with one: Parley <parley@example.com>',
  beUrl: 'must be an address that starts with http:// or https://',
  beSecureUrl: 'must be an address that starts with https://',
  bePostgresUrl: 'must be an address that starts with postgres://',
  beRedisUrl: 'must be an address that starts with redis://, or the path of a socket',
  beHost: 'must be an address such as 127.0.0.1:11434',
  beMetadataUrl: 'must be an address that ends in /openidconfiguration',
  beWholeNumber: (least: number, most: number) => `must be a whole number from ${least} to ${most}`,
  beLongSecret: 'must have at least 16 characters. To create one, run `openssl rand -hex 32`',
  beBotToken: 'must be a bot token, which starts with xoxb-',
  notRotate:
    'must not expire, but this token does after 12 hours, because the app has token rotation. Parley renews the tokens of apps that are installed through it: remove SLACK_BOT_TOKEN and follow "Several workspaces" in docs/slack.md',
  beAppToken: 'must be an app-level token, which starts with xapp-',
  beAmount: 'must be an amount in USD with at most nine decimals, such as 0.15, and at most 1000000000',
  bePrice:
    'must have either input and output (USD per million tokens), perHour (USD per hour of hardware), or perAudioHour (USD per hour of audio)',
  beScope:
    'must be all, workspace:slack/T1, channel:slack/T1/C1, user:slack/T1/U1, model:openai/gpt-5, or key:<id>, with your own IDs',
  notRepeatBudgets: 'must not list the same scope and period twice',
  notBeReserved: 'must not be parley or auto, which let Parley choose the model',
  beOrigin: 'must be an origin such as https://app.example.com, without a path',
  beUser:
    'must be platform/workspace/user, such as slack/T0123/U0456, oidc:<issuer>#<subject>, or email:<address of a password login>',
  beIssuer: 'must be an https:// address without ? or #. http:// works only on this machine',
  beDomain: 'must be a domain, such as example.com',
  beTenant: 'must be an ID, such as 00000000-0000-0000-0000-000000000000',
  beTeam: 'must be the name of a team, optionally with :manager, :member or :viewer',
  beProviderId: 'must be a short name in lowercase letters, such as work',
  beAddressRange:
    'must be an IP address or a range, such as 127.0.0.1, 10.0.0.0/8 or fd00::/8. A range with everybody in it is refused, because then anyone could make up an address',
  beServerName: 'must be a short name in lowercase letters, such as gpu',
  haveHeaderNames: 'must have names of headers that Parley does not set itself, such as api-key',
  beHeaderValue: 'must be plain characters on one line',
  beVariableName: 'must be the name of an environment variable, never the key itself',
  beAlias: 'must be one word, such as fast',
  beTimeZone: 'must be an IANA time zone, such as Europe/Berlin, America/New_York, or UTC',
  beTenantId: 'must be a tenant ID',
  beFileHost: 'must be a host name, such as files.example.com',
  beKnownName: 'is not a known name. See parley.example.yaml',
  beValid: 'has a value that Parley cannot use. See the example files',
  beOneOf: (values: readonly string[]) => `must be ${orList(values)}`,
  beOfType: (type: string) =>
    `must be ${
      {
        string: 'text',
        number: 'a number',
        int: 'a whole number',
        boolean: 'true or false',
        array: 'a list',
        object: 'a group of settings',
        record: 'a group of settings',
      }[type] ?? type
    }`,
  beAtLeast: (least: number, unit: 'number' | 'characters' | 'entries', orEqual: boolean) =>
    unit === 'number'
      ? `must be ${orEqual ? 'at least' : 'more than'} ${least}`
      : `must have at least ${least} ${unit}`,
  beAtMost: (most: number, unit: 'number' | 'characters' | 'entries') =>
    unit === 'number' ? `must be at most ${most}` : `must have at most ${most} ${unit}`,
}

export const configurationWording = {
  fixSettings: (problems: readonly string[]) =>
    `Parley can't start. Fix ${problems.length === 1 ? '1 setting' : `${problems.length} settings`}:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
  problem: (setting: string, problem: string) => `${setting} ${problem}.`,
  inFile: (path: string) => `parley.yaml: ${path}`,
  theFile: 'parley.yaml',
  unknownSetting: (setting: string) => `${setting} is not a setting. See parley.example.yaml for all settings.`,
  invalidYaml: (place: { line: number; column: number } | undefined, reason: string | undefined) =>
    `parley.yaml is not valid YAML${place === undefined ? '' : ` (line ${place.line}, column ${place.column})`}: ${reason ?? "the file can't be read"}.`,
  databaseNeeded: (role: string) =>
    `ROLE=${role} works with other processes and needs their DATABASE_URL. Set it, or remove ROLE to run everything in one process.`,

  serverNameTaken: (name: string) =>
    `parley.yaml: models.servers: the name ${name} is taken. Choose another name for this server.`,
  serverKeyMissing: (name: string, variable: string) =>
    `parley.yaml: models.servers: ${name} reads its key from ${variable}, which is not set.`,
  serverHeaderMissing: (name: string, header: string, variable: string) =>
    `parley.yaml: models.servers: ${name} reads its header ${header} from ${variable}, which is not set.`,
  providerUnknown: (model: string, provider: string, known: readonly string[]) =>
    `parley.yaml: models.list: ${model} has the unknown provider ${provider}. Use ${orList(known)}.`,

  slackIncomplete: (missing: readonly string[], purpose: string) =>
    `Slack is only partly configured. Set ${missing.join(' and ')} ${purpose}.`,
  slackEvents: 'SLACK_SIGNING_SECRET (for events over HTTP) or SLACK_APP_TOKEN (for Socket Mode)',
  slackPurpose: {
    answer: 'so that Parley can post answers',
    receive: 'to receive events',
    install: 'so that several workspaces can install the app',
  },
  teamsIncomplete: (missing: string) =>
    `Teams is only partly configured. Also set ${missing} from the same app registration.`,
  teamsWithoutAuth: (host: string) =>
    `TEAMS_AUTH=off accepts messages from anyone who can reach the port, so it only works on this machine. Remove TEAMS_AUTH=off or HOST=${host}.`,

  discordTokenMissing:
    'DISCORD_TOKEN is not set. Copy it from the Bot page of your application in the Discord developer portal.',
  slackTokenMissing: 'SLACK_BOT_TOKEN is not set. Follow docs/slack.md, starting with `parley slack manifest`.',
  teamsClientMissing: 'TEAMS_CLIENT_ID and TEAMS_CLIENT_SECRET are not set. Follow docs/teams.md to get them.',
  providerMissing: (name: string) => `No provider named ${name} is configured. Check the models in parley.yaml.`,
  platformMissing: (name: string) => `${name} is no longer configured. Configure it again to answer its questions.`,
}

export const startWording = {
  ready: (url: string) => `Parley is ready: ${url}`,
  workerReady: 'Parley worker is ready',
  gatewayReady: (url: string) => `Parley gateway is ready: ${url}`,
  portInUse: (port: number) =>
    `Port ${port} is in use by another program. Stop that program, or choose another port: PORT=${port + 1} npm start`,
  portForbidden: (port: number) =>
    `Parley isn't allowed to use port ${port}. Choose a port above 1023: PORT=8787 npm start`,
  hostUnknown: (host: string) =>
    `HOST=${host} is not an address of this machine. Remove HOST to serve this machine only.`,
  databaseDown: 'The database does not respond. Parley continues when it is back.',
}
