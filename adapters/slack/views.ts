/** Slack's dialogs, the values that people enter in them, and the Home tab: usage, settings and recent conversations. */
import { z } from 'zod'
import { encodeAction, type Notice } from '../../src/core/command.ts'
import { escapeMarkdown } from '../../src/core/markdown/escape.ts'
import type { Intake } from '../../src/core/platform.ts'
import { chatWording } from '../../src/wording/chat.ts'
import { slackWording } from '../../src/wording/slack.ts'
import { type Block, cut, noticeMrkdwn, plainText, sections, toMrkdwn } from './format.ts'
import type { RecentConversation } from './recent.ts'
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

const { home: wording } = slackWording
/** Commands of the table that tell a person about themselves, in the order of the tab. */
export const homeCommands = Object.keys(wording.headings) as (keyof typeof wording.headings)[]

export interface HomeSection {
  command: (typeof homeCommands)[number]
  notice: Notice
}

/** A conversation that the person had, with its link where Slack gave one. */
export interface Recent extends RecentConversation {
  link?: string | undefined
}

export function homeView(answers: HomeSection[], recent: Recent[]): Block {
  const blocks: Block[] = [
    { type: 'header', text: plainText(wording.title) },
    ...sections(wording.introduction),
    ...answers.flatMap(({ command, notice }) => [
      { type: 'divider' },
      { type: 'header', text: plainText(wording.headings[command]) },
      ...sections(noticeMrkdwn(notice.text)),
      ...buttonsOf(notice),
    ]),
    ...recentBlocks(recent),
    { type: 'divider' },
    { type: 'context', elements: [{ type: 'mrkdwn', text: wording.change }] },
    {
      type: 'actions',
      elements: [
        { type: 'button', action_id: 'parley:home:refresh', text: plainText(wording.refresh), value: 'refresh' },
      ],
    },
  ]
  return { type: 'home', blocks: blocks.slice(0, 100) }
}

/** What the commands of the tab answer; a failed one is left out. */
export async function homeSections(
  intake: Intake,
  call: Omit<Parameters<Intake['command']>[0], 'text'>,
): Promise<HomeSection[]> {
  const known = homeCommands.filter((command) => intake.commands.some(({ name }) => name === command))
  const answers = await Promise.all(
    known.map(async (command) => {
      const notice = await intake.command({ ...call, id: `${call.id}-${command}`, text: command })
      return notice.failed ? [] : [{ command, notice }]
    }),
  )
  return answers.flat()
}

function recentBlocks(recent: Recent[]): Block[] {
  if (recent.length === 0) return []
  const lines = recent.map(({ channel, title, at, link }) => {
    const words = cut(toMrkdwn(escapeMarkdown(title)), 150).replaceAll('|', '¦')
    const named = link === undefined ? words : `<${link}|${words}>`
    // Slack shows the date in the reader's own time zone.
    const when = `<!date^${Math.floor(at / 1000)}^{date_short_pretty}|${new Date(at).toISOString().slice(0, 10)}>`
    return `• ${named} (${wording.recentPlace(channel.startsWith('D') ? undefined : `<#${channel}>`, when)})`
  })
  return [{ type: 'divider' }, { type: 'header', text: plainText(wording.recent) }, ...sections(lines.join('\n'))]
}

function buttonsOf({ buttons = [] }: Notice): Block[] {
  const elements = buttons.slice(0, 25).map(({ label, action }, at) => ({
    type: 'button',
    action_id: `parley:home:${at}`,
    text: plainText(label),
    value: encodeAction(action),
  }))
  return elements.length === 0 ? [] : [{ type: 'actions', elements }]
}
