import { describe, expect, it } from 'vitest';
import { readApiConfig, readConfig, readMirrorConfig } from '../../src/config/index.ts';

const STORES = { DATABASE_URL: 'postgres://localhost/x', REDIS_URL: 'redis://localhost' };
const ODOO = { ODOO_URL: 'http://o', ODOO_DB: 'd', ODOO_USER: 'u', ODOO_PASSWORD: 'p' };

describe('a variable that is wrong', () => {
  it.each([
    ['SYNC_EVERY', '999ms', 'a duration of at least 1s such as 30s, 10m or 1h, or off'],
    ['SYNC_EVERY', 'soon', 'a duration of at least 1s such as 30s, 10m or 1h, or off'],
    ['SYNC_LEASE', '2s', 'a duration from 3s to 24d such as 30s, 10m or 1h'],
    ['SYNC_LEASE', '25d', 'a duration from 3s to 24d'],
    ['QUEUE_LOCK', '25d', 'a duration from 1s to 24d'],
    ['SYNC_BACKOFF', '5', 'a duration such as 30s, 10m or 1h'],
    ['FULL_SYNC_CRON', '99 3 * * *', 'a cron pattern of 5 or 6 fields such as "0 3 * * *", or off'],
    ['FULL_SYNC_CRON', '0 0 31 2 *', 'a cron pattern of 5 or 6 fields such as "0 3 * * *", or off'],
    ['FULL_SYNC_CRON', 'at the usual hour please', 'a cron pattern of 5 or 6 fields'],
    ['ODOO_PROTOCOL', 'soap', 'one of auto, xmlrpc, jsonrpc, json2'],
    ['ODOO_URL', 'odoo', 'a URL such as https://odoo.example.com'],
    ['ODOO_CONTEXT', '[]', 'a JSON object such as {"lang":"fr_FR"}'],
    ['ODOO_CONTEXT', '{"bin_size":true}', 'a JSON object without bin_size'],
    ['ODOO_CONTEXT', '{"lang":"fr_FR","bin_size_datas":false}', 'a JSON object without bin_size'],
    ['ODOO_MODEL', 'BC', 'an Odoo model name such as dimagaz.bc'],
    ['QUEUE_PREFIX', 'a b', 'a text of letters, digits, _ or -'],
    ['LOG_LEVEL', 'loud', 'one of fatal, error, warn, info, debug, trace, silent'],
    ['ALERT_WEBHOOK_URL', 'hooks.example.com', 'a URL such as https://hooks.example.com/passerelle'],
    ['ALERT_WEBHOOK_SECRET', 'short', 'a secret of at least 16 characters'],
    ['ALERT_WEBHOOK_SECRET', 'whsec_not-base64-at-all', 'a secret that is base64 after whsec_'],
    ['SMTP_URL', 'mail.example.com', 'a URL such as smtp://user:secret@mail.example.com:587'],
    ['ALERT_EMAIL_TO', 'ops', 'a list of addresses such as ops@example.com, separated by commas'],
    ['ALERT_EMAIL_FROM', 'a@b.example,c@d.example', 'an address such as passerelle@example.com'],
    ['ALERT_STALE_INTERVALS', '0', 'a whole number from 1 to 100000'],
    ['REDIS_TLS_CA_FILE', '/nowhere/ca.pem', 'a file that this process can read'],
    ['REDIS_SENTINELS', 'one:two', 'a list of hosts such as one:26379,two:26379'],
    ['SHUTDOWN_DEADLINE', '0s', 'a duration from 1s to 24d such as 30s, 10m or 1h'],
    ['SHUTDOWN_DEADLINE', '30d', 'a duration from 1s to 24d'],
    ['SHUTDOWN_DRAIN', '30d', 'a duration from 0s to 24d'],
    ['API_RATE_LIMIT', '0', 'a whole number from 1 to 10000000, or off'],
    [
      'TRUST_PROXY',
      'on',
      'a number of proxies from 1 to 9, or a list of addresses and networks such as 10.1.2.3',
    ],
    ['TRUST_PROXY', '10.0.0.0/33', 'a number of proxies from 1 to 9, or a list'],
    ['TRUST_PROXY', '10.0.0.1, ', 'a number of proxies from 1 to 9, or a list'],
    ['TRUST_PROXY', '0', 'a number of proxies from 1 to 9, or a list'],
    ['TRUST_PROXY', '1,10.0.0.1', 'a number of proxies from 1 to 9, or a list'],
    ['API_RATE_LIMIT', 'none', 'a whole number from 1 to 10000000, or off'],
  ])('%s=%s is named with the expected form', (name, value, expected) => {
    expect(() => readConfig({ ...STORES, [name]: value })).toThrow(`  - ${name}: expected ${expected}`);
  });
});

it.each([
  [undefined, false],
  ['off', false],
  ['1', 1],
  ['loopback', ['loopback']],
  ['10.0.0.0/8, ::1,fd00::/8', ['10.0.0.0/8', '::1', 'fd00::/8']],
])('TRUST_PROXY=%s trusts %j', (value, trusted) => {
  expect(readConfig({ ...STORES, TRUST_PROXY: value }).http.trustProxy).toEqual(trusted);
});

