/** Sentences about answers: receipts, notices, progress, answers that are empty or stopped, buttons, approvals, limits. */
import { formatUsd, type NanoUsd } from '../core/money.ts'
import type { Period } from '../core/window.ts'
import { modelVariables } from './phrases.ts'

/** What an answer's receipt adds to it. */
export const noticeWording = {
  stopped: 'Stopped before the end.',
  answeredInstead: (failure: string, model: string) => `${failure} ${model} answered instead.`,
  quotedInstead: (failure: string) => `${failure} Parley quoted the best matches in the files instead.`,
  incomplete: (why: string) => `${why} This answer is incomplete. Regenerate it, or ask for the rest.`,
  stoppedMidAnswer: (model: string) => `${model} stopped mid-answer.`,
  stoppedMidAnswerTwice: (model: string) => `${model} stopped mid-answer twice.`,
  stoppedMidAnswerAnd: (model: string, failure: string) => `${model} stopped mid-answer. ${failure}`,
  cutOff: (model: string, tokens: number) =>
    `The answer reached the limit of ${tokens} tokens for ${model} and was cut off. Ask for the rest to continue.`,
  historyCut: (messages: number) =>
    `The ${messages === 1 ? 'oldest message' : `${messages} oldest messages`} did not fit the model and ${messages === 1 ? 'was' : 'were'} left out.`,
  blind: (model: string) => `${model} cannot see pictures. It was given the text that was recognized in them.`,
  cutByBudget: (tokens: number) =>
    `The answer was cut off after ${tokens} tokens, because the budget held no more. Ask for the rest when there is money again.`,
  partlyDeclined: (model: string) =>
    `${model} declined to answer part of this. Rephrase the question, or choose another model.`,
  unknownCitations: (count: number) =>
    `${count === 1 ? '1 citation was' : `${count} citations were`} removed because the model was not given the cited place.`,
  unlinked: (count: number) =>
    count === 1
      ? '1 address is shown as text, not as a link: nobody in this conversation wrote it, and no search returned it.'
      : `${count} addresses are shown as text, not as links: nobody in this conversation wrote them, and no search returned them.`,
  unsupportedCitations: (count: number) =>
    count === 1
      ? '1 citation was removed because its source does not support the statement.'
      : `${count} citations were removed because their sources do not support the statements.`,
  picturesUnseen: (pictures: number, model: string) =>
    `${model} cannot see pictures, so it answered without seeing ${pictures === 1 ? 'the picture' : `the ${pictures} pictures`}. Choose a model that can.`,
  nothingConfigured: `No language model is configured, so Parley quotes the files. To get written answers, set ${modelVariables}.`,
  pagesMissing: (pages: string) => `None of the files has text on ${pages}, so Parley used all of their pages.`,
  webNothing: 'The web search found no page that Parley could read.',
  linkUnread: (address: string, problem: string) => `${address} was not read: ${problem}`,
  searchTooSlow: 'The file search took too long, so Parley used parts of each file instead of the best matches.',
}

/** Why a receipt names this model, or none. */
export const receiptWording = {
  fellBack: (chosen: string, model: string) => `${chosen} could not answer, so ${model} answered instead.`,
  stopped: 'The answer was stopped.',
  transcript: 'A transcript needs no model.',
  noAnswer: (code: string) => `No answer: ${code}.`,
}

/** What is shown in the place of an answer. */
export const noAnswerWording = {
  stopped: '_Stopped before the answer began._',
  declined: 'The model declined to answer this. Rephrase the question, or choose another model.',
  noText: 'The model returned no text. Try again.',
  empty: 'The answer was empty. Try again.',
  crashed:
    'Parley stopped several times while answering this question, so it gave up. Other questions are not affected. Rephrase the question, attach fewer files, or try again.',
  internal: 'Something went wrong in Parley. Try again.',
}

/** When a platform does not take a reply. `why` is a sentence. */
export const undeliveredWording = {
  toAsker: (why: string) => `Your answer could not be posted. ${why}`,
  withAnswer: (why: string, answer: string) => `${why}\n\n**The answer, for you alone:**\n\n${answer}`,
  /** `where`: the `scopeName` of the channel, if it is known who reads this. */
  toAdmins: (person: string | undefined, where: string | undefined, why: string) =>
    `An answer${person === undefined ? '' : ` for ${person}`}${where === undefined ? '' : ` in ${where}`} could not be posted. ${why}`,
}

/** The line over an answer to a voice note, and the last line of a shortened one. Markdown. */
export const answerWording = {
  heard: (text: string) => `> *Heard:* ${text}`,
  continuedInFile: (file: string) => `_This is only the beginning. The full answer is in the file ${file}._`,
}

