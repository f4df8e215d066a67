import { expect, it } from 'vitest'
import { cheap, goodPassword } from '../../test/accounts-rig.ts'
import { checkNewPassword, createPasswordHasher, passwordCost, passwordProblem } from './passwords.ts'

const ada = ['Ada Lovelace', 'countess@example.com']

it.each([
  ['elevenchars', 'at least 12'],
  ['password1234', 'first that attackers try'],
  ['P@ssw0rdP@ssw0rd', 'first that attackers try'],
  ['aaaaaaaaaaaaaaaaa', 'first that attackers try'],
  ['abcdefghijklmnop', 'first that attackers try'],
  ['qwertyuiop12', 'first that attackers try'],
  ['1qaz2wsx3edc', 'first that attackers try'],
  ['iloveyou2026', 'first that attackers try'],
  ['Parley2026!!', 'first that attackers try'],
  ['ParleyParley', 'first that attackers try'],
  ['Lovelace-1815', 'first that attackers try'],
  ['ada lovelace!', 'first that attackers try'],
  ['countess@example.com', 'first that attackers try'],
  ['x'.repeat(1001), 'at most 1000'],
])('refuses %j', async (password, why) => {
  await expect(checkNewPassword(password, ada)).rejects.toMatchObject({
    code: 'request_invalid',
    userMessage: expect.stringContaining(why),
  })
})

it.each([
  goodPassword,
  'zwölf Füchse',
  'correct horse battery',
  'kX9#mQ2$vL7!',
  '안녕하세요비밀번호입니다',
  'parley helps me find contracts',
  `${'long words and more of them '.repeat(35)}end`,
])('takes %j', async (password) => {
  await expect(checkNewPassword(password, ada)).resolves.toBeUndefined()
})

it('hashes by argon2id with its parameters and a salt of its own', async () => {
  expect(passwordProblem()).toBeNull()
  const hasher = createPasswordHasher()
  const [one, two] = await Promise.all([hasher.hash(goodPassword), hasher.hash(goodPassword)])
  expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/)
  expect(one).not.toBe(two)
  expect(await hasher.matches(goodPassword, one)).toBe(true)
  expect(await hasher.matches(`${goodPassword} `, one)).toBe(false)
  expect(hasher.isOutdated(one)).toBe(false)
})

it('knows a hash with other parameters, and that it is outdated', async () => {
  const older = await createPasswordHasher(cheap).hash(goodPassword)
  const hasher = createPasswordHasher()
  expect(hasher.isOutdated(older)).toBe(true)
  expect(await hasher.matches(goodPassword, older)).toBe(true)
  for (const broken of ['', '$argon2id$', 'plain', older.slice(0, -1), older.replace('v=19', 'v=16')])
    expect(await hasher.matches(goodPassword, broken)).toBe(false)
})

it('100 tries at once take the memory of two', async () => {
  const hasher = createPasswordHasher({ ...passwordCost, memory: 65_536, passes: 2 })
  const before = process.memoryUsage().rss
  let most = 0
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss - before)
  }, 2)
  const results = await Promise.all(Array.from({ length: 100 }, () => hasher.matches(goodPassword, null)))
  clearInterval(watch)
  expect(results.some(Boolean)).toBe(false)
  // Four of them would be at 256 MiB.
  expect(most).toBeLessThan(250 * 1024 * 1024)
})

it('refuses more than can wait', async () => {
  const hasher = createPasswordHasher(cheap)
  const results = await Promise.allSettled(Array.from({ length: 300 }, () => hasher.matches('x', null)))
  const refused = results.filter(({ status }) => status === 'rejected')
  expect(refused).toHaveLength(100)
  expect(refused[0]).toMatchObject({ reason: { code: 'rate_limited', retryAfterMs: 5000 } })
})
