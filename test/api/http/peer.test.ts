import { expect, test } from 'vitest';
import { clientIp } from '../../../src/api/plugins/rate-limit.ts';

test.each([
  ['203.0.113.9', '203.0.113.9'],
  ['::ffff:203.0.113.9', '203.0.113.9'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::'],
  ['203.0.113.9:49152', '203.0.113.9'],
  ['[2001:db8:1:2:3:4:5:6]:49152', '2001:db8:1:2::'],
  ['[2001:db8:1:2:3:4:5:6]', '2001:db8:1:2::'],
  ['unknown', 'unknown'],
])('%s is counted as %s', (ip, peer) => {
  expect(clientIp({ ip })).toBe(peer);
});

test('who left before anybody asked is counted too, and is no fault', () => {
  // What Fastify gives of a socket that is closed, whatever its type says.
  expect(clientIp({ ip: undefined as unknown as string })).toBe('gone');
});
