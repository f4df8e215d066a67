/** The app package for Teams: the manifest and the icons, made from the tables that the adapter uses, in a ZIP archive. */

import { crc32, deflateRawSync } from 'node:zlib'
import sharp from 'sharp'
import type { CommandSpec } from '../../src/core/command.ts'
import { teamsWording } from '../../src/wording/teams.ts'
import { type PageName, pagePath } from './pages.ts'
import { askCommand, resourcePermissions, type TeamsSettings } from './settings.ts'

/** `changes`: it changes something, so that nobody should run it by one tap. */
export type SuggestedCommand = Pick<CommandSpec, 'name' | 'summary' | 'args'> & { changes?: boolean }

export interface ManifestOptions {
  settings: TeamsSettings
  commands: readonly SuggestedCommand[]
  /** Parley's version, such as `1.4.2`. */
  version: string
  /** Parley's public URL, which Teams also lists as the developer's site. */
  publicUrl: string
}

export const manifestVersion = '1.19'
const schema = `https://developer.microsoft.com/json-schemas/teams/v${manifestVersion}/MicrosoftTeams.schema.json`
/** Teams' limits: suggested commands per scope, and the length of their texts. */
const most = { commands: 10, title: 32, description: 128 }
const { manifest: wording } = teamsWording
const accent = '#3B5BDB'

export function manifest({ settings, commands, version, publicUrl }: ManifestOptions): Record<string, unknown> {
  const { clientId: id } = settings
  const own = settings.app ?? {}
  const pageAt = (name: PageName) => new URL(pagePath(name), publicUrl).href
  const scopes = ['personal', 'team', 'groupChat']
  return {
    $schema: schema,
    manifestVersion,
    version: version.replace(/[^\d.].*$/, ''),
    id,
    developer: {
      name: own.developer ?? 'Parley',
      websiteUrl: own.websiteUrl ?? pageAt('about'),
      privacyUrl: own.privacyUrl ?? pageAt('privacy'),
      termsOfUseUrl: own.termsUrl ?? pageAt('terms'),
    },
    name: { short: own.name ?? 'Parley', full: own.fullName ?? wording.fullName },
    description: {
      short: wording.short,
      full: wording.full,
    },
    icons: { color: 'color.png', outline: 'outline.png' },
    accentColor: accent,
    bots: [
      {
        botId: id,
        scopes,
        supportsFiles: true,
        isNotificationOnly: false,
        commandLists: [{ scopes, commands: suggested(commands) }],
      },
    ],
    composeExtensions: [
      {
        botId: id,
        commands: [
          {
            id: askCommand,
            type: 'action',
            title: wording.ask,
            fetchTask: true,
            description: wording.askDescription,
            context: ['message'],
          },
        ],
      },
    ],
    permissions: ['identity', 'messageTeamMembers'],
    validDomains: [new URL(publicUrl).hostname],
    webApplicationInfo: { id, resource: 'https://graph.microsoft.com' },
    authorization: {
      permissions: {
        resourceSpecific: Object.keys(resourcePermissions).map((name) => ({ name, type: 'Application' })),
      },
    },
  }
}

/** Commands that ask and have no required arguments; `help` lists the others. A tap on one types its title. */
function suggested(commands: ManifestOptions['commands']) {
  return commands
    .filter(({ args, changes }) => changes !== true && !args.some(({ required }) => required))
    .map(({ name, summary }) => ({ name: `/parley ${name}`, summary }))
    .filter(({ name }) => name.length <= most.title)
    .slice(0, most.commands)
    .map(({ name, summary }) => ({ title: name, description: shortened(summary) }))
}

const shortened = (text: string) =>
  text.length <= most.description ? text : `${text.slice(0, most.description - 1).toWellFormed()}…`

/** A speech bubble with the lines of a text in it. */
const bubble = (fill: string, lines: string) =>
  `<path fill="${fill}" d="M40 44h112a16 16 0 0 1 16 16v60a16 16 0 0 1-16 16H92l-34 28v-28H40a16 16 0 0 1-16-16V60a16 16 0 0 1 16-16z"/>
   <path stroke="${lines}" stroke-width="10" stroke-linecap="round" d="M52 76h88M52 104h56"/>`

const picture = (content: string) =>
  Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 192 192">${content}</svg>`)

/** 192 pixels in color, and 32 in white on a transparent background, as Teams requires. */
export async function icons(): Promise<{ color: Buffer; outline: Buffer }> {
  const full = picture(`<rect width="192" height="192" fill="${accent}"/>${bubble('#FFFFFF', accent)}`)
  const line = picture(
    `<path fill="none" stroke="#FFFFFF" stroke-width="12" stroke-linejoin="round" d="M36 36h120a14 14 0 0 1 14 14v72a14 14 0 0 1-14 14H96l-36 30v-30H36a14 14 0 0 1-14-14V50a14 14 0 0 1 14-14z"/>
     <path stroke="#FFFFFF" stroke-width="12" stroke-linecap="round" d="M54 72h84M54 102h50"/>`,
  )
  return {
    color: await sharp(full).resize(192, 192).png().toBuffer(),
    outline: await sharp(line).resize(32, 32).png().toBuffer(),
  }
}

export async function appPackage(options: ManifestOptions): Promise<Buffer> {
  const { color, outline } = await icons()
  return zip([
    { name: 'manifest.json', data: Buffer.from(`${JSON.stringify(manifest(options), null, 2)}\n`) },
    { name: 'color.png', data: color },
    { name: 'outline.png', data: outline },
  ])
}

interface ZipEntry {
  name: string
  data: Uint8Array
}

const zipVersion = 20
const deflated = 8
/** 1980-01-01, the earliest date in ZIP: the same package has the same bytes. */
const date = 0x21

/** Entries are deflated; no folders, no comments. */
function zip(entries: ZipEntry[]): Buffer {
  const files: Buffer[] = []
  const index: Buffer[] = []
  let offset = 0
  for (const { name, data } of entries) {
    const title = Buffer.from(name)
    const body = deflateRawSync(data)
    const about = Buffer.alloc(26)
    about.writeUInt16LE(zipVersion, 0)
    about.writeUInt16LE(deflated, 4)
    about.writeUInt16LE(date, 8)
    about.writeUInt32LE(crc32(data), 10)
    about.writeUInt32LE(body.length, 14)
    about.writeUInt32LE(data.length, 18)
    about.writeUInt16LE(title.length, 22)
    const place = Buffer.alloc(14)
    place.writeUInt32LE(offset, 10)
    const file = Buffer.concat([Buffer.from('PK\x03\x04'), about, title, body])
    files.push(file)
    const madeBy = Buffer.from([zipVersion, 0])
    index.push(Buffer.concat([Buffer.from('PK\x01\x02'), madeBy, about, place, title]))
    offset += file.length
  }
  const directory = Buffer.concat(index)
  const end = Buffer.alloc(18)
  end.writeUInt16LE(entries.length, 4)
  end.writeUInt16LE(entries.length, 6)
  end.writeUInt32LE(directory.length, 8)
  end.writeUInt32LE(offset, 12)
  return Buffer.concat([...files, directory, Buffer.from('PK\x05\x06'), end])
}
