/** Sentences that Slack, Discord and Teams share. `platform` is the name that people know: "Slack". */

interface UnreadFile {
  name: string
  outcome: 'read' | 'partly' | 'skipped'
  summary: string
  problems: { userMessage: string }[]
}

export const chatWording = {
  /** Buttons under an answer. */
  buttons: {
    stop: 'Stop',
    regenerate: 'Regenerate',
    tryAgain: 'Try again',
    cheaper: 'Cheaper model',
    better: 'Better model',
    why: 'Why this answer?',
    mine: 'Search what only I can see',
    good: 'Good answer',
    bad: 'Bad answer',
  },

  /** Below an answer. */
  moreSources: (count: number) => `and ${count} more ${count === 1 ? 'source' : 'sources'}`,
  /** A file that was not read, or not in full: its name once. `summary` as in its receipt. */
  unreadFile({ name, outcome, summary, problems }: UnreadFile): string {
    const why =
      outcome === 'partly' && problems.length > 0 ? problems.map(({ userMessage }) => userMessage).join(' ') : summary
    const reason = why.replace(/^skipped:\s*/i, '')
    if (reason.includes(name)) return reason
    return outcome === 'skipped' ? `${name} was skipped: ${reason}` : `${name}: ${why}`
  },

  /** After a command or a button that has nothing to say. */
  done: 'Done.',
  foreignButton: 'This button does not belong to Parley, or it is out of date. Please ask your question again.',

  questionChanged: 'You changed your question after Parley started to answer it.',
  answerNewQuestion: 'Answer the new question',
  filesCameLate: 'Files of your question arrived after Parley started to answer it.',
  answerWithFiles: 'Answer with the files',

  /** The question of a message that only mentions Parley. */
  emptyMention: 'Hello! What can you do?',
  /** A suggested question. */
  whatCanYouDo: 'What can you do?',

  /** "Ask Parley about this message", in the menu of a message. */
  ask: {
    title: 'Ask Parley',
    question: 'Your question about this message',
    defaultQuestion: 'What does this say, and what should I know about it?',
    submit: 'Ask',
  },
  feedback: {
    title: 'What went wrong?',
    reason: 'What should be different?',
    submit: 'Send',
  },
  cancel: 'Cancel',

  slowDown: (platform: string) => `${platform} asked Parley to slow down. Parley continues automatically in a moment.`,
  unreachable: (platform: string) => `Parley cannot reach ${platform} right now. It tries again automatically.`,
  fileGone: (name: string, platform: string) => `${name} is no longer in ${platform}. Please share it again.`,
  fileNotFetched: (name: string, platform: string, status?: number) =>
    `Parley could not download ${name} from ${platform}${status === undefined ? '' : ` (${status})`}. Please try again.`,
}
