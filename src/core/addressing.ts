/**
 * Is this message for Parley? One rule for all platforms. An adapter tells what it knows (`Addressing`), and intake adds what
 * was asked in the conversation before and what the setting of the channel says.
 */
import type { Author, ConversationRef } from './message.ts'

/** What a platform knows about who a message is for. `judge` decides by it. */
export interface Addressing {
  conversation: ConversationRef
  author: Pick<Author, 'id'>
  /** Without mentions of Parley. */
  text: string
  /**
   * `direct`: only this person and Parley. `group`: a chat of several people without threads. `thread`: below a message.
   * `channel`: everything else.
   */
  place: 'direct' | 'group' | 'thread' | 'channel'
  /** Parley is mentioned, by its name or by a role or group of its own. */
  mentioned: boolean
  /** The message answers or quotes a message of Parley. */
  repliesToParley?: boolean
  /** The message answers or quotes a message of another person than its author. */
  repliesToOther?: boolean
  /** Somebody else is mentioned: a person, a role, a group, a tag, everyone, or all who are online. */
  namesOthers?: boolean
  /** Files come with it, so that it is more than its words. */
  hasFiles?: boolean
}

/** Why a message is left to the people it is meant for. */
export type NotForParley =
  | 'not called'
  | 'not a participant'
  | 'meant for others'
  | 'small talk'
  | 'only when named'
  | 'asker only'

export type FollowUps = 'always' | 'named' | 'asker'

export interface Known {
  /** Parley has taken in a message of this conversation. */
  participates: boolean
  /** This person has asked in it. */
  asked: boolean
  /** `always`: follow-ups of anybody are answered. `asker`: of those who have asked. `named`: none without a mention. */
  followUps: FollowUps
}

export type Judgement = { answers: true } | { answers: false; why: NotForParley }

/** What can be said without looking anything up: `undefined` where it depends on the conversation. */
export function judgeAlone(message: Addressing): Judgement | undefined {
  const { place, mentioned, repliesToParley, repliesToOther, namesOthers } = message
  if (place === 'direct' || mentioned) return { answers: true }
  if (namesOthers) return { answers: false, why: 'meant for others' }
  if (repliesToParley) return isSmallTalk(message) ? { answers: false, why: 'small talk' } : { answers: true }
  if (place !== 'thread') return { answers: false, why: 'not called' }
  if (repliesToOther) return { answers: false, why: 'meant for others' }
  if (isSmallTalk(message)) return { answers: false, why: 'small talk' }
  return undefined
}

/** Whether Parley answers. */
export function judge(message: Addressing, known: Known): Judgement {
  const alone = judgeAlone(message)
  if (alone !== undefined) return alone
  if (!known.participates) return { answers: false, why: 'not a participant' }
  if (known.followUps === 'named') return { answers: false, why: 'only when named' }
  if (known.followUps === 'asker' && !known.asked) return { answers: false, why: 'asker only' }
  return { answers: true }
}

/** Words that end a talk and ask nothing, in the languages that teams use most. Compared without case and punctuation. */
const thanks = new Set(
  [
    ...['thanks', 'thank you', 'thank you so much', 'thank you very much', 'thanks a lot', 'many thanks', 'thx', 'ty'],
    ...['ok thanks', 'great thanks', 'perfect thanks', 'thanks parley', 'thank you parley', 'cheers', 'cool thanks'],
    ...['ok', 'okay', 'k', 'cool', 'nice', 'great', 'perfect', 'awesome', 'lol', 'haha', 'got it', 'will do', 'done'],
    ...['danke', 'danke schön', 'vielen dank', 'danke dir', 'super danke', 'alles klar', 'passt', 'perfekt', 'top'],
    ...['merci', 'merci beaucoup', 'parfait', 'gracias', 'muchas gracias', 'perfecto', 'vale', 'obrigado', 'obrigada'],
    ...['grazie', 'grazie mille', 'perfetto', 'dank je', 'bedankt', 'tack', 'takk', 'kiitos', 'dziękuję', 'dzięki'],
    ...['спасибо', 'ありがとう', 'ありがとうございます', '谢谢', '謝謝', '감사합니다', 'teşekkürler', 'شكرا'],
  ].map((words) => words.toLowerCase()),
)

/** Thanks, a laugh or emoji alone. */
function isSmallTalk({ text, hasFiles }: Pick<Addressing, 'text' | 'hasFiles'>): boolean {
  if (hasFiles) return false
  const words = bareWords(
    text
      .replaceAll(/:[\w+-]+(?::skin-tone-\d)?:/g, ' ')
      .replaceAll(/\p{Extended_Pictographic}|\p{Emoji_Modifier}|\p{Regional_Indicator}|\u200d|\ufe0f|\u20e3/gu, ' '),
  )
  if (words !== '') return thanks.has(words)
  // Nothing but emoji and punctuation. A lone question mark asks.
  return text.trim() !== '' && !/[?？؟]/.test(text)
}

const stops = new Set([
  'stop',
  'stop it',
  'please stop',
  'stop please',
  'cancel',
  'abort',
  'stopp',
  'abbrechen',
  'arrête',
  'para',
  'pare',
])

/** Whether the message says nothing but to stop the answer that is being written. */
export function saysStop(text: string): boolean {
  return stops.has(bareWords(text))
}

/** In lower case, without punctuation and symbols. */
function bareWords(text: string): string {
  return text
    .replaceAll(/[\p{P}\p{S}]/gu, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .toLowerCase()
}
