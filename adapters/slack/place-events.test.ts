/** What Slack's events say of the readers of places, before they are acknowledged. */
import { beforeEach, describe, expect, it } from 'vitest'
import { ParleyError } from '../../src/core/errors.ts'
import { bob, general, openSlackInbound, type SlackInbound } from '../../test/servers/slack-inbound.ts'
import { alice } from '../../test/servers/slack-rig.ts'
import { bot, team } from '../../test/servers/slack-state.ts'

let rig: SlackInbound
let slack: SlackInbound['slack']
let changes: SlackInbound['changes']

beforeEach(async () => {
  rig = await openSlackInbound()
  ;({ slack, changes } = rig)
  return () => rig.close()
})

const workspace = { platform: 'slack', workspaceId: team }
const place = { ...workspace, channelId: general }
const send = async (event: { type: string; [field: string]: unknown }) =>
  (await slack.event({ event_ts: slack.state.nextTs(), ...event })).status

describe('readers and channels', () => {
  it.each<[string, { type: string; [field: string]: unknown }, object[]]>([
    [
      'somebody joins',
      { type: 'member_joined_channel', user: bob, channel: general },
      [{ kind: 'joined', place, account: bob }],
    ],
    [
      'somebody leaves',
      { type: 'member_left_channel', user: bob, channel: general },
      [{ kind: 'left', place, account: bob }],
    ],
    ['Parley joins', { type: 'member_joined_channel', user: bot.user, channel: general }, [{ kind: 'changed', place }]],
    [
      'Parley is removed',
      { type: 'member_left_channel', user: bot.user, channel: general },
      [{ kind: 'removed', place }],
    ],
    ['Parley left a channel', { type: 'channel_left', channel: general, actor_id: bob }, [{ kind: 'removed', place }]],
    [
      'Parley left a private channel',
      { type: 'group_left', channel: general, actor_id: bob },
      [{ kind: 'removed', place }],
    ],
    ['a channel is deleted', { type: 'channel_deleted', channel: general }, [{ kind: 'removed', place }]],
    ['a private channel is deleted', { type: 'group_deleted', channel: general }, [{ kind: 'removed', place }]],
    ['a channel is archived', { type: 'channel_archive', channel: general, user: bob }, [{ kind: 'changed', place }]],
    [
      'a channel is unarchived',
      { type: 'channel_unarchive', channel: general, user: bob },
      [{ kind: 'changed', place }],
    ],
    [
      'a private channel is archived',
      { type: 'group_archive', channel: general, user: bob },
      [{ kind: 'changed', place }],
    ],
    ['a private channel is unarchived', { type: 'group_unarchive', channel: general }, [{ kind: 'changed', place }]],
    [
      'a channel is renamed',
      { type: 'channel_rename', channel: { id: general, name: 'news' } },
      [{ kind: 'changed', place, name: 'news' }],
    ],
    [
      'a private channel is renamed',
      { type: 'group_rename', channel: { id: general, name: 'x' } },
      [{ kind: 'changed', place, name: 'x' }],
    ],
    [
      'a channel is shared',
      { type: 'channel_shared', channel: general, connected_team_id: 'T0OTHER001' },
      [{ kind: 'changed', place }],
    ],
    [
      'a channel is unshared',
      { type: 'channel_unshared', channel: general, is_ext_shared: false },
      [{ kind: 'changed', place }],
    ],
    [
      'a channel is made private',
      {
        type: 'message',
        subtype: 'channel_convert_to_private',
        channel: general,
        channel_type: 'group',
        user: bob,
        ts: '1.1',
        text: '',
      },
      [{ kind: 'changed', place }],
    ],
    [
      'a channel is made public',
      {
        type: 'message',
        subtype: 'channel_convert_to_public',
        channel: general,
        channel_type: 'channel',
        user: bob,
        ts: '1.2',
        text: '',
      },
      [{ kind: 'changed', place }],
    ],
    [
      'a channel gets another id',
      { type: 'channel_id_changed', old_channel_id: 'G0OLD00001', new_channel_id: general },
      [
        { kind: 'changed', place: { ...workspace, channelId: 'G0OLD00001' } },
        { kind: 'changed', place },
      ],
    ],
    [
      'a file is deleted',
      { type: 'file_deleted', file_id: 'F0PLAN0001' },
      [{ kind: 'fileDeleted', ...workspace, attachmentId: `${team}-F0PLAN0001` }],
    ],
    [
      'a workspace is taken from the app',
      { type: 'team_access_revoked', team_ids: ['T0SISTER01'] },
      [{ kind: 'workspaceRemoved', platform: 'slack', workspaceId: 'T0SISTER01' }],
    ],
  ])('%s', async (_, event, expected) => {
    expect(await send(event)).toBe(200)
    expect(changes).toEqual(expected)
    expect(rig.received).toEqual([])
  })

  it('an event is tried again when its effect is not stored', async () => {
    rig.own.placeChanged = async () => {
      throw new ParleyError('database_unreachable', 'Away.')
    }
    expect(await send({ type: 'member_left_channel', user: bob, channel: general })).toBe(500)
  })
})

