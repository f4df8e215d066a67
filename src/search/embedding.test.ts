import { expect, it } from 'vitest'
import { prefixed } from './embedding.ts'

it('a model gets a question and a passage in its own form, and what a program gives as it is', () => {
  const model = 'intfloat/multilingual-e5-small'
  const texts = ['Who waits?']
  expect(prefixed({ model, texts, as: 'question' })).toEqual(['query: Who waits?'])
  expect(prefixed({ model, texts, as: 'passage' })).toEqual(['passage: Who waits?'])
  expect(prefixed({ model, texts, as: 'given' })).toEqual(['Who waits?'])
})
