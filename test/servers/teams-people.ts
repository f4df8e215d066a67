/** What people do in Teams, as activities for Parley. */
import { randomUUID } from 'node:crypto'
import { type ButtonAction, encodeAction } from '../../src/core/command.ts'
import { bot, type Person, type SharedFile, type TeamsStandIn, tenant } from './teams.ts'

export const alice: Person = {
  id: '29:1alice-of-the-directory',
  name: 'Alice',
  aadObjectId: 'aaaaaaaa-0000-4000-8000-000000000001',
}
export const personalChat = 'a:1personal-chat-of-alice'
export const channel = '19:general000000000000000000000000@thread.tacv2'
export const groupChat = '19:group0000000000000000000000000000@thread.v2'

export interface Place {
  /** With the thread, in a channel. */
  conversation: string
}

export const thread = (root: string): Place => ({ conversation: `${channel};messageid=${root}` })

export function createPeople(teams: TeamsStandIn) {
  teams.people.set(alice.id, alice)

  function about({ conversation }: Place, person: Person = alice): Record<string, unknown> {
    const type = conversation.startsWith('a:') ? 'personal' : conversation.includes('tacv2') ? 'channel' : 'groupChat'
    const team = { id: '19:team@thread.tacv2', aadGroupId: 'group-1' }
    const { id, name, aadObjectId } = person
    return {
      channelId: 'msteams',
      serviceUrl: teams.serviceUrl,
      timestamp: new Date().toISOString(),
      locale: 'en-US',
      from: { id, name, aadObjectId },
      recipient: { id: bot.id, name: bot.name },
      conversation: {
        id: conversation,
        conversationType: type,
        tenantId: tenant,
        ...(type !== 'personal' && { isGroup: true }),
      },
      channelData: { tenant: { id: tenant }, ...(type === 'channel' && { team, channel: { id: channel } }) },
    }
  }

  const mention = { type: 'mention', mentioned: { id: bot.id, name: bot.name }, text: `<at>${bot.name}</at>` }

  /** A message's activity: in channels and group chats with a mention, unless `quiet`. */
  function message(
    place: Place,
    text: string,
    more: { id?: string; quiet?: boolean; files?: SharedFile[]; from?: Person } = {},
  ) {
    const called = !place.conversation.startsWith('a:') && more.quiet !== true
    const attachments = (more.files ?? []).map((file) => ({
      contentType: 'application/vnd.microsoft.teams.file.download.info',
      name: file.name,
      contentUrl: `https://contoso.sharepoint.com/personal/alice/Documents/${file.id}/${file.name}`,
      content: { downloadUrl: teams.downloadUrl(file), uniqueId: file.id, fileType: file.name.split('.').at(-1) },
    }))
    return {
      ...about(place, more.from),
      type: 'message',
      id: more.id ?? teams.state.nextId(),
      textFormat: 'plain',
      attachments,
      text: called ? `<at>${bot.name}</at> ${text}` : text,
      entities: called ? [mention] : [],
    }
  }

  const invoke = (place: Place, name: string, value: unknown, more: object = {}) =>
    teams.deliver({ ...about(place), type: 'invoke', id: `f:${randomUUID()}`, name, value, ...more })

  return {
    about,
    message,
    invoke,
    addFile(name: string, content: Buffer, more: Partial<SharedFile> = {}): SharedFile {
      const file = { id: randomUUID(), name, content, ...more }
      teams.files.set(file.id, file)
      return file
    },
    say: (...given: Parameters<typeof message>) => teams.deliver(message(...given)),
    press: (place: Place, replyToId: string, button: ButtonAction) =>
      invoke(
        place,
        'adaptiveCard/action',
        {
          action: { type: 'Action.Execute', verb: 'parley', data: { parley: encodeAction(button) } },
          trigger: 'manual',
        },
        { replyToId },
      ),
    /** Accepts a file, with the URL to upload it to. */
    accept(place: Place, cardId: string, name: string, context: unknown) {
      const uploadId = randomUUID()
      const uploadInfo = {
        name,
        uniqueId: uploadId,
        fileType: name.split('.').at(-1),
        contentUrl: `https://contoso.sharepoint.com/personal/alice/Documents/${name}`,
        uploadUrl: `http://${teams.fileHost}/upload/${uploadId}`,
      }
      const value = { type: 'fileUpload', action: 'accept', context, uploadInfo }
      return { uploadId, answered: invoke(place, 'fileConsent/invoke', value, { replyToId: cardId }) }
    },
  }
}

export type People = ReturnType<typeof createPeople>
