import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { openIncident } from '../../src/db/alerts.ts';
import type { Mailbox, Receiver } from '../operations/alerts/receivers.ts';
import { isSigned, startMailbox, startReceiver } from '../operations/alerts/receivers.ts';
import { freshDatabase } from '../support/database.ts';
import { freshPrefix, redisUrl } from '../support/redis.ts';
import { commandIn } from './passerelle.ts';

const SECRET = 'sixteen letters and more';
/** Nothing is asked of them. */
const STORES = { DATABASE_URL: 'postgres://u@127.0.0.1:1/x', REDIS_URL: 'redis://127.0.0.1:1' };

let receiver: Receiver;
let mailbox: Mailbox;
let env: Record<string, string>;
beforeAll(async () => {
  receiver = await startReceiver();
  mailbox = await startMailbox();
  env = {
    ...STORES,
    ALERT_WEBHOOK_URL: receiver.url,
    ALERT_WEBHOOK_SECRET: SECRET,
    SMTP_URL: `smtp://127.0.0.1:${mailbox.port}?ignoreTLS=true`,
    ALERT_EMAIL_TO: 'ops@example.com, night@example.com',
  };
});
afterAll(async () => {
  await receiver.stop();
  await mailbox.stop();
});
afterEach(() => {
  receiver.answer = 200;
  mailbox.refusal = null;
});

test('alerts test sends a notice through each channel, at once and without a database', async () => {
  const { code, stdout, stderr } = await commandIn(env).passerelle('alerts', 'test');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout.split('\n')).toEqual([
    `webhook  ${new URL(receiver.url).host} took it`,
    `email    127.0.0.1:${mailbox.port} took it`,
    '',
  ]);
  const [arrival] = receiver.arrivals;
  expect(arrival !== undefined && isSigned(arrival, SECRET)).toBe(true);
  expect(receiver.notices()).toMatchObject([{ type: 'test', kind: 'test', resolvedAt: null }]);
  expect(mailbox.mails[0]).toMatchObject({
    to: ['ops@example.com', 'night@example.com'],
    from: 'ops@example.com',
  });
  expect(mailbox.mails[0]?.text).toContain('Subject: [Passerelle] test');
});

test('one that refuses it is named with its reason, and the exit code is 1', async () => {
  receiver.answer = 404;
  mailbox.refusal = 'quota exceeded';
  const { code, stdout } = await commandIn(env).passerelle('alerts', 'test');
  expect(code).toBe(1);
  expect(stdout).toMatch(
    /^webhook {2}\S+ did not take the notice: it answered HTTP 404\. Check ALERT_WEBHOOK_URL\.\nemail .*quota exceeded/,
  );
  const { code: again, body } = await commandIn({ ...env, SMTP_URL: 'smtp://127.0.0.1:1' }).json(
    'alerts',
    'test',
  );
  expect(again).toBe(1);
  expect(body).toMatchObject({
    channels: [
      { channel: 'webhook', ok: false, error: { code: 'alert_refused' } },
      { channel: 'email', target: '127.0.0.1:1', ok: false, error: { code: 'alert_unreachable' } },
    ],
  });
});

test('without a channel, or with half of one, it names the missing variables: exit code 2', async () => {
  expect(await commandIn(STORES).passerelle('alerts', 'test')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('ALERT_WEBHOOK_URL or SMTP_URL is required'),
  });
  expect(await commandIn({ ...STORES, SMTP_URL: 'smtp://m' }).passerelle('alerts', 'test')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('ALERT_EMAIL_TO is required with SMTP_URL'),
  });
});

test('status shows the incidents that are open', async () => {
  const database = await freshDatabase();
  try {
    const own = { DATABASE_URL: database.url, REDIS_URL: redisUrl(), QUEUE_PREFIX: freshPrefix() };
    const about = { kind: 'mirror_stale', subject: 'bclinbc', code: 'mirror_stale', runId: null } as const;
    await openIncident(database.db, { ...about, message: 'No run has succeeded.' });
    expect((await commandIn(own).passerelle('status')).stdout).toMatch(
      /\nIncidents {2}1 open\n {2}mirror_stale, since \d+ s: No run has succeeded\.\nQueues\n/,
    );
    expect((await commandIn(own).json('status')).body.openIncidents).toMatchObject([about]);
  } finally {
    await database.close();
  }
});
