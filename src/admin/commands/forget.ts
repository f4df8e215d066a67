/** `forget`: deletes questions, files and answers, or one file, after a preview of what it deletes. */
import { ParleyError } from '../../core/errors.ts'
import { type Spender, scopeOf } from '../../core/scope.ts'
import type { Audit } from '../../store/audit.ts'
import type { Forget, Forgotten } from '../../store/forget.ts'
import { type Changer, type SettingName, type Settings, settings as table } from '../../store/settings.ts'
import { forgetWording, scopeName } from '../../wording/commands.ts'
import { changeId } from '../changes.ts'
import { type Answer, arg, type Caller, type Command, define } from '../define.ts'
import { demand, type Place, readPlace, scopeOfPlace } from '../place.ts'

export interface ForgetDeps {
  settings: Settings
  audit: Audit
  forget: Forget
}

export function forgetCommands({ settings, audit, forget }: ForgetDeps): Command[] {
  return [
    define({
      name: 'forget',
      summary: 'Deletes the questions, files and answers of this thread, a channel or a person; or one file',
      role: 'member',
      changes: true,
      args: {
        what: {
          ...arg.word('thread, channel, me, file, or a mention of a channel or a person'),
          suggest: async () => ['thread', 'channel', 'me', 'file'],
        },
        name: arg.optional(arg.word('The name of the file, after `file`; in quotes if it has spaces', 300)),
        yes: arg.flag('Deletes at once, without a preview'),
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
          throw new ParleyError('command_invalid', forgetWording.sayWhat)
        const what: Forgotten = {
          ...wantedOf(scope, spender),
          threadId: thread ? call.conversation.threadId : undefined,
        }
        const counts = await forget.look(what, call.author.id)
        // Members can delete only their own words.
        if (!(thread && counts.ofOthers === 0)) demand(membership, scope, spender, { own: true })
        const name = thread ? forgetWording.thisThread : scopeName(scope, spender)
        const set = scope.startsWith('user:') ? await settingsOf(scope) : []
        if (counts.questions + counts.answers + counts.files + set.length === 0)
          return { text: forgetWording.nothing(name), private: true }
        if (!yes)
          return {
            text: forgetWording.preview(forgetWording.counts(counts, set.length), name),
            buttons: [
              {
                label: forgetWording.confirm,
                style: 'danger',
                action: { kind: 'command', text: `forget ${typed} --yes` },
              },
            ],
            private: true,
          }
        // Before the deletion, so that it also deletes the values from the audit log.
        for (const setting of set) await settings.change(scope, setting, () => null, by)
        const went = await forget.forget(what, call.author.id)
        const id = changeId(caller, 'forget')
        await audit.record({ id, by: nameless(by), scope, name: 'forget', before: { ...went, thread }, after: null })
        return { text: forgetWording.done(forgetWording.counts(went, set.length), name), private: true }
      },
    }),
  ]

  async function forgetFile(typed: string | undefined, yes: boolean, caller: Caller): Promise<Answer> {
    const name = typed?.trim() ?? ''
    if (name === '') throw new ParleyError('command_invalid', forgetWording.whichFile)
    const { spender, grants: membership, call, by } = caller
    const { platform, workspaceId, channelId, threadId } = call.conversation
    const file = { platform, workspaceId, channelId, threadId, name }
    const counts = await forget.lookAtFile(file, call.author.id)
    if (counts.files === 0) return { text: forgetWording.noFile, private: true }
    const scope = scopeOf.channel(spender)
    if (counts.ofOthers > 0) demand(membership, scope, spender)
    if (!yes)
      return {
        text: forgetWording.filePreview(counts.files, counts.answers),
        buttons: [
          {
            label: forgetWording.confirmFile,
            style: 'danger',
            action: { kind: 'command', text: `forget file "${name}" --yes` },
          },
        ],
        private: true,
      }
    const went = await forget.forgetFile(file, call.author.id)
    const id = changeId(caller, 'forget')
    await audit.record({ id, by: nameless(by), scope, name: 'forget', before: { ...went, file: true }, after: null })
    return { text: forgetWording.fileDone(counts.files, counts.answers), private: true }
  }

  async function settingsOf(scope: ReturnType<typeof scopeOf.user>): Promise<SettingName[]> {
    const values = (await settings.read([scope])).get(scope) ?? {}
    return Object.keys(table).filter((name): name is SettingName => Object.hasOwn(values, name))
  }
}

/** The audit log keeps only the id of the person. */
function nameless({ id, via }: Changer): Changer {
  return { id, via }
}

function wantedOf(scope: string, spender: Spender): Forgotten {
  const [kind, rest = ''] = scope.split(/:(.*)/s)
  const [platform = spender.platform, workspaceId = spender.workspaceId, id = ''] = rest
    .split('/')
    .map(decodeURIComponent)
  return kind === 'user' ? { platform, workspaceId, userId: id } : { platform, workspaceId, channelId: id }
}