describe('DATABASE_IDLE_IN_TRANSACTION', () => {
  it.each([
    [{ DATABASE_IDLE_IN_TRANSACTION: '120s' }, 'SYNC_LEASE (120000 ms), or off; it is 120000 ms'],
    [{ SYNC_LEASE: '10s' }, 'SYNC_LEASE (10000 ms), or off; it is 30000 ms'],
  ])('must be shorter than the lease: %j', (given, expected) => {
    for (const read of [readConfig, readMirrorConfig, readApiConfig]) {
      expect(() => read({ ...STORES, ...ODOO, ...given })).toThrow(
        `  - DATABASE_IDLE_IN_TRANSACTION: expected a duration shorter than ${expected}`,
      );
    }
  });

  it('may be off, or shorter', () => {
    for (const value of ['off', '2s']) {
      const given = { DATABASE_IDLE_IN_TRANSACTION: value, SYNC_LEASE: '3s' };
      expect(readConfig({ ...STORES, ...given }).sync.leaseMs).toBe(3000);
    }
  });
});

describe('variables that make sense together only', () => {
  it.each([
    ['ALERT_WEBHOOK_URL', 'http://hooks.example.com', 'ALERT_WEBHOOK_SECRET'],
    ['ALERT_WEBHOOK_SECRET', 'sixteen letters and more', 'ALERT_WEBHOOK_URL'],
    ['SMTP_URL', 'smtp://mail.example.com', 'ALERT_EMAIL_TO'],
    ['ALERT_EMAIL_TO', 'ops@example.com', 'SMTP_URL'],
  ])('%s asks for its other half', (name, value, other) => {
    for (const read of [readConfig, readMirrorConfig]) {
      expect(() => read({ ...STORES, ...ODOO, [name]: value })).toThrow(
        `  - ${other} is required with ${name}`,
      );
    }
  });

  it('are channels for alerts when both are set, and none otherwise', () => {
    expect(readConfig(STORES).alerts).toEqual({ webhook: null, email: null, staleIntervals: 10 });
    const alerts = {
      ALERT_WEBHOOK_URL: 'https://hooks.example.com/x',
      ALERT_WEBHOOK_SECRET: 'whsec_MDEyMzQ1Njc4OWFiY2RlZg==',
      SMTP_URL: 'smtps://mail.example.com',
      ALERT_EMAIL_TO: 'a@b.example, c@d.example',
    };
    expect(readConfig({ ...STORES, ...alerts }).alerts).toMatchObject({
      webhook: { url: alerts.ALERT_WEBHOOK_URL, secret: alerts.ALERT_WEBHOOK_SECRET },
      email: { to: ['a@b.example', 'c@d.example'], from: 'a@b.example' },
    });
  });
});

describe('Redis', () => {
  it('is one server, what sentinels name, or a cluster whose keys are in one slot', () => {
    expect(readConfig(STORES)).toMatchObject({
      queuePrefix: 'passerelle',
      redis: { url: 'redis://localhost', sentinel: null, cluster: false },
    });
    const watched = readConfig({ ...STORES, REDIS_SENTINELS: 'one, two:5 ,[::1]:6' }).redis.sentinel;
    expect(watched?.hosts).toEqual([
      { host: 'one', port: 26_379 },
      { host: 'two', port: 5 },
      { host: '::1', port: 6 },
    ]);
    expect(readConfig({ ...STORES, REDIS_CLUSTER: 'on' }).queuePrefix).toBe('{passerelle}');
  });

  it.each([
    [{ REDIS_CLUSTER: 'on', REDIS_SENTINELS: 'one' }, 'REDIS_CLUSTER: expected off with REDIS_SENTINELS'],
    [{ REDIS_TLS_CA_FILE: 'package.json' }, 'REDIS_URL: expected a URL that begins with rediss://'],
    [{ REDIS_TLS_CERT_FILE: 'package.json' }, 'REDIS_TLS_KEY_FILE is required with REDIS_TLS_CERT_FILE'],
  ])('settings that exclude one another are named: %o', (given, expected) => {
    expect(() => readConfig({ ...STORES, ...given })).toThrow(expected);
  });
});

it.each([
  'https://hush:pass@odoo.example.com',
  'https://hush@odoo.example.com/odoo',
  'https://:hush@odoo.example.com',
  'https://odoo.example.com/?db=hush',
  'https://odoo.example.com/#hush',
])('ODOO_URL=%s is refused, without being repeated', (url) => {
  let message = '';
  try {
    readConfig({ ...STORES, ...ODOO, ODOO_URL: url });
  } catch (error) {
    message = String(error);
  }
  expect(message.split('\n').slice(1)).toEqual([
    expect.stringMatching(/^ {2}- ODOO_URL: expected a URL without user, password, query and fragment/),
  ]);
  expect(message).not.toContain('hush');
});

describe('a variable that is right', () => {
  it.each(['http://odoo', 'https://odoo.example.com/', 'https://example.com:8069/some/odoo/'])(
    'ODOO_URL=%s is taken as it is',
    (url) => {
      expect(readConfig({ ...STORES, ...ODOO, ODOO_URL: url }).odoo?.url).toBe(url);
    },
  );

  it.each([
    ['0 3 * * *', '0 3 * * *'],
    ['*/10 0 3 * * MON-FRI', '*/10 0 3 * * MON-FRI'],
    ['off', null],
  ])('FULL_SYNC_CRON=%s is taken', (value, fullCron) => {
    expect(readConfig({ ...STORES, FULL_SYNC_CRON: value }).sync).toMatchObject({ fullCron });
  });

  it('is a duration in any unit', () => {
    const { sync } = readConfig({ ...STORES, SYNC_EVERY: '1s', SYNC_LEASE: '31000ms', SYNC_BACKOFF: '0s' });
    expect(sync).toMatchObject({ everyMs: 1000, leaseMs: 31_000, backoffMs: 0 });
  });
});
