import { createElement } from 'react'
import { renderToStaticMarkup } from 'react-dom/server'
import { expect, test } from 'vitest'
import { pageWording } from '../../../../src/wording/page.ts'
import { receipt } from '../../../../test/fakes/receipt.ts'
import type { Message } from '../../api.ts'
import { Reply } from './reply.tsx'

const message: Message = {
  id: 'm',
  threadId: '6f9f8a52-5d3e-4a0e-9f6f-5d2a3f1c0b11',
  seq: 2,
  role: 'parley',
  text: 'Thirty days.',
  state: 'done',
  createdAt: '2026-11-26T12:00:00.000Z',
  turnId: null,
  attachments: [],
  citations: [],
  buttons: [],
  receipt,
  feedback: null,
}

function shown(of: Message): string {
  const nothing = async () => {}
  const props = {
    message: of,
    thoughts: undefined,
    hasModel: true,
    repeatable: false,
    onOpenSource() {},
    onAct: nothing as never,
    onPress: nothing,
  }
  return renderToStaticMarkup(createElement(Reply, props))
}

test('what a model thought is folded above its answer, and nothing is there where it thought nothing', () => {
  const thoughts = 'The lease says <b>thirty</b> days.'
  const page = shown({ ...message, receipt: { ...receipt, thoughts } })
  expect(page).toContain(`<details class="thoughts"><summary>${pageWording.answer.thoughts}</summary>`)
  expect(page).toContain('The lease says &lt;b&gt;thirty&lt;/b&gt; days.')
  expect(page.indexOf('class="thoughts"')).toBeLessThan(page.indexOf('Thirty days.'))
  expect(shown(message)).not.toContain('thoughts')
})

test('a model is called by its label, and its id is in the receipt', () => {
  const named = shown({
    ...message,
    receipt: { ...receipt, provider: 'gpu', model: 'small-8b', modelLabel: 'Small 8B' },
  })
  expect(named).toContain('>Small 8B<')
  expect(named).not.toContain('small-8b')
  const unnamed = shown({ ...message, receipt: { ...receipt, provider: 'gpu', model: 'small-8b' } })
  expect(unnamed).toContain('>small-8b<')
})
