/**
 * Every text of the console page, its labels for screen readers included, and the sentences that its server answers with.
 * Vite bundles this file into the page, so it imports nothing that a browser lacks.
 */
import { modelVariables } from './phrases.ts'

/** What people see and hear on the page. */
export const pageWording = {
  app: {
    name: 'Parley',
    title: (thread: string) => `${thread} · Parley`,
    skipToInput: 'Skip to the message box',
    reconnecting: 'Reconnecting…',
    drop: 'Drop to attach',
    dropWhat: 'Documents, spreadsheets, pictures, recordings',
    table: 'Table',
    done: 'Done',
    toDo: 'To do',
    picture: (description: string | undefined) => (description ? `Picture: ${description}` : 'Picture'),
  },

  threads: {
    list: 'Threads',
    close: 'Close the thread list',
    start: 'New thread',
    untitled: 'Untitled',
    none: 'Your threads will appear here.',
    answering: 'Answering',
    delete: 'Delete',
    deleteNamed: (title: string) => `Delete thread “${title}”`,
    deleteQuestion: 'Delete this thread?',
    deleteWhat: (title: string) =>
      `This deletes “${title}” and all its answers, and stops any answer in progress. You can't undo this.`,
    deleteConfirm: 'Delete thread',
    deleteCancel: 'Cancel',
  },

  theme: { label: 'Theme', system: 'System', light: 'Light', dark: 'Dark' },

  banner: { label: 'Notice', dismissNotice: 'Dismiss this notice', dismiss: 'Dismiss' },

  welcome: {
    heading: 'What would you like to know?',
    lead: 'Ask a question, or drop a PDF here. Answers cite pages that you can open.',
    examples: [
      {
        title: 'Summarize a report',
        prompt: 'Summarize the attached report in five points with page numbers.',
      },
      {
        title: 'Check a contract',
        prompt: 'Which notice periods and deadlines are in the attached contract? Quote each one.',
      },
      { title: 'Explain a table', prompt: 'What stands out in the attached spreadsheet? Name the rows.' },
    ],
    afterHelpCommand: 'lists all commands.',
    afterModelsCommand: 'shows your models. Add more in',
    addModel: 'To connect a model, set',
    or: 'or',
    in: 'in',
    restart: 'and restart Parley.',
  },

  composer: {
    form: 'Message',
    input: 'Message to Parley',
    placeholder: 'Ask Parley, or drop a file',
    placeholderOnTouch: 'Ask Parley',
    files: 'Files',
    filesToSend: 'Files to send',
    attach: 'Attach files',
    send: 'Send',
    stop: 'Stop',
    stopTitle: 'Stop (Esc)',
    keepEditing: 'Keep editing',
    keys: 'Enter to send, Shift + Enter for a new line',
    waitingForUploads: (count: number) => `Sending after ${count === 1 ? 'the upload' : `${count} uploads`}`,
    uploadFailed: 'An upload failed. Remove the file or try again, then send.',
    tooLong: (excess: string) => `${excess} characters over the limit. Attach long text as a file.`,
    commands: 'Commands',
    commandsFound: (count: number) =>
      `${count === 1 ? '1 command' : `${count} commands`}: choose with ↑ and ↓, complete with Tab`,
    pastedText: 'pasted text.txt',
    pastedPicture: (time: string) => `pasted ${time}.png`,
  },

  file: {
    uploading: (size: string, percent: number) => `${size} · ${percent === 100 ? 'finishing' : `${percent}%`}`,
    progress: (name: string) => `Upload of ${name}`,
    uploadAgain: (name: string) => `Upload ${name} again`,
    cancelUpload: (name: string) => `Cancel the upload of ${name}`,
    remove: (name: string) => `Remove ${name}`,
    save: (name: string) => `Save ${name}`,
    tooLarge: (size: string, limit: string) => `${size} is over the ${limit} limit. Remove this file.`,
    tooMany: (limit: number) => `You can attach up to ${limit} files per message. Remove this one.`,
    skipped: 'was not read',
    partlyRead: 'was read in part',
  },

  message: {
    list: 'Messages',
    you: 'You',
    jumpToLatest: 'Jump to latest',
    sending: 'Sending…',
    retrying: 'Not sent yet. Retrying…',
    retryNow: 'Try now',
    refused: (reason: string) => `Not sent: ${reason}`,
    tryAgain: 'Try again',
    discard: 'Discard',
    thinking: 'Thinking…',
    waiting: 'Waiting…',
    announce: (text: string, ending: string) => `Parley: ${text} ${ending}`.trim(),
    code: '(code)',
  },

  answer: {
    copy: 'Copy',
    copyAnswer: 'Copy answer',
    copyCode: 'Copy code',
    copied: 'Copied',
    copyFailed: "Couldn't copy",
    plainCode: 'text',
    regenerate: { label: 'Regenerate', title: 'Regenerate this answer' },
    cheaper: { label: 'Cheaper', title: 'Regenerate with a cheaper model' },
    better: { label: 'Better', title: 'Regenerate with a better model' },
    why: { label: 'Why', title: 'See why this model was chosen and what it cost' },
    whyPanel: 'Why this answer',
    whyLoading: 'Loading…',
    whyMissing: 'No details are available for this answer.',
    good: 'Good answer',
    bad: 'Bad answer',
    comment: 'What was wrong?',
    commentOptional: 'Optional',
    commentSend: 'Send',
    commentClose: 'Dismiss',
    commentCloseTitle: 'Dismiss (Esc)',
    failed: 'This answer failed. Try again.',
    stopped: 'Stopped.',
    announceFailed: 'The answer failed.',
    leftOut: 'Notes on this answer',
  },

  receipt: {
    label: 'Receipt',
    title: 'Receipt: model, cost, time, and files',
    prefix: 'Receipt: ',
    quotations: 'Quotations',
    noPriceInShort: 'no price',
    model: 'Model',
    files: 'Files',
    input: 'Input',
    tokensOf: (used: string, available: string) => `${used} of ${available} tokens`,
    tokens: 'Tokens',
    inAndOut: (input: string, output: string) => `${input} in, ${output} out`,
    fromCache: (count: string) => `${count} input tokens from cache`,
    forReasoning: (count: string) => `${count} output tokens for reasoning`,
    estimated: "estimated, because the provider didn't report usage",
    cost: 'Cost',
    noPrice: 'No price is set',
    time: 'Time',
    total: (duration: string) => `${duration} in total`,
    startedAtOnce: 'Started immediately',
    startedAfter: (duration: string) => `Started after ${duration}`,
    firstWords: (duration: string) => `first words after ${duration}`,
    attempts: 'Attempts',
    moreAttempts: 'Parley restarted or switched models.',
    notices: 'Notices',
  },

  source: {
    heading: 'Sources',
    asText: (list: string) => `Sources:\n${list}`,
    label: (n: number, title: string, position: string) => `Source ${n}: ${title}, ${position}`,
    pictureOf: (title: string, position: string) => `${title}, ${position}`,
    open: 'Open the page',
    close: 'Close source',
    closeTitle: 'Close (Esc)',
    loading: 'Loading…',
    textFailed: "The text couldn't be loaded. Close the source and open it again.",
    nothingToShow: 'No preview is available for this part of the file.',
    noPicture: "This page can't be shown as a picture.",
  },

  page: {
    toolbar: 'Page',
    previous: 'Previous page',
    next: 'Next page',
    number: (page: number, of: number | null) => `Page ${page}${of === null ? '' : ` of ${of}`}`,
    backTo: (page: number) => `Back to page ${page}`,
    pictureOf: (page: number, title: string) => `Page ${page} of ${title}`,
    fit: 'Fit',
    fullSize: '100%',
  },

  time: {
    now: 'now',
    yesterday: 'yesterday',
    minutes: (count: number) => `${count} min`,
    hours: (count: number) => `${count} h`,
    days: (count: number) => `${count} days`,
  },

  problem: {
    unreachable: "Parley can't be reached right now. Check that it is running, then try again.",
    serverError: (status: number) => `Parley returned an error (${status}). Try again in a moment.`,
    unknown: "That didn't work. Try again.",
    uploadFailed: 'The upload failed. Try again.',
    uploadInterrupted: 'The connection was lost during the upload. Try again.',
  },
}

