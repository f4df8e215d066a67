/** Pure: buttons, menus and forms, and reading them when people use them. */
import {
  type APIActionRowComponent,
  type APIButtonComponent,
  type APIComponentInMessageActionRow,
  type APIModalInteractionResponseCallbackData,
  ButtonStyle,
  ComponentType,
  TextInputStyle,
} from 'discord.js'
import { type Button, type ButtonAction, decodeAction, encodeAction } from '../../src/core/command.ts'
import type { OutgoingMessage } from '../../src/core/platform.ts'
import { shorten } from '../../src/core/text/shorten.ts'
import { discordButtons, discordForms } from '../../src/wording/discord.ts'

export type Row = APIActionRowComponent<APIComponentInMessageActionRow>

const maxId = 100
const maxOptions = 25
const buttonsInRow = 5
/** https://discord.com/developers/docs/components/reference: of a button, and of an option of a menu. */
const maxLabel = 80
const maxOption = 100

/**
 * The buttons under a message of an answer: Stop while it is written; below the end of an answer the thumbs and a menu for the
 * rest; below an error or a stopped answer, one more try. Each button carries the conversation's root, so that a reply to this message finds its
 * conversation even after a restart.
 */
export function replyRows({ turnId, phase, end }: OutgoingMessage, root: string | undefined): Row[] {
  const button = (kind: Exclude<ButtonAction['kind'], 'command' | 'approve' | 'decline'>, label: string, emoji = '') =>
    buttonOf({ label, action: { kind, turnId } }, root, emoji)
  if (phase === 'streaming') return [row([button('stop', discordButtons.stop, '⏹️')])]
  if (end === undefined) return []
  if (end.state === 'failed' || end.receipt.model === 'none')
    return [row([button('regenerate', discordButtons.tryAgain, '🔁')])]
  if (end.state === 'stopped')
    return [row([button('regenerate', discordButtons.tryAgain, '🔁'), moreButton(turnId, root)])]
  return [row([button('good', '', '👍'), button('bad', '', '👎'), moreButton(turnId, root)])]
}

const more = 'more:'
/** Stands in the place of a root in the buttons of the menu, so that the menu is replaced by what they answer. */
const menuRoot = 'menu'

function moreButton(turnId: string, root: string | undefined): APIButtonComponent {
  return {
    type: ComponentType.Button,
    style: ButtonStyle.Secondary,
    custom_id: withRoot(`${more}${turnId}`, root),
    label: discordButtons.more,
  }
}

/** The turn whose menu a button opens. */
export function menuOf(customId: string): string | undefined {
  return customId.startsWith(more) ? withoutRoot(customId).slice(more.length) : undefined
}

/** What else may be done with an answer, for the one who asks for it. */
export function menuRows(turnId: string): Row[] {
  const { regenerate, better, cheaper, why, mine } = discordButtons
  const button = (kind: 'regenerate' | 'better' | 'cheaper' | 'why' | 'mine', label: string, emoji = '') =>
    buttonOf({ label, action: { kind, turnId } }, menuRoot, emoji)
  return [
    row([
      button('regenerate', regenerate, '🔁'),
      button('better', better),
      button('cheaper', cheaper),
      button('why', why),
      button('mine', mine),
    ]),
  ]
}

export const isInMenu = (customId: string) => customId.endsWith(`#${menuRoot}`)

/** Up to ten buttons in two rows, or a menu of up to 25. What has no room in Discord's 100 characters is left out. */
export function noticeRows(buttons: Button[] = []): Row[] {
  const usable = buttons.filter(({ action }) => encodeAction(action).length <= maxId)
  if (usable.length === 0) return []
  if (usable.length > buttonsInRow * 2) return [menu(usable.slice(0, maxOptions), discordButtons.choose)]
  const made = usable.map((button) => buttonOf(button, undefined))
  return [made.slice(0, buttonsInRow), made.slice(buttonsInRow)].filter((some) => some.length > 0).map(row)
}

function row(components: APIButtonComponent[]): Row {
  return { type: ComponentType.ActionRow, components }
}

function buttonOf({ label, action, style }: Button, root: string | undefined, emoji = ''): APIButtonComponent {
  const styles = { primary: ButtonStyle.Primary, danger: ButtonStyle.Danger } as const
  const id = encodeAction(action)
  return {
    type: ComponentType.Button,
    style: style === undefined ? ButtonStyle.Secondary : styles[style],
    custom_id: withRoot(id, root),
    label: label === '' ? undefined : shorten(label, maxLabel),
    emoji: emoji === '' ? undefined : { name: emoji },
  }
}

const withRoot = (id: string, root: string | undefined) =>
  root === undefined || id.length + root.length >= maxId ? id : `${id}#${root}`

