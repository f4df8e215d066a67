/** Pure: the dialogs, and what was entered in them. */
import { z } from 'zod'
import { plainText } from './format.ts'
import { askView, feedbackView } from './settings.ts'

const Input = z.object({
  value: z.string().nullish(),
  selected_option: z.object({ value: z.string() }).nullish(),
})

/** What stands in the input of block `name`. */
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
    title: plainText('What went wrong?'),
    submit: plainText('Send'),
    close: plainText('Cancel'),
    blocks: [
      {
        type: 'input',
        block_id: 'reason',
        optional: true,
        label: plainText('In your words'),
        element: { type: 'plain_text_input', action_id: 'reason', multiline: true, max_length: 3000 },
      },
    ],
  }
}

export function askDialog(id: string) {
  const option = (value: string, text: string) => ({ value, text: plainText(text) })
  const places = [option('direct', 'Only me, in a direct message'), option('thread', 'In the thread of the message')]
  return {
    type: 'modal',
    callback_id: askView,
    private_metadata: id,
    notify_on_close: true,
    title: plainText('Ask Parley'),
    submit: plainText('Ask'),
    close: plainText('Cancel'),
    blocks: [
      {
        type: 'input',
        block_id: 'question',
        optional: true,
        label: plainText('Your question about this message'),
        element: {
          type: 'plain_text_input',
          action_id: 'question',
          multiline: true,
          max_length: 3000,
          placeholder: plainText('What does this say, and what should I know about it?'),
        },
      },
      {
        type: 'input',
        block_id: 'where',
        label: plainText('Who sees the answer'),
        element: { type: 'radio_buttons', action_id: 'where', options: places, initial_option: places[0] },
      },
    ],
  }
}
