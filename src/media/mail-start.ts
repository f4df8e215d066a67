/** Whether a text begins like an email: header lines, including one that only emails have. */
export function startsLikeMail(start: string, named: boolean): boolean {
  const head = start.replace(/^\uFEFF|^From .*\r?\n/, '').split(/\r?\n\r?\n/)[0] ?? ''
  const lines = head.split(/\r?\n/).filter((line) => !/^[ \t]/.test(line))
  const fields = lines.map((line) => /^([!-9;-~]+):/.exec(line)?.[1]?.toLowerCase())
  // The sample may cut a long head, and its last line with it.
  if (fields.slice(0, -1).some((field) => field === undefined) || fields[0] === undefined) return false
  const known = [
    'from',
    'to',
    'subject',
    'date',
    'received',
    'message-id',
    'mime-version',
    'return-path',
    'content-type',
  ]
  const found = known.filter((field) => fields.includes(field))
  if (named) return found.length >= 1
  return found.length >= 3 && fields.includes('from') && /^(?:message-id|mime-version|received):/im.test(head)
}
