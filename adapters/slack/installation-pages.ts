/** The pages that a browser shows after somebody installed the app, canceled it, or came with an old link. */
import type { HTTPReceiverOptions } from '@slack/bolt'
import { errorFields } from '../../src/core/errors.ts'
import type { Log } from '../../src/core/log.ts'
import { slackWording } from '../../src/wording/slack.ts'
import { installPath } from './settings.ts'

const { pages } = slackWording
/** Of @slack/oauth: the link is old, was used, or was opened in another browser. */
const staleCodes = new Set(['slack_oauth_missing_state', 'slack_oauth_invalid_state', 'slack_oauth_missing_code'])

type CallbackOptions = NonNullable<NonNullable<HTTPReceiverOptions['installerOptions']>['callbackOptions']>

export function installationPages(log: Log): CallbackOptions {
  return {
    success({ team, enterprise, isEnterpriseInstall, appId }, _options, _request, response) {
      const where = (isEnterpriseInstall ? enterprise?.name : team?.name) ?? ''
      const id = encodeURIComponent(team?.id ?? '')
      const links =
        team === undefined
          ? []
          : [[pages.open, `slack://app?team=${id}&id=${encodeURIComponent(appId ?? '')}`] as const]
      response.writeHead(200, headers).end(page(pages.installed(where), pages.whatNext, links))
    },
    failure(error, _options, request, response) {
      const again = [[pages.again, installPath] as const]
      const canceled = new URL(request.url ?? '/', 'http://localhost').searchParams.get('error') === 'access_denied'
      if (canceled) return void response.writeHead(200, headers).end(page(pages.canceled, pages.nothingDone, again))
      if (staleCodes.has(error.code))
        return void response.writeHead(400, headers).end(page(pages.stale, pages.startAgain, again))
      log.warn(errorFields(error), 'an installation failed')
      response.writeHead(502, headers).end(page(pages.failed, pages.tellAdmin, again))
    },
  }
}

const headers = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
}

function page(title: string, text: string, links: (readonly [label: string, address: string])[]): string {
  const anchors = links.map(([label, address]) => `<p><a href="${escaped(address)}">${escaped(label)}</a></p>`)
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escaped(title)}</title>
<style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:15vh auto;padding:0 1rem}h1{font-size:1.4rem}</style>
</head><body><h1>${escaped(title)}</h1><p>${escaped(text)}</p>${anchors.join('')}</body></html>`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
