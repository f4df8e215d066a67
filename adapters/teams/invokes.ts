/**
 * Teams' invokes, which expect an immediate answer: pressed buttons, thumbs, the message extension, the reply to a file card.
 * Their effect is committed before the answer.
 */
import { z } from 'zod'
import { type ButtonAction, decodeAction } from '../../src/core/command.ts'
import { asParleyError, errorFields } from '../../src/core/errors.ts'
import { storable } from '../../src/core/json.ts'
import type { Log } from '../../src/core/log.ts'
import { asContent, type IncomingMessage } from '../../src/core/message.ts'
import type { Intake } from '../../src/core/platform.ts'
import { chatWording } from '../../src/wording/chat.ts'
import { teamsWording } from '../../src/wording/teams.ts'
import { type Activity, eventId, placeOf, RawAttachment, TargetData } from './activity.ts'
import type { createCapture } from './capture.ts'
import type { Consents } from './consent.ts'
import { nameOf, Sender, wordsOf } from './content.ts'
import { card, cut, toastOf } from './format.ts'
import { contentIn } from './graph.ts'
import type { Hosts } from './hosts.ts'
import { foundIn, momentOf } from './normalize.ts'
import type { People } from './people.ts'
import type { Posts } from './post-keys.ts'
import { askCommand } from './settings.ts'
import type { TeamsTransport } from './transport.ts'

export interface InvokeDeps {
  intake: Intake
  people: People
  posts: Posts
  consents: Consents
  transport: Pick<TeamsTransport, 'notify' | 'remove'>
  capture: ReturnType<typeof createCapture>
  hosts: Hosts
  log: Log
  later(what: string, work: () => Promise<unknown>): void
}

export interface Answer {
  status: number
  body?: unknown
}

const CardAction = z.looseObject({ action: z.looseObject({ data: z.looseObject({ parley: z.string().max(2000) }) }) })
const Feedback = z.looseObject({
  actionName: z.literal('feedback'),
  actionValue: z.looseObject({ reaction: z.enum(['like', 'dislike']), feedback: z.string().nullish() }),
})
const FeedbackText = z.object({ feedbackText: z.string().max(5000) })
const Payload = z.looseObject({
  id: z.string().nullish(),
  subject: z.string().nullish(),
  body: z.looseObject({ content: z.string().nullish(), contentType: z.string().nullish() }).nullish(),
  from: Sender,
  attachments: z.array(RawAttachment).nullish(),
})
const Extension = z.looseObject({
  commandId: z.string(),
  messagePayload: Payload.nullish(),
  data: z.looseObject({ question: z.string().max(20_000).nullish() }).nullish(),
})
const FileConsent = z.looseObject({
  action: z.enum(['accept', 'decline']),
  context: z.object({ parley: z.string().max(200) }),
  uploadInfo: z
    .looseObject({
      uploadUrl: z.string(),
      contentUrl: z.string(),
      name: z.string(),
      uniqueId: z.string().nullish(),
      fileType: z.string().nullish(),
    })
    .nullish(),
})

const uploadMs = 120_000

