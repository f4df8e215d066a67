/** Whose address a request has, with honest proxies, with none, and with a caller who makes the header up. */
import { BlockList } from 'node:net'
import { describe, expect, it } from 'vitest'
import { createClientAddress, readAddressRange } from './client-address.ts'

function trusting(...ranges: string[]) {
  const address = createClientAddress(
    ranges.map((range) => {
      const read = readAddressRange(range)
      if (read === undefined) throw new Error(`${range} is no range`)
      return read
    }),
  )
  return (remoteAddress: string | undefined, forwardedFor?: string | string[], more: Record<string, string> = {}) =>
    // Node joins repeated lines of this header; a list stays possible by its type.
    address({ socket: { remoteAddress }, headers: { 'x-forwarded-for': forwardedFor as string, ...more } })
}

const proxy = '10.0.0.2'
const client = '203.0.113.9'

describe('without a trusted proxy', () => {
  it.each([undefined, client, '127.0.0.1', `${client}, 127.0.0.1`])('the connection decides, not %j', (header) => {
    expect(trusting()(proxy, header)).toBe(proxy)
    expect(trusting('10.0.0.3')(proxy, header)).toBe(proxy)
    expect(trusting('fd00::/8')('::ffff:10.0.0.2', header)).toBe(proxy)
  })

  it('a closed connection has no address', () => {
    expect(trusting(proxy)(undefined, client)).toBeUndefined()
  })
})

describe('through trusted proxies', () => {
  const addressOf = trusting('10.0.0.0/8', 'fd00::/8', '192.0.2.7')

  it.each([
    ['one proxy', proxy, client, client],
    ['a chain of proxies', proxy, `${client}, 192.0.2.7, 10.1.2.3`, client],
    ['a made-up left part', proxy, `127.0.0.1, 8.8.8.8, ${client}`, client],
    ['a made-up trusted proxy further left', proxy, `198.51.100.1, 10.9.9.9, ${client}, 10.1.2.3`, client],
    ['several header lines', proxy, ['198.51.100.1', `${client}, 10.1.2.3`], client],
    ['a caller inside the trusted range', proxy, '10.5.5.5, 10.1.2.3', '10.5.5.5'],
    ['no header', proxy, undefined, proxy],
    ['an empty header', proxy, ' , ,', proxy],
    ['empty entries', proxy, `,${client},, `, client],
    ['a port', proxy, `${client}:51234`, client],
    ['quotes', proxy, `"${client}:51234"`, client],
    ['IPv6', 'fd00::1', '2001:db8::1', '2001:db8::1'],
    ['IPv6 in brackets', proxy, '[2001:db8::1]', '2001:db8::1'],
    ['IPv6 in brackets with a port', proxy, '[2001:DB8:0::0:1]:443', '2001:db8::1'],
    ['IPv6 in another spelling', proxy, '2001:0DB8:0000:0000:0000:0000:0000:0001', '2001:db8::1'],
    ['IPv6 with a zone', 'fd00::1%eth0', 'fe80::1%eth0', 'fe80::1'],
    ['IPv4 within IPv6', '::ffff:10.0.0.2', `::ffff:${client}`, client],
    ['IPv4 within IPv6, in hexadecimal', '::FFFF:a00:2', '::ffff:cb00:7109', client],
  ])('%s', (_, remote, header, expected) => {
    expect(addressOf(remote, header)).toBe(expected)
  })

  it.each([
    'unknown',
    '_hidden',
    '203.0.113.999',
    '203.0.113',
    '0x7f.1',
    '[203.0.113.9]',
    '1.2.3.4:x',
    '::1::',
    '[::1',
    'a b',
  ])('an entry such as %s ends the way back at the last proxy', (garbage) => {
    expect(addressOf(proxy, garbage)).toBe(proxy)
    expect(addressOf(proxy, `127.0.0.1, ${garbage}`)).toBe(proxy)
    expect(addressOf(proxy, `127.0.0.1, ${garbage}, 10.1.2.3`)).toBe('10.1.2.3')
  })

  it('other headers never count', () => {
    const forged = { forwarded: 'for=127.0.0.1', 'x-real-ip': '127.0.0.1', 'x-client-ip': '127.0.0.1' }
    expect(addressOf(proxy, client, forged)).toBe(client)
    expect(addressOf(proxy, undefined, forged)).toBe(proxy)
  })

  it('a caller cannot choose an address by more entries, however many', () => {
    const many = Array.from({ length: 1000 }, (_, at) => `198.51.100.${at % 256}`).join(',')
    expect(addressOf(proxy, `${many}, ${client}`)).toBe(client)
  })
})

describe('ranges of trustedProxies', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1', 32],
    ['10.0.0.0/8', '10.0.0.0', 8],
    ['10.0.0.5/8', '10.0.0.5', 8],
    ['::1', '::1', 128],
    ['FD00:0::/8', 'fd00::', 8],
    ['::ffff:10.0.0.0/104', '10.0.0.0', 8],
    ['::ffff:10.0.0.1', '10.0.0.1', 32],
  ])('%s is read', (text, address, prefix) => {
    expect(readAddressRange(text)).toEqual({ address, prefix })
  })

  it.each([
    ...[
      '',
      'proxy',
      'proxy.example.com',
      '10.0.0.0/33',
      '10.0.0.0/',
      '10.0.0.0/-1',
      '10.0.0',
      '10.0.0.0/8/8',
      '*',
      'fd00::/129',
    ],
    ...[
      '10.0.0.1:80',
      '[::1]',
      '10.0.0.0/8 ',
      'fe80::1%eth0',
      '0.0.0.0/0',
      '::/0',
      '::ffff:0.0.0.0/96',
      '::ffff:10.0.0.0/95',
    ],
  ])('%j is refused', (text) => {
    expect(readAddressRange(text)).toBeUndefined()
  })

  it('each address belongs to a range exactly where Node says so', () => {
    // A fixed sequence, so that a failure can be repeated.
    let seed = 7
    const next = (below: number) => {
      seed = (seed * 48_271) % 2_147_483_647
      return seed % below
    }
    const v4 = () => [next(4), next(4), next(256), next(256)].join('.')
    const v6 = () => `2001:db8:${next(4)}:${next(4).toString(16)}::${next(65_536).toString(16)}`
    for (let round = 0; round < 500; round++) {
      const six = next(2) === 1
      const [base, address] = six ? [v6(), v6()] : [v4(), v4()]
      const prefix = 1 + next(six ? 128 : 32)
      const family = six ? 'ipv6' : 'ipv4'
      const list = new BlockList()
      list.addSubnet(base, prefix, family)
      const seen = trusting(`${base}/${prefix}`)(address, '198.51.100.77')
      const canonical = trusting()(address)
      expect(seen, `${address} in ${base}/${prefix}`).toBe(list.check(address, family) ? '198.51.100.77' : canonical)
    }
  })
})
