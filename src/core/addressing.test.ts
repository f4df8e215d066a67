import { describe, expect, it } from 'vitest'
import { type Addressing, judge, type Known, saysStop } from './addressing.ts'

const inThread: Addressing = {
  conversation: { platform: 'test', workspaceId: 'team', channelId: 'general', threadId: 't' },
  author: { id: 'ann' },
  text: 'And in winter?',
  place: 'thread',
  mentioned: false,
}
const known: Known = { participates: true, asked: true, followUps: 'always' }
const verdict = (message: Partial<Addressing>, more: Partial<Known> = {}) => {
  const judged = judge({ ...inThread, ...message }, { ...known, ...more })
  return judged.answers ? 'answers' : judged.why
}

describe('a message is for Parley', () => {
  it.each<[string, Partial<Addressing>, Partial<Known>?]>([
    ['in a direct chat, whatever it says', { place: 'direct', text: 'thanks' }],
    ['when it mentions Parley, also among others', { mentioned: true, namesOthers: true, place: 'channel' }],
    ['when it mentions Parley where nobody has asked yet', { mentioned: true }, { participates: false, asked: false }],
    ['when it mentions Parley in a group chat', { mentioned: true, place: 'group' }],
    ['when it answers a message of Parley in a channel', { repliesToParley: true, place: 'channel' }],
    ['when it answers a message of Parley in a group chat', { repliesToParley: true, place: 'group' }],
    ['as a follow-up in a thread', {}],
    ['as a follow-up of somebody who has not asked', {}, { asked: false }],
    ['when it says thanks and asks on', { text: 'Thanks! And in winter?' }],
    ['when it shares a file with an emoji', { text: '👍', hasFiles: true }],
    ['when it is a lone question mark', { text: '??' }],
    ['when it says no more than a number', { text: '42' }],
    ['when it is mentioned where follow-ups need it', { mentioned: true }, { followUps: 'named' }],
    ['when the asker follows up and only askers may', {}, { followUps: 'asker' }],
  ])('%s', (_, message, more) => {
    expect(verdict(message, more)).toBe('answers')
  })
})

describe('a message is left to people', () => {
  it.each<[string, string, Partial<Addressing>, Partial<Known>?]>([
    ['meant for others', 'in a thread that names somebody else', { namesOthers: true }],
    [
      'meant for others',
      'that answers Parley’s message, but is said to somebody',
      { repliesToParley: true, namesOthers: true },
    ],
    ['meant for others', 'that quotes another person', { repliesToOther: true }],
    ['not called', 'in a channel', { place: 'channel' }],
    ['not called', 'in a group chat, also after a mention of Parley', { place: 'group' }],
    ['not a participant', 'in a thread of others', {}, { participates: false }],
    ['small talk', 'that thanks', { text: 'thanks!' }],
    ['small talk', 'that thanks in German', { text: 'Danke schön 🙏' }],
    ['small talk', 'that thanks in Japanese', { text: 'ありがとうございます！' }],
    ['small talk', 'of one emoji', { text: '👍🏽' }],
    ['small talk', 'of one emoji by its name', { text: ':+1::skin-tone-3:' }],
    ['small talk', 'that laughs', { text: 'lol 😂' }],
    ['small talk', 'that thanks in a reply to Parley', { text: 'Thank you!', repliesToParley: true, place: 'channel' }],
    ['only when named', 'where follow-ups need a mention', {}, { followUps: 'named' }],
    ['asker only', 'of somebody who has not asked, where only askers may', {}, { followUps: 'asker', asked: false }],
  ])('%s: one %s', (why, _, message, more) => {
    expect(verdict(message, more)).toBe(why)
  })
})

it('a message that says nothing but to stop is told from one that asks about stopping', () => {
  for (const text of ['stop', 'Stop!', ' STOP. ', 'please stop', 'Abbrechen', 'cancel'])
    expect(saysStop(text)).toBe(true)
  for (const text of ['stop the server?', 'How do I stop it?', 'Do not stop', '']) expect(saysStop(text)).toBe(false)
})