/** How much of the files the model was given: parts that a receipt joins. */
export const usedWording = {
  picturesReadByOcr: (pictures: number, model: string) =>
    `${counted(pictures, 'picture')} read with OCR only because ${model} cannot see pictures`,
  picturesShown: (pictures: number, left: number) =>
    `${counted(pictures, 'picture')} shown to the model${left === 0 ? '' : `, ${left.toLocaleString('en')} more did not fit`}`,
  allOf: (title: string) => `all of ${title}`,
  allOfFiles: (files: number) => `all of ${files} files`,
  partsOf: (title: string) => `parts of ${title}`,
  passagesOf: (passages: number, title: string) => `${counted(passages, 'passage')} of ${title}`,
  pagesOf: (pages: number, of: number, title: string) => `${pages} of ${counted(of, 'page')} of ${title}`,
  rangeOf: (range: string, title: string) => `${range} of ${title}`,
  bestMatches: (used: readonly string[], left: number, of: number) =>
    `${used.join(', ')} (best matches)${left === 0 ? '' : `; nothing from ${counted(left, of > left ? 'other file' : 'file')}`}`,
  asYouAsked: (used: readonly string[], whole: boolean, left: number) =>
    `${used.join(', ')}, as you asked${whole ? '' : ' (best matches)'}${left === 0 ? '' : `; nothing from ${counted(left, 'other file')}`}`,
}

function counted(number: number, word: string): string {
  return `${number.toLocaleString('en')} ${number === 1 ? word : `${word}s`}`
}

/** What happened to the attachments: parts that a receipt joins. */
export const attachmentWording = {
  outcomes: { read: 'read', partly: 'partly read', skipped: 'skipped' },
  group: (count: number, outcome: string, reasons: readonly string[]) =>
    `${count} ${outcome}${reasons.length === 0 ? '' : `: ${reasons.join('; ')}`}`,
  gone: (name: string) => `${name} is no longer stored. Please share it again.`,
  crashed: (name: string) =>
    `Parley stopped several times while reading ${name}, so it skips this file. Save it in another format and share it again.`,
  unreadable: (name: string) => `Parley could not read ${name}. Please share it again.`,
  stopped: 'stopped before it was read',
  readsAgain: (failure: string) => `${failure} Parley reads the file again with the next question in this thread.`,
  tooLarge: (limit: string) =>
    `The file is over the limit of ${limit}. Share a smaller file, or ask an admin to raise the limit.`,
}

/** What is shown before an answer starts. */
export const progressWording = {
  answering: 'Answering',
  fetching: (name: string) => `Fetching ${name}`,
  reading: (name: string) => `Reading ${name}`,
  readingAt: (name: string, at: string) => `Reading ${name}, ${at}`,
  listeningAt: (name: string, at: string) => `Listening to ${name}, ${at}`,
  recognizing: 'recognizing text',
  ocr: (unit: string, done: number, of: number) => `OCR ${unit} ${done} of ${of}`,
  at: (unit: string, done: number, of: number) => (of > 0 ? `${unit} ${done} of ${of}` : `${unit} ${done}`),
  clock: (done: string, of: string | undefined) => (of === undefined ? done : `${done} of ${of}`),
  /** The first of several files, and how many more. */
  andMore: (first: string, more: number) => `${first} (and ${more} more ${more === 1 ? 'file' : 'files'})`,
  /** In a message that the answer replaces. Markdown. */
  inMessage: (text: string) => `_${text}…_`,
  waiting: (questions: number, whose: 'your' | 'channel') =>
    `Waiting for ${questions} of ${whose === 'your' ? 'your' : "this channel's"} questions to finish`,
}

/** Buttons of an answer. */
export const actionWording = {
  markedGood: 'Thank you. You marked this answer as good.',
  markedBad: 'Thank you. You marked this answer as bad.',
  commentSaved: 'Thank you. Your comment is saved.',
  notFound: 'This answer no longer exists. Please ask the question again.',
  /** `asker`: the name of the person who asked, where it is known. */
  notYours: (action: 'stop' | 'regenerate', asker: string | undefined) =>
    `Only ${asker === undefined ? 'the person who asked' : `${asker}, who asked,`} and managers of this channel can ${action} this answer. Ask the question yourself to get your own answer.`,
}

const currently = { day: 'today', week: 'this week', month: 'this month' } satisfies Record<Period, string>

/** An admin's approval of one question over a budget. */
export const approvalWording = {
  approve: 'Approve once',
  decline: 'Decline',
  raise: (amount: NanoUsd, period: Period) => `Add ${formatUsd(amount).replace(/\.00$/, '')} ${currently[period]}`,
  requested: 'An admin has been asked to approve it once.',
  untilThenQuotes: (requested: string) => `${requested} Until then, Parley quotes the files.`,
  adminsOnly: 'Only admins can approve or decline this. Ask an admin to decide.',
  declined: 'Declined. Nothing was spent on this question.',
  approved: (amount: NanoUsd) => `Approved. Parley answers the question now, for up to ${formatUsd(amount)}.`,
  already: (state: 'approved' | 'declined', by: string | null) =>
    `This was already ${state}${by === null ? '' : ` by ${by}`}.`,
  notFound: 'This request no longer exists. Ask the question again to create a new one.',
}

/** Limits of questions, and people from outside. */
export const admissionWording = {
  rateLimited: (whose: 'your' | 'channel', perMinute: number, seconds: number) =>
    `${whose === 'your' ? 'You have' : 'This channel has'} reached the limit of ${counted(perMinute, 'question')} per minute. Try again in ${counted(seconds, 'second')}.`,
  disabled: 'Your account in Parley is disabled. Ask an admin to enable it.',
  guests: (who: 'guest' | 'stranger') =>
    `Parley does not answer ${who === 'guest' ? 'guests' : 'people from other organizations'} here. Ask a member of this workspace to ask for you, or ask an admin to change the policy.`,
}
