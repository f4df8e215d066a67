/** Pure: Slack's dialogs, and the values that people enter in them. */
import { z } from 'zod'
import { chatWording } from '../../src/wording/chat.ts'
import { slackWording } from '../../src/wording/slack.ts'
import { plainText } from './format.ts'
import { askView, feedbackView } from './settings.ts'

const { ask, feedback } = chatWording

const Input = z.object({
  value: z.string().nullish(),
  selected_option: z.object({ value: z.string() }).nullish(),
})

/** The value of the input in block `name`. */
export function inputOf(values: unknown, name: string): string | undefined {
  const known = z.record(z.string(), z.record(z.string(), Input)).safeParse(values)
  const input = known.success ? known.data[name]?.[name] : undefined
  return input?.value ?? input?.selected_option?.value ?? undefined
}

export function feedbackDialog(turnId: string) {
  return {
    type: 'modal',
    callback_id: feedbackView,
    private_metadata: turnId,
    title: plainText(feedback.title),
    submit: plainText(feedback.submit),
    close: plainText(chatWording.cancel),
    blocks: [
      {
        type: 'input',
        block_id: 'reason',
        optional: true,
        label: plainText(feedback.reason),
        element: { type: 'plain_text_input', action_id: 'reason', multiline: true, max_length: 3000 },
      },
    ],
  }
}

export function askDialog(id: string) {
  const option = (value: string, text: string) => ({ value, text: plainText(text) })
  const places = [option('direct', slackWording.dialog.onlyMe), option('thread', slackWording.dialog.everyone)]
  return {
    type: 'modal',
    callback_id: askView,
    private_metadata: id,
    notify_on_close: true,
    title: plainText(ask.title),
    submit: plainText(ask.submit),
    close: plainText(chatWording.cancel),
    blocks: [
      {
        type: 'input',
        block_id: 'question',
        optional: true,
        label: plainText(ask.question),
        element: {
          type: 'plain_text_input',
          action_id: 'question',
          multiline: true,
          max_length: 3000,
          placeholder: plainText(ask.defaultQuestion),
        },
      },
      {
        type: 'input',
        block_id: 'where',
        label: plainText(slackWording.dialog.audience),
        element: { type: 'radio_buttons', action_id: 'where', options: places, initial_option: places[0] },
      },
    ],
  }
}
