import { expect, it } from 'vitest'
import { attemptKeys, networkOf } from './attempts.ts'

it.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:DB8:1::6', '2001:db8:1:0::/64'],
  ['2001:0db8:0001:0002::', '2001:db8:1:2::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['no address', 'no address'],
])('%s counts as %s', (address, network) => {
  expect(networkOf(address)).toBe(network)
})

it('keys do not tell who tried', () => {
  const keys = attemptKeys('ada@example.com', '192.0.2.1')
  expect(JSON.stringify(keys)).not.toContain('ada')
  expect(keys.pair).not.toBe(attemptKeys('ada@example.com', '192.0.2.2').pair)
  expect(keys.account).not.toBe(attemptKeys('bea@example.com', '192.0.2.1').account)
})
