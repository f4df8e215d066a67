/**
 * Pure: Markdown as models write it → Markdown as Teams draws it in every client (`textFormat: markdown`).
 * https://learn.microsoft.com/microsoftteams/platform/bots/how-to/format-your-bot-messages
 *
 * Not `extendedmarkdown`, which knows tables, task lists and formulas: it is a preview, Teams accepts it for everybody, and
 * clients outside of the preview show nothing of the message: https://github.com/microsoft/teams.ts/issues/825
 */
import { isLineBreak } from '../../src/core/markdown/parse.ts'
import { rewrite } from '../../src/core/markdown/rewrite.ts'
import { simplify } from '../../src/core/markdown/simplify.ts'

/** The width of a code block on a phone; wider tables become lists. */
const tableColumns = 60

/** Teams joins lines that no hard break divides: https://github.com/microsoft/botframework-sdk/issues/5575 */
export function toTeams(markdown: string): string {
  const divided = rewrite(markdown, (node, source) => {
    if (node.type === 'text') return source.replaceAll(/[^\S\n]*\n/g, '  \n')
    return node.type === 'html' && isLineBreak(node.value) ? '  \n' : undefined
  })
  return simplify(divided, { headings: 3, tableColumns })
}
