/** The clouds of Teams: in each, requests go to its own servers, and nothing of another cloud comes in. */
import { describe, expect, it } from 'vitest'
import { silentLog } from '../../src/core/log.ts'
import { teamsWording } from '../../src/wording/teams.ts'
import { fakeIntake } from '../../test/fakes/intake.ts'
import { memoryRecords } from '../../test/fakes/records.ts'
import { bot, claimsNow } from '../../test/servers/teams.ts'
import { signToken } from '../../test/servers/teams-issuer.ts'
import { personalChat } from '../../test/servers/teams-people.ts'
import { openTeamsRig, settingsFor } from '../../test/servers/teams-rig.ts'
import { fileIn } from './attachments.ts'
import { createTokens } from './auth.ts'
import { messageUrl, shareUrl } from './files.ts'
import { createHosts } from './hosts.ts'
import { createIngress } from './ingress.ts'
import { createSdk } from './sdk.ts'
import { botScopeOf, type CloudName, cloudNames, clouds, graphScopeOf, type TeamsSettings } from './settings.ts'
import { createSetup } from './setup.ts'

const base = { clientId: bot.appId, clientSecret: 'x', tenants: [], unchecked: false, fileHosts: [], streamMs: 1 }
const settingsIn = (cloud: CloudName): TeamsSettings => ({ ...base, cloud })

/** What Microsoft publishes for each. */
const published: Record<
  CloudName,
  { login: string; scope: string; graph: string; issuer: string; services: string[] }
> = {
  public: {
    login: 'login.microsoftonline.com',
    scope: 'https://api.botframework.com/.default',
    graph: 'https://graph.microsoft.com',
    issuer: 'https://api.botframework.com',
    services: ['https://smba.trafficmanager.net/amer', 'https://smba.infra.gcc.teams.microsoft.com/teams'],
  },
  usgov: {
    login: 'login.microsoftonline.us',
    scope: 'https://api.botframework.us/.default',
    graph: 'https://graph.microsoft.us',
    issuer: 'https://api.botframework.us',
    services: ['https://smba.infra.gov.teams.microsoft.us/teams'],
  },
  usgovdod: {
    login: 'login.microsoftonline.us',
    scope: 'https://api.botframework.us/.default',
    graph: 'https://dod-graph.microsoft.us',
    issuer: 'https://api.botframework.us',
    services: ['https://smba.infra.dod.teams.microsoft.us/teams'],
  },
  china: {
    login: 'login.partner.microsoftonline.cn',
    scope: 'https://api.botframework.azure.cn/.default',
    graph: 'https://microsoftgraph.chinacloudapi.cn',
    issuer: 'https://api.botframework.azure.cn',
    services: ['https://frontend.botapi.msg.infra.teams.microsoftonline.cn/teams'],
  },
}

describe.for(cloudNames)('in the cloud %s', (name) => {
  const settings = settingsIn(name)
  const wanted = published[name]
  const place = {
    serviceUrl: wanted.services[0] ?? '',
    conversation: '19:c@thread.v2',
    scope: 'groupChat',
    tenant: 't',
  } as const

  it('tokens, keys, Graph and the connector are its own', () => {
    expect(new URL(clouds[name].login).host).toBe(wanted.login)
    expect(botScopeOf(settings)).toBe(wanted.scope)
    expect(graphScopeOf(settings)).toBe(`${wanted.graph}/.default`)
    expect(clouds[name].issuer).toBe(wanted.issuer)
    expect(messageUrl(settings, place, '1', undefined)).toMatch(`${wanted.graph}/v1.0/chats/`)
    expect(shareUrl(settings, 'https://x.sharepoint.com/a')).toMatch(`${wanted.graph}/v1.0/shares/`)
    const adapter = createIngress(settings, createHosts(settings), { reachable: async () => true }, silentLog).adapter
    const { cloud, api } = createSdk(settings, createTokens(settings), adapter, silentLog)
    expect(cloud).toMatchObject({
      loginEndpoint: `https://${wanted.login}`,
      botScope: wanted.scope,
      tokenIssuer: wanted.issuer,
      graphScope: `${wanted.graph}/.default`,
    })
    expect(api.serviceUrl).toBe(clouds[name].service)
  })

  it('a picture of a message is fetched from its Graph, and the bot’s token goes to its connector only', () => {
    const hosts = createHosts(settings)
    const picture = `${wanted.graph}/v1.0/chats/c/messages/1/hostedContents/1/$value`
    expect(fileIn({ contentType: 'image/png', contentUrl: picture })?.source.kind).toBe('graph')
    expect(hosts.isGraph(picture)).toBe(true)
    for (const other of cloudNames) {
      for (const url of published[other].services) expect([url, hosts.isService(url)]).toEqual([url, other === name])
      expect(hosts.isGraph(`${published[other].graph}/v1.0/x`)).toBe(other === name)
    }
  })
})

it('a token of another cloud is refused, and the log says which setting to change', async () => {
  const warnings: string[] = []
  const log = { ...silentLog, warn: (fields: object) => void warnings.push(JSON.stringify(fields)) }
  const rig = await openTeamsRig(memoryRecords(), 'personal', { log })
  await rig.open(fakeIntake({}))
  const message = rig.people.message({ conversation: personalChat }, 'Hello')
  const token = signToken({ ...claimsNow(rig.teams.serviceUrl), iss: clouds.china.issuer }, { key: rig.teams.key })
  expect((await rig.teams.deliver(message, `Bearer ${token}`)).status).toBe(401)
  expect(warnings.join()).toContain('set teams.cloud to china')
  await rig.close()
})

it('the doctor names the cloud', async () => {
  const rig = await openTeamsRig(memoryRecords(), 'personal')
  const settings = {
    ...settingsFor(rig.teams),
    cloud: 'usgov' as const,
    loginUrl: undefined,
    unchecked: true,
    clientId: undefined,
  }
  const found = await createSetup({ settings, commands: [], version: '1.0.0', publicUrl: undefined }).examine()
  expect(found.find(({ name }) => name === 'cloud')).toEqual({
    name: 'cloud',
    ok: true,
    userMessage: teamsWording.doctor.cloud('usgov', 'https://login.microsoftonline.us'),
  })
  await rig.close()
})
