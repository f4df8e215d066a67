/** `forget`: deletes questions, files and answers, or one file, after a preview of what it deletes. */
import { ParleyError } from '../../core/errors.ts'
import type { Changer } from '../../core/person.ts'
import { ownScope, type Scope, type Spender, scopeOf } from '../../core/scope.ts'
import type { Audit } from '../../store/audit.ts'
import type { Forget, ForgetCounts, Forgotten } from '../../store/forget.ts'
import { type SettingName, type Settings, settings as table } from '../../store/settings.ts'
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
          ...arg.word(
            'thread, channel, me, everywhere (all your accounts), file, or a mention of a channel or a person',
          ),
          suggest: async () => ['thread', 'channel', 'me', 'everywhere', 'file'],
        },
        name: arg.optional(arg.word('The name of the file, after `file`; in quotes if it has spaces', 300)),
        yes: arg.flag('Deletes at once, without a preview'),
      },
      examples: [
        'forget thread',
        'forget me',
        'forget everywhere',
        'forget file report.pdf',
        'forget channel --yes',
        'forget <@U123> --yes',
      ],
      async run({ what: typed, name: file, yes }, caller) {
        if (typed.toLowerCase() === 'file') return await forgetFile(file, yes, caller)
        if (typed.toLowerCase() === 'everywhere') return await forgetEverywhere(yes, caller)
        const { spender, call, by, names } = caller
        const thread = typed.toLowerCase() === 'thread'
        const place: Place | undefined = thread ? { kind: 'channel' } : readPlace(typed)
        const scope = place === undefined ? undefined : await accountOrPlace(place, caller)
        if (scope === undefined || !/^(?:channel|user):/.test(scope))
          throw new ParleyError('command_invalid', forgetWording.sayWhat)
        const what: Forgotten = {
          ...wantedOf(scope, spender),
          threadId: thread ? call.conversation.threadId : undefined,
        }
        const counts = await forget.look(what, call.author.id)
        // Members can delete only their own words.
        if (!(thread && counts.ofOthers === 0)) demand(caller, scope, { own: true })
        const name = thread ? forgetWording.thisThread : scopeName(scope, spender, names)
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
    const { spender, call, by } = caller
    const { platform, workspaceId, channelId, threadId } = call.conversation
    const file = { platform, workspaceId, channelId, threadId, name }
    const counts = await forget.lookAtFile(file, call.author.id)
    if (counts.files === 0) return { text: forgetWording.noFile, private: true }
    const scope = scopeOf.channel(spender)
    if (counts.ofOthers > 0) demand(caller, scope)
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

  /** What a person asked with all accounts that are linked to them. */
  async function forgetEverywhere(yes: boolean, { spender, by, ...caller }: Caller): Promise<Answer> {
    const { platform, workspaceId, userId, personId } = spender
    const here = { platform, workspaceId, userId }
    const linked = personId === undefined ? [] : await forget.accountsOf(personId)
    const others = linked.filter((each) => scopeOf.user({ ...here, ...each }) !== scopeOf.user(spender))
    const accounts = [here, ...others]
    const scopes = [...accounts.map((each) => scopeOf.user({ ...here, ...each })), ownScope(spender)]
    const set = (
      await Promise.all([...new Set(scopes)].map(async (scope) => ({ scope, names: await settingsOf(scope) })))
    ).flatMap(({ scope, names }) => names.map((setting) => ({ scope, setting })))
    const counts = await Promise.all(accounts.map((each) => forget.look(each, each.userId ?? '')))
    const sum = added(counts)
    if (sum.questions + sum.answers + sum.files + set.length === 0)
      return { text: forgetWording.nothing(forgetWording.allAccounts), private: true }
    const about = forgetWording.counts(sum, set.length)
    if (!yes)
      return {
        text: forgetWording.preview(about, forgetWording.allAccounts),
        buttons: [
          {
            label: forgetWording.confirm,
            style: 'danger',
            action: { kind: 'command', text: 'forget everywhere --yes' },
          },
        ],
        private: true,
      }
    for (const { scope, setting } of set) await settings.change(scope, setting, () => null, by)
    const went = []
    for (const each of accounts) went.push(await forget.forget(each, each.userId ?? ''))
    const id = changeId({ spender, by, ...caller }, 'forget')
    const before = { ...added(went), everywhere: true }
    await audit.record({ id, by: nameless(by), scope: ownScope(spender), name: 'forget', before, after: null })
    return {
      text: forgetWording.done(forgetWording.counts(added(went), set.length), forgetWording.allAccounts),
      private: true,
    }
  }

  async function settingsOf(scope: ReturnType<typeof scopeOf.user>): Promise<SettingName[]> {
    const values = (await settings.read([scope])).get(scope) ?? {}
    return Object.keys(table).filter((name): name is SettingName => Object.hasOwn(values, name))
  }
}

function added(all: readonly ForgetCounts[]) {
  const sum = { questions: 0, answers: 0, files: 0 }
  for (const { questions, answers, files } of all) {
    sum.questions += questions
    sum.answers += answers
    sum.files += files
  }
  return sum
}

/** Words belong to an account, also where it is linked to a person. */
async function accountOrPlace(place: Place, caller: Caller): Promise<Scope> {
  const { spender } = caller
  if (place.kind === 'me') return scopeOf.user(spender)
  return place.kind === 'mentioned' ? scopeOf.user({ ...spender, userId: place.id }) : await scopeOfPlace(place, caller)
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
