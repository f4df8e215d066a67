/** A notice (what a command answered, an alert, a request for approval) → a message of Teams. */
import type { Notice, OutgoingFile } from '../../src/core/command.ts'
import type { OutgoingActivity } from './api.ts'
import { buttonOf, card, cut, maxMarkdown, toTeams } from './format.ts'
import { dataUrl } from './picture.ts'

/** Of a card, before Teams hides what is left. */
const maxButtons = 6

export interface NoticeMessage {
  activity: OutgoingActivity
  /** What is no picture, or too large for one. */
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
    text.trim() === '' ? 'Done.' : text.length > maxMarkdown ? `${text.slice(0, maxMarkdown).toWellFormed()}…` : text
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

/** For places that show words alone: a toast after a pressed button. */
export function wordsOf({ text }: Notice): string {
  return cut(text.replaceAll(/[*_`]{1,3}/g, ''), 1000)
}
