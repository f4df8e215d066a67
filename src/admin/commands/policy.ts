/** Rules about models, guests and used-up budgets: `policy …`. */

import type { Collections } from '../../core/collections.ts'
import { ParleyError } from '../../core/errors.ts'
import type { PlaceAddress } from '../../core/place.ts'
import { type Spender, scopeOf } from '../../core/scope.ts'
import { modelKey } from '../../models/complete-model.ts'
import { resolveModel } from '../../models/resolve-model.ts'
import { watchWording } from '../../wording/collections.ts'
import { policyWording } from '../../wording/commands-models.ts'
import { bulleted } from '../../wording/phrases.ts'
import { changeSetting } from '../changes.ts'
import { arg, type Command, define } from '../define.ts'
import { effectiveFor, type ZoneDeps } from '../effective.ts'
import { words } from '../line.ts'
import { demand } from '../place.ts'
import type { ModelDeps } from './models.ts'
import type { LocalDeps } from './try.ts'

export interface PolicyDeps extends ModelDeps, ZoneDeps, Pick<LocalDeps, 'notify'> {
  collections: Pick<Collections, 'isWatched' | 'watch' | 'unwatch'>
  /** Whether the platform tells of files that are posted without Parley. */
  hasPins(platform: string): boolean
}

export function policyCommands(deps: PolicyDeps): Command[] {
  const { settings, models, collections, hasPins, notify } = deps
  const suggestModels = async () => ['any', ...(await models()).map(modelKey)]
  return [
    define({
      name: 'policy show',
      summary: 'Shows the rules in effect here',
      role: 'member',
      args: {},
      examples: ['policy show'],
      run: async (_, { spender }) => ({
        text: `${policyWording.heading}\n\n${bulleted(await describe(deps, spender))}`,
      }),
    }),
    define({
      name: 'policy local-only',
      summary: 'Allows only local models to answer, or cloud models too',
      role: 'manager',
      changes: true,
      args: { state: arg.onOff('On or off'), for: arg.optional(arg.place()) },
      examples: ['policy local-only on', 'policy local-only on for channel', 'policy local-only off'],
      async run({ state, for: place }, caller) {
        const set = () => (state ? true : null)
        const { who } = await changeSetting(settings, caller, 'policy.localOnly', set, { place })
        const local = (await models()).some((model) => model.local && model.origin !== 'builtin')
        if (!state)
          return { text: policyWording.localAndCloud(who) + (await stillRestricted('localOnly', caller.spender)) }
        return { text: policyWording.localOnly(who) + (local ? '' : policyWording.noLocalModel) }
      },
    }),
    define({
      name: 'policy models',
      summary: 'Limits which models can answer',
      role: 'manager',
      changes: true,
      args: {
        for: { ...arg.optional(arg.place()), choices: ['channel', 'workspace', 'everywhere'] },
        models: { ...arg.rest('Names of models, or any'), suggest: suggestModels },
      },
      examples: ['policy models gpt-5-mini llama3.2', 'policy models for channel gpt-5-mini', 'policy models any'],
      async run({ models: typed, for: place }, caller) {
        const names = words(typed.replaceAll(',', ' ')).map(({ text }) => text)
        const all = await models()
        const any = names.length === 1 && names[0]?.toLowerCase() === 'any'
        const keys = any ? null : [...new Set(names.map((name) => modelKey(resolveModel(all, name))))]
        const { who } = await changeSetting(settings, caller, 'policy.allowedModels', () => keys, { place })
        if (keys === null)
          return { text: policyWording.anyModel(who) + (await stillRestricted('allowedModels', caller.spender)) }
        return { text: policyWording.allowed(who, keys) }
      },
    }),
    define({
      name: 'policy guests',
      summary: 'Answers or refuses guests and people from other organizations',
      role: 'manager',
      changes: true,
      args: { what: arg.choice('What they get', ['answer', 'refuse']), for: arg.optional(arg.place()) },
      examples: ['policy guests refuse', 'policy guests answer for channel'],
      async run({ what, for: place }, caller) {
        const set = () => (what === 'refuse' ? what : null)
        const { who } = await changeSetting(settings, caller, 'policy.guests', set, { place })
        const restricted = what === 'refuse' ? '' : await stillRestricted('guests', caller.spender)
        return { text: policyWording.guests(who, what) + restricted }
      },
    }),
    define({
      name: 'policy at-limit',
      summary: 'Sets what happens when a budget is used up',
      role: 'manager',
      changes: true,
      args: {
        what: arg.choice('Use a cheaper model, or refuse the question', ['cheaper', 'refuse']),
        for: arg.optional(arg.place()),
      },
      examples: ['policy at-limit cheaper', 'policy at-limit refuse for channel'],
      async run({ what, for: place }, caller) {
        const { who } = await changeSetting(settings, caller, 'policy.atLimit', () => what, { place })
        return { text: policyWording.atLimit(who, what) }
      },
    }),
    define({
      name: 'policy follow-ups',
      summary: 'Sets which messages in a thread Parley answers without a mention',
      role: 'manager',
      changes: true,
      args: {
        what: arg.choice('All messages, those of people who have asked there, or none without a mention', [
          'always',
          'asker',
          'named',
        ]),
        for: arg.optional(arg.place()),
      },
      examples: ['policy follow-ups named for channel', 'policy follow-ups always'],
      async run({ what, for: place }, caller) {
        const { who } = await changeSetting(settings, caller, 'policy.followUps', () => what, { place })
        return { text: policyWording.followUps(who, what) }
      },
    }),
    define({
      name: 'policy web',
      summary: 'Searches the web for every question, for none, or where the question calls for it',
      role: 'manager',
      changes: true,
      args: {
        what: arg.choice('For every question, for none, or where the question calls for it', ['on', 'off', 'auto']),
        for: arg.optional(arg.place()),
      },
      examples: ['policy web off for channel', 'policy web auto', 'policy web on for channel'],
      async run({ what, for: place }, caller) {
        const { who } = await changeSetting(settings, caller, 'policy.web', () => what, { place })
        const { policy } = await effectiveFor(settings, caller.spender)
        const restricted = what !== 'off' && policy.web === 'off' ? policyWording.stillRestricted : ''
        return { text: policyWording.web(who, what) + restricted }
      },
    }),
    define({
      name: 'policy files-of-channel',
      summary: 'Reads the files that people post in this channel without asking Parley, or stops and forgets them',
      role: 'admin',
      changes: true,
      args: { state: arg.onOff('On or off') },
      examples: ['policy files-of-channel on', 'policy files-of-channel off'],
      async run({ state }, caller) {
        const { call, spender, by } = caller
        demand(caller, scopeOf.channel(spender))
        const place = channelOf(spender)
        const isOn = await collections.isWatched(place)
        if (!state) {
          await collections.unwatch(place, by)
          return { text: isOn ? watchWording.off : watchWording.wasOff, private: true }
        }
        if (isOn) return { text: watchWording.wasOn, private: true }
        const isInThread = call.conversation.threadId !== undefined && call.beginsThread !== true
        if (call.direct === true || isInThread || !hasPins(spender.platform))
          throw new ParleyError('command_invalid', watchWording.notHere)
        // Announced first: nothing is read of which nobody was told.
        await notify(call.replyTarget, { text: watchWording.announced }, `${call.id}.watch`).catch((cause: unknown) => {
          throw new ParleyError('command_invalid', watchWording.notAnnounced, { cause })
        })
        await collections.watch(place, { by, spender })
        return { text: watchWording.on, private: true }
      },
    }),
    define({
      name: 'policy memory',
      summary: 'Searches files that were shared earlier in other threads and places, or only those of the conversation',
      role: 'manager',
      changes: true,
      args: { state: arg.onOff('On or off'), for: arg.optional(arg.place()) },
      examples: ['policy memory off for channel', 'policy memory on'],
      async run({ state, for: place }, caller) {
        const set = () => (state ? null : false)
        const { who } = await changeSetting(settings, caller, 'policy.memory', set, { place })
        const restricted = state ? await stillRestricted('memory', caller.spender) : ''
        return { text: policyWording.memory(who, state) + restricted }
      },
    }),
    define({
      name: 'policy tools',
      summary: 'Lets models call tools while they answer: search again, read on, calculate; or not',
      role: 'manager',
      changes: true,
      args: { state: arg.onOff('On or off'), for: arg.optional(arg.place()) },
      examples: ['policy tools off for channel', 'policy tools on'],
      async run({ state, for: place }, caller) {
        const set = () => (state ? null : false)
        const { who } = await changeSetting(settings, caller, 'policy.tools', set, { place })
        const restricted = state ? await stillRestricted('tools', caller.spender) : ''
        return { text: policyWording.tools(who, state) + restricted }
      },
    }),
    define({
      name: 'policy approvals',
      summary: 'Who decides about calls of tools that change something: the person who asked, or admins',
      role: 'admin',
      changes: true,
      args: { who: arg.choice('The person who asked, or admins', ['asker', 'admins']), for: arg.optional(arg.place()) },
      examples: ['policy approvals admins for channel', 'policy approvals asker'],
      async run({ who: approvers, for: place }, caller) {
        const set = () => (approvers === 'asker' ? null : approvers)
        const { who } = await changeSetting(settings, caller, 'policy.approvals', set, { place })
        const { policy } = await effectiveFor(settings, caller.spender)
        const restricted = approvers === 'asker' && policy.approvals !== 'asker' ? policyWording.stillRestricted : ''
        return { text: policyWording.approvals(who, approvers) + restricted }
      },
    }),
  ]

  /** Says so if another setting still restricts what was just allowed. */
  async function stillRestricted(
    name: 'localOnly' | 'allowedModels' | 'guests' | 'memory' | 'tools',
    spender: Spender,
  ): Promise<string> {
    const { policy } = await effectiveFor(settings, spender)
    const restricts = {
      localOnly: policy.localOnly,
      allowedModels: policy.allowedModels !== undefined,
      guests: policy.guests === 'refuse',
      memory: !policy.memory,
      tools: !policy.tools,
    }[name]
    return restricts ? policyWording.stillRestricted : ''
  }
}

function channelOf({ platform, workspaceId, channelId }: Spender): PlaceAddress {
  return { platform, workspaceId, channelId }
}

async function describe({ settings, timeZone, collections }: PolicyDeps, spender: Spender): Promise<string[]> {
  const { policy, models, timezone } = await effectiveFor(settings, spender)
  const { shown } = policyWording
  const watched = await collections.isWatched(channelOf(spender))
  return [
    shown.models(policy.localOnly, policy.allowedModels === undefined ? undefined : [...policy.allowedModels]),
    ...(models.disabled.size === 0 ? [] : [shown.disabled([...models.disabled])]),
    ...(models.pinned === undefined ? [] : [shown.pinned(models.pinned)]),
    shown.guests(policy.guests),
    shown.atLimit(policy.atLimit),
    shown.followUps(policy.followUps),
    shown.web(policy.web),
    shown.memory(policy.memory),
    shown.tools(policy.tools),
    shown.approvals(policy.approvals),
    ...(watched ? [watchWording.shown] : []),
    shown.timeZone(timezone ?? timeZone),
  ]
}