export function createInvokes(deps: InvokeDeps): (activity: Activity) => Promise<Answer | undefined> {
  const { intake, people, posts, consents, transport, capture, hosts, log, later } = deps

  async function press(activity: Activity, button: ButtonAction, comment?: string): Promise<string> {
    const replyTarget = placeOf(activity)
    const at = TargetData.parse(replyTarget.data)
    const by = await people.author(activity.from, at)
    const words = comment === undefined || comment === '' ? {} : { comment }
    try {
      const { notice } = await intake.act({ ...button, id: eventId(activity), by, replyTarget, ...words })
      if (notice === undefined) return ''
      // A toast holds one sentence; longer notices, and those with images or buttons, become a message.
      const short = toastOf(await people.named(notice.text, at))
      if (notice.files === undefined && notice.buttons === undefined && notice.text.length < 300) return short
      later('posting the answer of a button', () =>
        transport.notify(replyTarget, notice, {
          key: `press-${eventId(activity)}`,
          signal: AbortSignal.timeout(60_000),
        }),
      )
      return cut(short, 120)
    } catch (thrown) {
      const error = asParleyError(thrown)
      if (error.code === 'internal') log.error(errorFields(thrown), 'a button failed')
      return toastOf(await people.named(error.userMessage, at))
    }
  }

  async function cardAction(activity: Activity): Promise<Answer> {
    const button = decodeAction(CardAction.safeParse(activity.value).data?.action.data.parley ?? '')
    const result = button === undefined ? chatWording.foreignButton : await press(activity, button)
    const value = result === '' ? chatWording.done : result
    return { status: 200, body: { statusCode: 200, type: 'application/vnd.microsoft.activity.message', value } }
  }

  async function feedback(activity: Activity): Promise<Answer> {
    const given = Feedback.safeParse(activity.value).data?.actionValue
    const turnId = await posts.replyOf(placeData(activity).conversation, activity.replyToId ?? '')
    if (given !== undefined && turnId !== undefined) {
      const words = FeedbackText.safeParse(parse(given.feedback ?? '')).data?.feedbackText
      await press(activity, { kind: given.reaction === 'like' ? 'good' : 'bad', turnId }, words)
    }
    return { status: 200, body: {} }
  }

  function askForm(activity: Activity): Answer {
    const value = Extension.safeParse(activity.value).data
    if (value?.commandId !== askCommand) return { status: 400 }
    const about = contentIn(value.messagePayload ?? {})
    const words = wordsOf(about)
    const shown =
      words !== ''
        ? cut(words, 300)
        : foundIn(about)
            .map(({ name }) => name)
            .join(', ')
    const body = [
      {
        type: 'TextBlock',
        text: shown || teamsWording.askForm.nothingToRead,
        wrap: true,
        isSubtle: true,
        maxLines: 4,
      },
      {
        type: 'Input.Text',
        id: 'question',
        label: chatWording.ask.question,
        isMultiline: true,
        maxLength: 4000,
        isRequired: true,
        errorMessage: teamsWording.askForm.questionRequired,
      },
    ]
    const form = card(body, [{ type: 'Action.Submit', title: chatWording.ask.title }])
    return {
      status: 200,
      body: {
        task: {
          type: 'continue',
          value: { title: chatWording.ask.title, height: 'medium', width: 'medium', card: form },
        },
      },
    }
  }

  async function ask(activity: Activity): Promise<Answer> {
    const form = Extension.safeParse(activity.value).data
    const text = form?.data?.question?.trim() ?? ''
    if (form?.commandId !== askCommand || text === '') return { status: 400 }
    const { messagePayload: about } = form
    const replyTarget = placeOf(activity)
    const at = TargetData.parse(replyTarget.data)
    const content = contentIn(about ?? {})
    const id = eventId(activity)
    await using captured = await capture(foundIn(content), { eventId: id, messageId: about?.id ?? '', at })
    const said = [wordsOf(content), ...captured.said]
      .filter((words) => words !== '')
      .join('\n\n')
      .slice(0, 20_000)
    const nothing = said === '' && captured.attachments.length === 0
    const unread = [...content.unread, ...captured.unread, ...(nothing ? [teamsWording.unread.message] : [])]
    const by = nameOf(about?.from)
    const message: IncomingMessage = {
      id,
      conversation: replyTarget.conversation,
      text,
      replyTarget,
      kind: 'mention',
      author: await people.author(activity.from, at),
      attachments: asContent(captured.attachments),
      sentAt: momentOf(activity.timestamp),
      quoted: said === '' ? undefined : storable(by === undefined ? said : `${by}: ${said}`),
      unread: unread.length === 0 ? undefined : [...new Set(unread)],
    }
    const received = await intake.receive(message)
    if (received.kind !== 'refused') await captured.assign(received.turnId)
    const answering = nothing ? teamsWording.unread.message : teamsWording.answeringHere
    const value = received.kind === 'refused' ? toastOf(received.notice.text) : answering
    return { status: 200, body: { task: { type: 'message', value } } }
  }

  function consent(activity: Activity): Answer {
    const given = FileConsent.safeParse(activity.value).data
    const at = placeData(activity)
    const { replyToId } = activity
    if (given === undefined || !replyToId) return { status: 400 }
    const { context, uploadInfo } = given
    if (given.action === 'decline') {
      later('removing a declined file', async () => {
        await consents.withdraw(context.parley)
        await transport.remove(placeOf(activity), { id: replyToId }, { signal: AbortSignal.timeout(uploadMs) })
      })
    } else if (uploadInfo) {
      const { uniqueId, fileType, ...where } = uploadInfo
      const upload = { ...where, uniqueId: uniqueId ?? undefined, fileType: fileType ?? undefined }
      const options = { signal: AbortSignal.timeout(uploadMs) }
      later('sending a file', () =>
        consents.accept(at, { key: context.parley, card: replyToId, upload }, hosts, options),
      )
    }
    return { status: 200, body: {} }
  }

  return async (activity) => {
    switch (activity.name) {
      case 'adaptiveCard/action':
        return await cardAction(activity)
      case 'message/submitAction':
        return await feedback(activity)
      case 'composeExtension/fetchTask':
        return askForm(activity)
      case 'composeExtension/submitAction':
        return await ask(activity)
      case 'fileConsent/invoke':
        return consent(activity)
      default:
        return undefined
    }
  }
}

const placeData = (activity: Activity) => TargetData.parse(placeOf(activity).data)

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
