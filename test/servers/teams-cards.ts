/**
 * What Teams refuses of an app's message, as far as Parley could get it wrong: the AI label and citations, and Adaptive Cards 1.5.
 * https://learn.microsoft.com/microsoftteams/platform/bots/how-to/bot-messages-ai-generated-content
 * https://adaptivecards.io/explorer/
 */
import { z } from 'zod'
import type { Wire } from './teams-state.ts'

const Text = z.strictObject({
  type: z.literal('TextBlock'),
  id: z.string().min(1).optional(),
  isVisible: z.boolean().optional(),
  text: z.string().min(1),
  wrap: z.boolean().optional(),
  size: z.enum(['Small', 'Default', 'Medium', 'Large', 'ExtraLarge']).optional(),
  weight: z.enum(['Lighter', 'Default', 'Bolder']).optional(),
  isSubtle: z.boolean().optional(),
  spacing: z.enum(['None', 'Small', 'Default', 'Medium', 'Large', 'ExtraLarge', 'Padding']).optional(),
})
const Execute = z.strictObject({
  type: z.literal('Action.Execute'),
  title: z.string().min(1).max(60),
  verb: z.string(),
  data: z.looseObject({}),
  style: z.enum(['default', 'positive', 'destructive']).optional(),
  mode: z.enum(['primary', 'secondary']).optional(),
})
const Toggle = z.strictObject({
  type: z.literal('Action.ToggleVisibility'),
  title: z.string().min(1).max(60),
  targetElements: z.array(z.string().min(1)).min(1),
  mode: z.enum(['primary', 'secondary']).optional(),
})
/** Teams draws six actions, and puts the others behind "…" with the secondary ones. */
const Card = z.strictObject({
  type: z.literal('AdaptiveCard'),
  $schema: z.string(),
  version: z.literal('1.5'),
  body: z.array(Text),
  actions: z
    .array(z.discriminatedUnion('type', [Execute, Toggle]))
    .min(1)
    .optional(),
  msteams: z.strictObject({ width: z.literal('Full') }),
})
const Attachment = z.discriminatedUnion('contentType', [
  z.strictObject({ contentType: z.literal('application/vnd.microsoft.card.adaptive'), content: Card }),
  z.strictObject({ contentType: z.literal('image/png'), contentUrl: z.string(), name: z.string() }),
  z.strictObject({
    contentType: z.literal('application/vnd.microsoft.teams.card.file.consent'),
    name: z.string().min(1),
    content: z.strictObject({
      description: z.string(),
      sizeInBytes: z.number().int().positive(),
      acceptContext: z.looseObject({}),
      declineContext: z.looseObject({}),
    }),
  }),
  z.strictObject({
    contentType: z.literal('application/vnd.microsoft.teams.card.file.info'),
    contentUrl: z.string(),
    name: z.string(),
    content: z.strictObject({ uniqueId: z.string().optional(), fileType: z.string().optional() }),
  }),
])
const Claim = z.strictObject({
  '@type': z.literal('Claim'),
  position: z.number().int().positive(),
  appearance: z.strictObject({
    '@type': z.literal('DigitalDocument'),
    name: z.string().min(1).max(80),
    abstract: z.string().max(160),
    keywords: z.array(z.string().max(28)).max(3).optional(),
    url: z
      .string()
      .regex(/^https?:/)
      .optional(),
    image: z.strictObject({ '@type': z.literal('ImageObject'), name: z.string() }).optional(),
  }),
})
const Label = z.strictObject({
  type: z.literal('https://schema.org/Message'),
  '@type': z.literal('Message'),
  '@context': z.literal('https://schema.org'),
  '@id': z.literal(''),
  additionalType: z.tuple([z.literal('AIGeneratedContent')]),
  citation: z.array(Claim).min(1).max(20).optional(),
})

/** What is wrong with the message; `undefined` if nothing is. */
export function faultOf({ attachments = [], entities = [], text = '' }: Wire): string | undefined {
  for (const attachment of attachments) {
    const { success, error } = Attachment.safeParse(attachment)
    if (!success) return `a bad attachment: ${z.prettifyError(error)}`
  }
  for (const entity of entities.filter(({ type }) => type === 'https://schema.org/Message')) {
    const { success, data, error } = Label.safeParse(entity)
    if (!success) return `a bad label: ${z.prettifyError(error)}`
    const unused = data.citation?.find(({ position }) => !text.includes(`[${position}]`))
    if (unused) return `nothing cites [${unused.position}]`
  }
  return undefined
}
