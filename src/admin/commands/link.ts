/** One person on all platforms: `link`, `unlink`. */

import type { ConversationRef } from '../../core/message.ts'
import type { IdentityKey } from '../../core/person.ts'
import type { Linking, Typist } from '../../identity/linking.ts'
import { arg, type Caller, type Command, define } from '../define.ts'

export interface LinkDeps {
  linking: Pick<Linking, 'explain' | 'type' | 'unlink'>
  /** The account behind an author; nothing where the platform has none. */
  accountOf(authorId: string, at: ConversationRef): IdentityKey | undefined
}

export function linkCommands({ linking, accountOf }: LinkDeps): Command[] {
  const typist = ({ call: { author, conversation, direct, replyTarget }, by }: Caller): Typist => ({
    account: accountOf(author.id, conversation),
    name: author.name,
    direct: direct === true,
    replyTarget,
    by,
  })
  return [
    define({
      name: 'link',
      summary: 'Links this account to yours on the page, or shows its link',
      role: 'member',
      args: {
        code: arg.optional(arg.word('The code from the page', 20)),
        yes: arg.optional(arg.choice('After you saw whose account it is', ['yes'])),
      },
      examples: ['link', 'link BCDF-2345'],
      async run({ code, yes }, caller) {
        if (code === undefined) return await linking.explain(typist(caller))
        return await linking.type(code, yes !== undefined, typist(caller))
      },
    }),
    define({
      name: 'unlink',
      summary: 'Ends the link of this account',
      role: 'member',
      args: { yes: arg.flag('Unlinks at once, without asking') },
      examples: ['unlink'],
      run: ({ yes }, caller) => linking.unlink(yes, typist(caller)),
    }),
  ]
}
