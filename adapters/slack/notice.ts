/** Pure: a notice (what a command answered, an alert, a request for approval) → Slack's blocks. */
import { encodeAction } from '../../src/core/action.ts'
import type { Notice } from '../../src/core/command.ts'
import { type Block, plainText, textBlocks, toNotification } from './format.ts'

/** Of a button's value in Slack. */
const maxValueChars = 2000
const buttonsInRow = 25

export interface NoticeContent {
  text: string
  blocks: Block[]
}

export function noticeContent({ text, buttons = [] }: Notice): NoticeContent {
  const words = text.trim() === '' ? 'Done.' : text
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
