/** THE table of commands, for all platforms, and how one call runs. */
import type { CommandCall, Notice } from '../core/command.ts'
import { asParleyError, errorFields, ParleyError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { conversationKey } from '../core/message.ts'
import { omitUndefined } from '../core/omit-undefined.ts'
import type { Intake } from '../core/platform.ts'
import { spenderOf } from '../core/scope.ts'
import type { Directory } from '../identity/directory.ts'
import type { Health } from '../routing/health.ts'
import type { CommandCalls } from '../store/command-calls.ts'
import type { Usage } from '../store/usage.ts'
import { commandWording, permissionWording, type ScopeNames } from '../wording/commands.ts'
import { type BudgetDeps, budgetCommands } from './commands/budget.ts'
import { type CollectionDeps, collectionCommands } from './commands/collections.ts'
import { type ForgetDeps, forgetCommands } from './commands/forget.ts'
import { type HealthDeps, healthCommands } from './commands/health.ts'
import { canCall, helpCommands } from './commands/help.ts'
import { type KeyDeps, keyCommands } from './commands/keys.ts'
import { limitCommands } from './commands/limits.ts'
import { type LinkDeps, linkCommands } from './commands/link.ts'
import { modelCommands } from './commands/models.ts'
import { type PeopleDeps, peopleCommands } from './commands/people.ts'
import { personaCommands } from './commands/persona.ts'
import { type PolicyDeps, policyCommands } from './commands/policy.ts'
import { type RoleDeps, roleCommands } from './commands/roles.ts'
import { type TeamDeps, teamCommands } from './commands/team.ts'
import { type TemplateDeps, templateCommands } from './commands/templates.ts'
import { type ToolServerDeps, toolCommands } from './commands/tools.ts'
import { type LocalDeps, tryCommands } from './commands/try.ts'
import { type UsageDeps, usageCommands } from './commands/usage.ts'
import { type WebhookDeps, webhookCommands } from './commands/webhooks.ts'
import { type WhyDeps, whyCommands } from './commands/why.ts'
import type { Answer, Caller, Command } from './define.ts'
import { accountName, type GrantDeps, grantsOf } from './grants.ts'
import { parseLine } from './parse.ts'

/** What commands use, by subject. Each family of commands names the parts it needs. */
export interface CommandServices {
  settings: Pick<RoleDeps, 'settings' | 'timeZone' | 'admins' | 'audit'>
  storage: Pick<KeyDeps, 'keys' | 'announceRevoked'> &
    Pick<WhyDeps, 'turns'> &
    Pick<ForgetDeps, 'forget'> &
    Pick<CollectionDeps, 'collections'> &
    Pick<WebhookDeps, 'webhooks'> &
    ToolServerDeps & { calls: CommandCalls }
  models: Pick<LocalDeps, 'models' | 'provider' | 'local' | 'refreshModels'> & {
    health: Pick<Health, 'begin' | 'fastest' | 'list'>
  }
  money: Pick<LocalDeps, 'budget'> &
    Pick<BudgetDeps, 'budgets' | 'ledger'> & { usage: Usage } & Pick<HealthDeps, 'waiting'>
  messaging: Pick<RoleDeps, 'tellsOwners'> &
    Pick<WhyDeps, 'showsThoughts' | 'searchedPlaces' | 'accounts'> &
    Pick<TemplateDeps, 'ask'> &
    Pick<WebhookDeps, 'checkAddress' | 'sendTest' | 'wakeWebhooks' | 'keepsSecrets'> &
    Pick<LocalDeps, 'notify'> &
    Pick<PolicyDeps, 'hasPins'> &
    Pick<UsageDeps, 'draw'>
  people: Omit<PeopleDeps & LinkDeps & Pick<TeamDeps, 'teams'>, 'accountOf'> & {
    directory: GrantDeps['people'] & Pick<Directory, 'know' | 'accountOf'>
    /** Of the scopes of keys, people and teams. */
    names(): Promise<ScopeNames>
  }
  log: Log
}

export type TableDeps = CommandServices['settings'] &
  CommandServices['storage'] &
  CommandServices['models'] &
  CommandServices['money'] &
  CommandServices['messaging'] &
  PeopleDeps &
  LinkDeps &
  TeamDeps

/** In the order of `help`. */
export function createTable(deps: TableDeps): readonly Command[] {
  const table: Command[] = []
  table.push(
    ...helpCommands(() => table),
    ...modelCommands(deps),
    ...tryCommands(deps),
    ...budgetCommands(deps),
    ...usageCommands(deps),
    ...whyCommands(deps),
    ...policyCommands(deps),
    ...limitCommands(deps),
    ...collectionCommands(deps),
    ...toolCommands(deps),
    ...personaCommands(deps),
    ...templateCommands(deps),
    ...roleCommands(deps),
    ...linkCommands(deps),
    ...peopleCommands(deps),
    ...teamCommands(deps),
    ...keyCommands(deps),
    ...webhookCommands(deps),
    ...healthCommands(deps),
    ...forgetCommands(deps),
  )
  return table
}

const maxSuggestions = 25

export function createCommands(services: CommandServices): Pick<Intake, 'command' | 'suggest' | 'commands'> {
  const { storage, models, money, messaging, log } = services
  const { settings, admins } = services.settings
  const { directory: people, names } = services.people
  const { calls } = storage
  const table = createTable({
    ...services.settings,
    ...storage,
    ...models,
    ...money,
    ...messaging,
    ...services.people,
    accountOf: people.accountOf,
  })

  async function callerOf(call: CommandCall): Promise<Caller> {
    const { conversation, author } = call
    const [grants, scopeNames] = await Promise.all([grantsOf(call, { settings, admins, people }), names()])
    const by = omitUndefined({ id: accountName(conversation, author.id), via: 'command', name: author.name })
    const personIdOf = async (id: string) => (await people.know({ id }, conversation)).personId
    return { call, grants, by, names: scopeNames, personIdOf, spender: spenderOf(conversation, author) }
  }

  async function run(call: CommandCall): Promise<Notice> {
    const { command, given } = parseLine(call.text, table)
    const caller = await callerOf(call)
    if (!canCall(caller.grants.role, command))
      throw new ParleyError('command_forbidden', permissionWording.command(command.name, command.role))
    const answer = command.changes
      ? await once(call, caller.by.id, () => command.run(given, caller))
      : await command.run(given, caller)
    log.info({ command: command.name, platform: call.conversation.platform }, 'command run')
    const { again: _again, ...notice } = answer
    return notice
  }

  /** A call that is delivered again gets the answer of the first delivery. */
  async function once(call: CommandCall, person: string, run: () => Promise<Answer>): Promise<Answer> {
    const id = JSON.stringify([call.conversation.platform, call.id])
    const begun = await calls.begin(id, { person, conversationKey: conversationKey(call.conversation) })
    if (begun.kind === 'ended') return storedNotice(begun.notice)
    if (begun.kind === 'running') return { text: commandWording.alreadyRunning, private: true }
    try {
      const answer = await run()
      const { text, again = text, buttons = [], private: hidden = false } = answer
      await calls.end(id, JSON.parse(JSON.stringify({ text: again, buttons, private: hidden })))
      return answer
    } catch (thrown) {
      if (thrown instanceof ParleyError) await calls.abandon(id)
      throw thrown
    }
  }

  return {
    commands: table,

    async command(call) {
      try {
        return await run(call)
      } catch (thrown) {
        const error = asParleyError(thrown)
        if (error.code === 'internal') log.error(errorFields(thrown), 'command failed')
        return { text: error.userMessage, private: true, failed: true }
      }
    },

    async suggest(call, name, argument, typed) {
      const command = table.find((each) => each.name === name)
      const known = Object.entries(command?.arguments ?? {}).find(([own]) => own === argument)?.[1]
      if (known === undefined) return []
      const spender = spenderOf(call.conversation, call.author)
      const grants = () => grantsOf(call, { settings, admins, people })
      const all = known.choices ?? (await known.suggest?.({ spender, grants })) ?? []
      const wanted = typed.toLowerCase()
      const starts = all.filter((each) => each.toLowerCase().startsWith(wanted))
      const holds = all.filter((each) => each.toLowerCase().includes(wanted))
      return [...new Set([...starts, ...holds])].slice(0, maxSuggestions)
    },
  }
}

function storedNotice(stored: unknown): Answer {
  const { text, buttons, private: hidden } = stored as Pick<Notice, 'text' | 'buttons' | 'private'>
  return { text, buttons: buttons?.length ? buttons : undefined, private: hidden ? true : undefined }
}
