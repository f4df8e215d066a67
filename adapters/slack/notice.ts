/** Pure: a notice (a command's answer, an alert, an approval request) → Slack blocks. */
import { encodeAction } from '../../src/core/action.ts'
import type { Notice } from '../../src/core/command.ts'
import { chatWording } from '../../src/wording/chat.ts'
import { type Block, plainText, textBlocks, toNotification } from './format.ts'

/** Slack's limit for the value of a button. */
const maxValueChars = 2000
const buttonsInRow = 25

export interface NoticeContent {
  text: string
  blocks: Block[]
}

export function noticeContent({ text, buttons = [] }: Notice): NoticeContent {
  const words = text.trim() === '' ? chatWording.done : text
  const fitting = buttons.filter(({ action }) => encodeAction(action).length <= maxValueChars).slice(0, buttonsInRow)
  const elements = fitting.map(({ label, action, style }, at) => ({
    type: 'button',
    action_id: `parley:${at}:${action.kind}`,
    text: plainText(label),
    value: encodeAction(action),
    style: style ? style : undefined,
  }))
  return {
    text: toNotification(words),
    blocks: [...textBlocks(words), ...(elements.length === 0 ? [] : [{ type: 'actions', elements }])],
  }
}