describe('accounts', () => {
  const user = (more: object) => ({ id: bob, team_id: team, name: 'bob', profile: {}, ...more })
  const gone = { kind: 'accountGone', ...workspace, account: bob }
  /** Of somebody who becomes a guest nobody knows all channels. */
  const limited = { kind: 'workspaceChanged', ...workspace }

  it.each([
    ['is deactivated', { deleted: true }, gone],
    ['becomes a guest', { is_restricted: true }, limited],
    ['becomes a guest of one channel', { is_ultra_restricted: true }, limited],
  ])('somebody %s', async (_, more, change) => {
    await send({ type: 'user_change', user: user({}) })
    expect(changes).toEqual([])
    await send({ type: 'user_change', user: user(more) })
    // Slack sends the event for each new status text, too.
    await send({ type: 'user_change', user: user({ ...more, profile: { display_name: 'Bobby' } }) })
    expect(changes).toEqual([change])
    // A full member again, and once more not.
    await send({ type: 'user_change', user: user({}) })
    await send({ type: 'user_change', user: user(more) })
    expect(changes).toEqual([change, change])
  })

  it('somebody becomes a guest and a guest is deactivated', async () => {
    await send({ type: 'user_change', user: user({ is_restricted: true }) })
    await send({ type: 'user_change', user: user({ is_restricted: true, deleted: true }) })
    expect(changes).toEqual([limited, gone])
  })

  it('somebody becomes a guest while the database is away, and Slack sends it again', async () => {
    const event = { type: 'user_change', user: user({ is_restricted: true }) }
    rig.own.placeChanged = async () => {
      throw new ParleyError('database_unreachable', 'Away.')
    }
    expect(await send(event)).toBe(500)
    rig.own.placeChanged = undefined
    changes.splice(0)
    expect(await send(event)).toBe(200)
    expect(changes).toEqual([limited])
  })

  it('a guest joins the workspace, and a colleague', async () => {
    await send({ type: 'team_join', user: user({ id: alice }) })
    expect(changes).toEqual([])
    await send({ type: 'team_join', user: user({ is_restricted: true }) })
    expect(changes).toEqual([limited])
  })

  it('an app changes', async () => {
    await send({ type: 'user_change', user: user({ is_bot: true }) })
    expect(changes).toEqual([])
  })
})

describe('Parley is removed from the workspace', () => {
  it.each([
    ['uninstalled', { type: 'app_uninstalled' }],
    ['its token revoked', { type: 'tokens_revoked', tokens: { bot: [bot.user] } }],
  ])('%s', async (_, event) => {
    expect(await send(event)).toBe(200)
    expect(changes).toEqual([{ kind: 'workspaceRemoved', ...workspace }])
  })

  it("not if only a person's token is revoked", async () => {
    await send({ type: 'tokens_revoked', tokens: { oauth: [bob] } })
    expect(changes).toEqual([])
  })
})

describe('a message loses a file', () => {
  const file = (id: string, more: object = {}) => ({ id, name: `${id}.pdf`, mimetype: 'application/pdf', ...more })
  const change = (message: object, previous: object) => {
    const both = { type: 'message', user: bob, ts: '5.000100', text: 'plans' }
    const event = {
      type: 'message',
      subtype: 'message_changed',
      hidden: true,
      channel: general,
      channel_type: 'channel',
    }
    return send({
      ...event,
      ts: '6.000100',
      message: { ...both, ...message },
      previous_message: { ...both, ...previous },
    })
  }
  const fileDeleted = (id: string) => ({ kind: 'fileDeleted', ...workspace, attachmentId: `${team}-${id}` })

  it('that was deleted', async () => {
    await change({ files: [file('F1'), file('F2', { mode: 'tombstone' })] }, { files: [file('F1'), file('F2')] })
    expect(changes).toEqual([fileDeleted('F2')])
  })

  it('by an edit', async () => {
    const files = [file('F1'), file('F2')]
    await change({ files: [file('F1')], edited: { user: bob, ts: '6.000100' } }, { files })
    expect(changes).toEqual([fileDeleted('F2')])
  })

  it('not when a link in it is unfurled', async () => {
    await change({ attachments: [{ text: 'preview' }] }, { files: [file('F1')] })
    expect(changes).toEqual([])
  })

  it('when it is deleted itself, and has replies', async () => {
    await change({ subtype: 'tombstone', user: 'USLACKBOT' }, { files: [file('F1')] })
    expect(changes).toEqual([])
    expect(rig.withdrawn).toEqual([`${general}-5.000100`])
  })
})
