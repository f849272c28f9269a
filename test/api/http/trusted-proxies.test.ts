import { expect, test } from 'vitest';
import { trustedProxies, warnOfWideNetworks } from '../../../src/api/plugins/trusted-proxies.ts';

/** The networks that the warning names. */
function warned(trusted: Parameters<typeof warnOfWideNetworks>[0]): unknown {
  const lines: object[] = [];
  warnOfWideNetworks(trusted, { warn: (details) => lines.push(details) });
  return lines;
}

test.each([
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '192.168.4.0/23',
  '0.0.0.0/0',
  '8.0.0.0/5',
  '100.64.0.0/10',
  'fd00::/8',
  '::/0',
  'uniquelocal',
  'linklocal',
])('%s is reported at the start as too large', (network) => {
  expect(warned(['loopback', network])).toEqual([{ networks: [network] }]);
});

test.each([
  [['10.1.2.0/24', '10.1.2.3', '192.168.4.128/25', 'fd00:1::/64', '::1', 'loopback', '127.0.0.0/8']],
  // A network of the internet, with the proxies of a provider.
  [['104.16.0.0/13', '2606:4700::/32', '192.0.2.10']],
  [3],
  [false as const],
])('%j is not reported', (trusted) => {
  expect(warned(trusted)).toEqual([]);
});

test('a number of proxies trusts a peer nearby, and no peer of the internet', () => {
  const trust = trustedProxies(2);
  if (typeof trust !== 'function') throw new Error('it is no function');
  for (const peer of [
    '10.1.2.3',
    '172.18.0.5',
    '127.0.0.1',
    '::1',
    '::ffff:192.168.1.9',
    'fd00::7',
    '100.64.1.1',
  ])
    expect([peer, trust(peer, 0)]).toEqual([peer, true]);
  for (const peer of ['88.1.2.3', '2001:db8::1', '::ffff:88.1.2.3'])
    expect([peer, trust(peer, 0)]).toEqual([peer, false]);
  // The first proxy names the second one, which may have any address; the third address is the client's.
  expect([trust('88.1.2.3', 1), trust('10.0.0.1', 2)]).toEqual([true, false]);
});
