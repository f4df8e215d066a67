/** `forget`: deletes what was asked, shared and answered, or one file; first it says what would go. */
import { ParleyError } from '../../core/errors.ts'
import { type Spender, scopeOf } from '../../core/scope.ts'
import type { Audit } from '../../store/audit.ts'
import type { Forget, ForgetCounts, Forgotten } from '../../store/forget.ts'
import { type Changer, type SettingName, type Settings, settings as table } from '../../store/settings.ts'
import { changeId } from '../changes.ts'
import { type Answer, arg, type Caller, type Command, define } from '../define.ts'
import { demand, nameOf, type Place, readPlace, scopeOfPlace } from '../place.ts'
import { listed, many } from '../text.ts'

export interface ForgetDeps {
  settings: Settings
  audit: Audit
  forget: Forget
}

export function forgetCommands({ settings, audit, forget }: ForgetDeps): Command[] {
  return [
    define({
      name: 'forget',
      summary: 'Deletes what was asked, shared and answered here, in a channel, or by a person; or one file',
      role: 'member',
      changes: true,
      args: {
        what: {
          ...arg.word('thread, channel, me, file, or a mention of a channel or a person'),
          suggest: async () => ['thread', 'channel', 'me', 'file'],
        },
        name: arg.optional(arg.word('The name of the file, after `file`; in quotes where it has spaces', 300)),
        yes: arg.flag('Really; without it you are told what would go'),
      },
      examples: [
        'forget thread',
        'forget me',
        'forget file report.pdf',
        'forget channel --yes',
        'forget <@U123> --yes',
      ],
      async run({ what: typed, name: file, yes }, caller) {
        if (typed.toLowerCase() === 'file') return await forgetFile(file, yes, caller)
        const { spender, grants: membership, call, by } = caller
        const thread = typed.toLowerCase() === 'thread'
        const place: Place | undefined = thread ? { kind: 'channel' } : readPlace(typed)
        const scope = place === undefined ? undefined : await scopeOfPlace(place, spender)
        if (scope === undefined || !/^(?:channel|user):/.test(scope))
          throw new ParleyError(
            'command_invalid',
            'Say what: `/parley forget thread`, `/parley forget channel`, `/parley forget me`, `/parley forget file` with its name, or mention a channel or a person.',
          )
        const what = { ...wantedOf(scope, spender), ...(thread ? threadOf(caller) : {}) }
        const counts = await forget.look(what, call.author.id)
        // Words of others are not one's own to delete.
        if (!(thread && counts.ofOthers === 0)) demand(membership, scope, spender, { own: true })
        const name = thread ? 'this thread' : nameOf(scope, spender)
        const set = scope.startsWith('user:') ? await settingsOf(scope) : []
        if (counts.questions + counts.answers + counts.files + set.length === 0)
          return { text: `Nothing of ${name} is stored.`, private: true }
        if (!yes)
          return {
            text: `This would delete of ${name}: ${describe(counts, set.length)}. It cannot be undone. What is posted in the chat itself stays there; what it cost stays in the books, without any words.`,
            buttons: [
              { label: 'Forget for good', style: 'danger', action: { kind: 'command', text: `forget ${typed} --yes` } },
            ],
            private: true,
          }
        // First: what the audit then holds of these settings is forgotten with the rest.
        for (const setting of set) await settings.change(scope, setting, () => null, by)
        const went = await forget.forget(what, call.author.id)
        const id = changeId(caller, 'forget')
        await audit.record({ id, by: nameless(by), scope, name: 'forget', before: { ...went, thread }, after: null })
        return {
          text: `Gone: ${describe(went, set.length)} of ${name}. What is posted in the chat itself is deleted there.`,
          private: true,
        }
      },
    }),
  ]

  async function forgetFile(typed: string | undefined, yes: boolean, caller: Caller): Promise<Answer> {
    const name = typed?.trim() ?? ''
    if (name === '')
      throw new ParleyError('command_invalid', 'Say which: `/parley forget file` with the name of the file.')
    const { spender, grants: membership, call, by } = caller
    const { platform, workspaceId, channelId, threadId } = call.conversation
    const file = { platform, workspaceId, channelId, threadId, name }
    const counts = await forget.lookAtFile(file, call.author.id)
    if (counts.files === 0)
      return {
        text: 'No file of that name is stored here. Type the whole name, in quotes where it has spaces.',
        private: true,
      }
    const scope = scopeOf.channel(spender)
    if (counts.ofOthers > 0) demand(membership, scope, spender)
    const what = `${many(counts.files, 'file')} and ${many(counts.answers, 'answer')} given here since`
    if (!yes)
      return {
        text: `This would delete ${what}, with all that was read from it here. It cannot be undone. What is posted in the chat itself stays there.`,
        buttons: [
          {
            label: 'Delete the file',
            style: 'danger',
            action: { kind: 'command', text: `forget file "${name}" --yes` },
          },
        ],
        private: true,
      }
    const went = await forget.forgetFile(file, call.author.id)
    const id = changeId(caller, 'forget')
    await audit.record({ id, by: nameless(by), scope, name: 'forget', before: { ...went, file: true }, after: null })
    return { text: `Gone: ${what}. What is posted in the chat itself is deleted there.`, private: true }
  }

  async function settingsOf(scope: ReturnType<typeof scopeOf.user>): Promise<SettingName[]> {
    const values = (await settings.read([scope])).get(scope) ?? {}
    return Object.keys(table).filter((name): name is SettingName => Object.hasOwn(values, name))
  }
}

/** The audit keeps who it was by their id. */
function nameless({ id, via }: Changer): Changer {
  return { id, via }
}

function wantedOf(scope: string, spender: Spender): Forgotten {
  const [kind, rest = ''] = scope.split(/:(.*)/s)
  const [platform = spender.platform, workspaceId = spender.workspaceId, id = ''] = rest
    .split('/')
    .map(decodeURIComponent)
  return { platform, workspaceId, ...(kind === 'user' ? { userId: id } : { channelId: id }) }
}

function threadOf({ call }: Caller): Pick<Forgotten, 'threadId'> {
  const { threadId } = call.conversation
  return threadId === undefined ? {} : { threadId }
}

function describe({ questions, answers, files }: ForgetCounts, settings: number): string {
  const parts = [many(questions, 'message'), many(answers, 'answer'), many(files, 'file')]
  return listed([...parts, ...(settings === 0 ? [] : [many(settings, 'personal setting')])])
}
