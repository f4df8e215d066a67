import { expect, test } from 'vitest'
import { pathOfHash, routeOf, safeReturn } from './paths.ts'

const id = '0f8fad5b-d9cb-469f-a165-70867728950e'

test('an address names its screen, or none', () => {
  expect(routeOf('/')).toEqual({ screen: 'home', param: '' })
  expect(routeOf(`/t/${id.toUpperCase()}`)).toEqual({ screen: 'thread', param: id })
  expect(routeOf('/invite/a_B-9')).toEqual({ screen: 'invite', param: 'a_B-9' })
  expect(routeOf('/me/keys')).toEqual({ screen: 'keys', param: '' })
  for (const path of ['/t/', '/t/7', `/t/${id}/more`, '/invite/', '/invite/a/b', '/me/', '/console/status', '//'])
    expect(routeOf(path), path).toBeNull()
})

test('old addresses of threads lead to the new ones', () => {
  expect(pathOfHash(`#/t/${id}`)).toBe(`/t/${id}`)
  expect(pathOfHash('#/me')).toBeNull()
  expect(pathOfHash('')).toBeNull()
})

test('nobody is sent to another site after signing in', () => {
  expect(safeReturn(`/t/${id}`)).toBe(`/t/${id}`)
  for (const path of [null, '', '//evil.example', '/\\evil.example', 'https://evil.example/', 'javascript:alert(1)'])
    expect(safeReturn(path), String(path)).toBe('/')
})