function menu(buttons: Button[], placeholder: string): Row {
  const options = buttons.map(({ label, action }) => ({
    label: shorten(label, maxOption),
    value: encodeAction(action),
  }))
  return {
    type: ComponentType.ActionRow,
    components: [{ type: ComponentType.StringSelect, custom_id: 'choose', placeholder, options }],
  }
}

/** The action of a button or menu choice; `undefined` when it is not Parley's. */
export function actionOf(customId: string, values: readonly string[] = []): ButtonAction | undefined {
  return decodeAction(withoutRoot(values[0] ?? customId))
}

const rootMark = /#([\w@-]{1,60})$/
const withoutRoot = (id: string) => (id.startsWith('command:') ? id : id.replace(rootMark, ''))

/** The root that a message of Parley's carries in its buttons. */
export function rootOf(components: readonly unknown[] | undefined): string | undefined {
  for (const found of JSON.stringify(components ?? []).matchAll(/"custom_id":"([^"]{1,100})"/g)) {
    const id = found[1] ?? ''
    const root = id.startsWith('command:') ? undefined : rootMark.exec(id)?.[1]
    if (root !== undefined) return root
  }
  return undefined
}

/** A form's id carries its purpose, so that people can submit it after a restart. */
export type FormOf =
  | { form: 'ask'; private: boolean; model?: string; search?: boolean | undefined }
  | { form: 'about'; channelId: string; messageId: string }
  | { form: 'bad'; turnId: string }

const modelMax = 80

export function formId(of: FormOf): string {
  if (of.form === 'ask') {
    const search = of.search === undefined ? '' : of.search ? '+web' : '-web'
    return `ask/${of.private ? 'private' : 'open'}${search}/${of.model ?? ''}`
  }
  return of.form === 'about' ? `about/${of.channelId}/${of.messageId}` : `bad/${of.turnId}`
}

export function formOf(id: string): FormOf | undefined {
  const [form, first = '', ...rest] = id.split('/')
  const second = rest.join('/')
  if (form === 'ask') {
    const search = first.endsWith('+web') ? true : first.endsWith('-web') ? false : undefined
    return { form, private: first.startsWith('private'), model: second === '' ? undefined : second, search }
  }
  if (form === 'about' && first !== '' && second !== '') return { form, channelId: first, messageId: second }
  return form === 'bad' && first !== '' ? { form, turnId: first } : undefined
}

/** A model's name that fits into a form's id. */
export const fitsForm = (model: string | undefined) =>
  model !== undefined && model.length <= modelMax ? model : undefined

export function askForm(of: Extract<FormOf, { form: 'ask' }>): APIModalInteractionResponseCallbackData {
  return {
    custom_id: formId(of),
    title: discordForms.askTitle,
    components: [
      textField('text', discordForms.question, { required: false, maxLength: 4000 }),
      {
        type: ComponentType.Label,
        label: discordForms.files,
        component: {
          type: ComponentType.FileUpload,
          custom_id: 'files',
          min_values: 0,
          max_values: 10,
          required: false,
        },
      },
    ],
  }
}

export function aboutForm(of: Extract<FormOf, { form: 'about' }>): APIModalInteractionResponseCallbackData {
  return {
    custom_id: formId(of),
    title: discordForms.aboutTitle,
    components: [textField('text', discordForms.question, { required: true, maxLength: 4000 })],
  }
}

export function badForm(of: Extract<FormOf, { form: 'bad' }>): APIModalInteractionResponseCallbackData {
  return {
    custom_id: formId(of),
    title: discordForms.badTitle,
    components: [textField('comment', discordForms.comment, { required: false, maxLength: 1000 })],
  }
}

function textField(id: string, label: string, { required, maxLength }: { required: boolean; maxLength: number }) {
  return {
    type: ComponentType.Label as const,
    label,
    component: {
      type: ComponentType.TextInput as const,
      custom_id: id,
      style: TextInputStyle.Paragraph,
      required,
      max_length: maxLength,
    },
  }
}

/** What was written into a form's field, and the files put into it. */
export function fieldsOf(components: readonly unknown[]): { text: Map<string, string>; files: string[] } {
  const text = new Map<string, string>()
  const files: string[] = []
  const open = [...components]
  for (let each = open.shift(); each !== undefined; each = open.shift()) {
    if (typeof each !== 'object' || each === null) continue
    if ('components' in each && Array.isArray(each.components)) open.push(...each.components)
    if ('component' in each) open.push(each.component)
    if (!('custom_id' in each) || typeof each.custom_id !== 'string') continue
    if ('value' in each && typeof each.value === 'string') text.set(each.custom_id, each.value)
    if ('values' in each && Array.isArray(each.values))
      files.push(...each.values.filter((id) => typeof id === 'string'))
  }
  return { text, files }
}
