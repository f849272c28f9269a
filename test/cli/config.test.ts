import { afterAll, expect, test } from 'vitest';
import { variables } from '../../src/config/schema.ts';
import { openFolders } from '../config/folders.ts';
import { waitFor } from '../support/wait-for.ts';
import { commandIn } from './passerelle.ts';

const ENV = {
  DATABASE_URL: 'postgres://mirror:hush@db.example:5432/mirror?sslmode=require',
  REDIS_URL: 'redis://:hush@redis.example',
  ODOO_URL: 'https://odoo.example.com',
  ODOO_DB: 'prod',
  ODOO_USER: 'mirror',
  ODOO_PASSWORD: 'hush',
  SMTP_URL: 'smtp://mail:hush@mail.example',
  ALERT_EMAIL_TO: 'ops@example.com',
  ALERT_WEBHOOK_URL: 'https://hooks.example.com/services/hush',
  ALERT_WEBHOOK_SECRET: 'hush-hush-hush-hush',
  OTEL_EXPORTER_OTLP_ENDPOINT: 'https://hush@otel.example/?key=hush',
  METRICS_TOKEN: 'hush-hush-hush-hush',
  ADMIN_PASSWORD: 'hush',
};

const folders = openFolders();
afterAll(() => folders.close());

test('config prints each setting with its origin, without secrets', async () => {
  const { code, stdout, stderr } = await commandIn(ENV).passerelle('config');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).not.toContain('hush');
  const rows = stdout.split('\n').map((line) => line.split(/ {2,}/));
  expect(rows[0]).toEqual(['Variable', 'Value', 'Origin']);
  expect(rows).toEqual(
    expect.arrayContaining([
      ['DATABASE_URL', 'postgres://mirror:***@db.example:5432/mirror?sslmode=require', 'environment'],
      ['REDIS_URL', 'redis://:***@redis.example', 'environment'],
      ['ODOO_URL', 'https://odoo.example.com', 'environment'],
      ['ODOO_PASSWORD', '***', 'environment'],
      ['ALERT_WEBHOOK_URL', 'https://hooks.example.com/***', 'environment'],
      ['OTEL_EXPORTER_OTLP_ENDPOINT', 'https://***@otel.example/?***', 'environment'],
      ['SYNC_EVERY', '1m', 'default'],
      ['FULL_SYNC_CRON', '0 3 * * *', 'default'],
      ['TRUST_PROXY', 'off', 'default'],
      ['SHUTDOWN_DRAIN', '0s', 'default'],
      ['METRICS_PORT', 'not set', 'default'],
    ]),
  );
  expect(rows.length).toBeGreaterThan(Object.keys(variables).length);
});

test('with --json it is one object, also if the settings cannot be used: exit code 2', async () => {
  const wrong = { ...ENV, SYNC_EVERY: 'soon', DATABASE_URL: 'host=db password=hush' };
  const { code, body, stdout, stderr } = await commandIn(wrong).json('config');
  expect(code).toBe(2);
  expect(body.problems).toEqual([
    expect.stringMatching(/^DATABASE_URL: .*; got "\*\*\*" from the environment$/),
    expect.stringMatching(/^SYNC_EVERY: .*; got "soon" from the environment$/),
  ]);
  expect(body.variables).toContainEqual({
    ...{ name: 'SYNC_EVERY', value: 'soon', origin: 'environment', line: null },
  });
  expect(stderr).toMatch(/^Configuration is not usable:\n/);
  expect(stdout + stderr).not.toContain('hush');
});

test('it names the .env file and the line of each setting; the environment wins', async () => {
  const file = '# stores\nDATABASE_URL=postgres://u@h/x\nREDIS_URL=redis://h\nSYNC_EVERY=5m\nSYNC_LEASE=3m\n';
  const started = await folders.start('command', file, { SYNC_EVERY: '7m' }, ['config', '--json']);
  expect(await started.exit).toBe(0);
  const answer = await waitFor(() => {
    const text = started.output();
    return text.endsWith('}\n') && JSON.parse(text);
  }, 'the answer');
  expect(answer.file).toBe(`${started.folder}/.env`);
  expect(answer.variables).toEqual(
    expect.arrayContaining([
      { name: 'SYNC_LEASE', value: '3m', origin: '.env', line: 5 },
      { name: 'SYNC_EVERY', value: '7m', origin: 'environment', line: null },
      { name: 'SWEEP_EVERY', value: '15m', origin: 'default', line: null },
    ]),
  );
});
