import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config.ts';

const STORES = { DATABASE_URL: 'postgres://localhost/x', REDIS_URL: 'redis://localhost' };

describe('a variable that is wrong', () => {
  it.each([
    ['SYNC_EVERY', '999ms', 'a duration of at least 1s such as 30s, 10m or 1h, or off'],
    ['SYNC_EVERY', 'soon', 'a duration of at least 1s such as 30s, 10m or 1h, or off'],
    ['SYNC_LEASE', '2s', 'a duration of at least 3s such as 30s, 10m or 1h'],
    ['SYNC_BACKOFF', '5', 'a duration such as 30s, 10m or 1h'],
    ['FULL_SYNC_CRON', '99 3 * * *', 'a cron pattern of 5 or 6 fields such as "0 3 * * *", or off'],
    ['FULL_SYNC_CRON', '0 0 31 2 *', 'a cron pattern of 5 or 6 fields such as "0 3 * * *", or off'],
    ['FULL_SYNC_CRON', 'at the usual hour please', 'a cron pattern of 5 or 6 fields'],
    ['ODOO_PROTOCOL', 'soap', 'one of auto, xmlrpc, jsonrpc, json2'],
    ['ODOO_MODEL', 'BC', 'an Odoo model name such as dimagaz.bc'],
    ['QUEUE_PREFIX', 'a b', 'a text of letters, digits, _ or -'],
    ['LOG_LEVEL', 'loud', 'one of fatal, error, warn, info, debug, trace, silent'],
    ['API_RATE_LIMIT', '0', 'a whole number from 1 to 10000000, or off'],
    ['API_RATE_LIMIT', 'none', 'a whole number from 1 to 10000000, or off'],
  ])('%s=%s is named with what was expected', (name, value, expected) => {
    expect(() => readConfig({ ...STORES, [name]: value })).toThrow(`  - ${name}: expected ${expected}`);
  });
});

describe('a variable that is right', () => {
  it.each([
    ['0 3 * * *', '0 3 * * *'],
    ['*/10 0 3 * * MON-FRI', '*/10 0 3 * * MON-FRI'],
    ['off', null],
  ])('FULL_SYNC_CRON=%s is taken', (value, fullCron) => {
    expect(readConfig({ ...STORES, FULL_SYNC_CRON: value }).sync).toMatchObject({ fullCron });
  });

  it('is a duration in any unit', () => {
    const { sync } = readConfig({ ...STORES, SYNC_EVERY: '1s', SYNC_LEASE: '3000ms', SYNC_BACKOFF: '0s' });
    expect(sync).toMatchObject({ everyMs: 1000, leaseMs: 3000, backoffMs: 0 });
  });
});
