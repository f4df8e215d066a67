/** A notice (a command's answer, an alert, an approval request) → a Teams message. */
import type { Notice, OutgoingFile } from '../../src/core/command.ts'
import { chatWording } from '../../src/wording/chat.ts'
import type { OutgoingActivity } from './api.ts'
import { buttonOf, card, cut, maxMarkdown, toTeams } from './format.ts'
import { dataUrl } from './picture.ts'

/** More buttons than these would be hidden by Teams. */
const maxButtons = 6

export interface NoticeMessage {
  activity: OutgoingActivity
  /** Files that cannot be shown as an image in the message. */
  left: OutgoingFile[]
}

export async function noticeMessage({ text, files = [], buttons = [] }: Notice): Promise<NoticeMessage> {
  const pictures: object[] = []
  const left: OutgoingFile[] = []
  for (const file of files) {
    const url = await dataUrl(file)
    if (url === undefined) left.push(file)
    else pictures.push({ contentType: 'image/png', contentUrl: url, name: file.alt ?? file.name })
  }
  if (text.length > maxMarkdown)
    left.push({ name: 'all.md', mediaType: 'text/markdown', data: new TextEncoder().encode(text) })
  const actions = buttons.slice(0, maxButtons).map(buttonOf)
  const words =
    text.trim() === ''
      ? chatWording.done
      : text.length > maxMarkdown
        ? `${text.slice(0, maxMarkdown).toWellFormed()}…`
        : text
  const attachments = [...pictures, ...(actions.length === 0 ? [] : [card([], actions)])]
  return {
    left,
    activity: {
      type: 'message',
      textFormat: 'markdown',
      text: toTeams(words),
      attachments: attachments.length === 0 ? undefined : attachments,
    },
  }
}

/** For places that show plain text only, such as the toast after a pressed button. */
export function wordsOf({ text }: Notice): string {
  return cut(text.replaceAll(/[*_`]{1,3}/g, ''), 1000)
}