/** What the page's server answers. */
export const consoleWording = {
  noModel: `No language model is configured, so Parley answers by quoting your files. For written answers, set ${modelVariables}.`,
  you: 'You',
  commandLine: 'Command line',
  newThread: 'New thread',
  deletedFile: 'Deleted file',
  deletedAnswer: 'This answer was deleted together with the file.',

  threadMissing: "This thread doesn't exist. It may have been deleted.",
  threadAddressInvalid: 'This is not a valid thread address. Start a new thread.',
  addressIncomplete: 'This address is incomplete. Reload the page and try again.',
  nothingHere: 'There is nothing at this address. Check the link.',
  notBuilt: 'The console page is not built yet. Run `npm start` to build it.',

  messageInvalid: "This message can't be read. Reload the page and try again.",
  messageTooLong: (length: number, limit: number) =>
    `Your message has ${length} characters, and the limit is ${limit}. Attach the text as a file instead.`,
  tooManyFiles: (limit: number) => `You can attach up to ${limit} files per message. Send the rest in another message.`,
  messageEmpty: 'Your message is empty. Write a question or attach a file.',
  messageOfAnotherThread: 'This message belongs to another thread. Send it again.',
  uploadMissing: 'One of your files is no longer stored. Attach it again.',
  uploadIdTaken: 'Another file was uploaded with the same ID. Attach your file again.',
  fileTooLarge: (name: string, megabytes: number) =>
    `${name} is over the ${megabytes} MB limit. Share a smaller file, or raise limits.fileMegabytes in parley.yaml.`,
  namedFileMissing: (name: string) => `${name} is no longer stored. Please share it again.`,
  fileMissing: 'This file is no longer stored. Please share it again.',

  commandInvalid: "This command can't be read. Run `parley admin help`.",
  commentTooLong: 'Your comment is too long. Shorten it and send it again.',
  buttonUnknown: 'This button is out of date. Reload the page and try again.',
}
