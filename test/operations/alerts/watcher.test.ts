import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { AlertParts } from '../../../src/alerts/watcher.ts';
import { startAlerts } from '../../../src/alerts/watcher.ts';
import { readConfig } from '../../../src/config/index.ts';
import { openDatabase } from '../../../src/db/client.ts';
import { createLogger } from '../../../src/shared/logger.ts';
import { freshDatabase } from '../../support/database.ts';
import { waitFor } from '../../support/wait-for.ts';
import type { Receiver } from './receivers.ts';
import { startMailbox, startReceiver } from './receivers.ts';
import { addRun, deliveriesOf, incidentsOf, truncateAll } from './rows.ts';

let database: Awaited<ReturnType<typeof freshDatabase>>;
let receiver: Receiver;
const watchers: { stop(): Promise<void> }[] = [];
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await truncateAll(database.db);
  receiver = await startReceiver();
});
afterEach(async () => {
  for (const watcher of watchers.splice(0)) await watcher.stop();
  await receiver.stop();
});

const ODOO = { ODOO_URL: 'http://odoo.invalid', ODOO_DB: 'd', ODOO_USER: 'u', ODOO_PASSWORD: 'p' };
const silent = createLogger('silent', 'test');

/** A watcher as a process has one, which looks each 20 ms. */
function watch(env: Record<string, string> = {}, replaced: Partial<AlertParts> = {}) {
  const config = readConfig({
    DATABASE_URL: database.url,
    REDIS_URL: 'redis://unused',
    ...ODOO,
    ALERT_WEBHOOK_URL: receiver.url,
    ALERT_WEBHOOK_SECRET: 'sixteen letters and more',
    ALERT_STALE_INTERVALS: '100000',
    ...env,
  });
  const [bc] = config.mirrors;
  const often = { ...config, mirrors: [{ ...bc, everyMs: 20 }] as const };
  const watcher = startAlerts({ db: database.db, log: silent, config: often, probe: null, ...replaced });
  watchers.push(watcher);
  return watcher;
}

const fail = () =>
  addRun(database.db, 'full', 'failed', { errorCode: 'odoo_timeout', errorMessage: 'Slow.' });
const types = () => receiver.notices().map(({ type }) => type);
const received = async (type: string) => {
  await waitFor(() => types().includes(type), type);
};

/** A logger that records its lines. */
function recorder() {
  const lines: { level: string; details: Record<string, unknown>; text: string }[] = [];
  const log = createLogger('silent', 'test');
  for (const level of ['info', 'warn', 'error'] as const) {
    log[level] = (details: object | string, text = '') => {
      lines.push(
        typeof details === 'string'
          ? { level, details: {}, text: details }
          : { level, details: { ...details }, text },
      );
    };
  }
  return { log, lines, texts: () => lines.map(({ text }) => text) };
}

test('several watchers report a fault once, and its end once', async () => {
  for (let i = 0; i < 3; i++) watch();
  await fail();
  await received('incident.opened');
  await addRun(database.db, 'full', 'success');
  await received('incident.resolved');
  for (const watcher of watchers) await watcher.stop();
  expect(types()).toEqual(['incident.opened', 'incident.resolved']);
  expect(await incidentsOf(database.db)).toHaveLength(1);
});

test('one that stops before it could report leaves it to the next', async () => {
  await receiver.stop();
  const first = watch();
  await fail();
  await waitFor(async () => (await deliveriesOf(database.db))[0]?.lastError != null, 'a try in vain');
  await first.stop();
  await receiver.start();
  await database.client`update alert_delivery set next_attempt_at = now()`;
  watch();
  await received('incident.opened');
});

test('without a channel incidents are kept all the same, for people who look', async () => {
  watch({ ALERT_WEBHOOK_URL: '', ALERT_WEBHOOK_SECRET: '' });
  await fail();
  await waitFor(async () => (await incidentsOf(database.db)).length === 1, 'the incident');
  expect(await deliveriesOf(database.db)).toEqual([]);
});

test('without an Odoo a process does not judge the mirror', async () => {
  await fail();
  const { log, lines } = recorder();
  const watcher = watch({ ODOO_URL: '' }, { log });
  await watcher.stop();
  expect(await incidentsOf(database.db)).toEqual([]);
  expect(lines).toEqual([]);
});

test('the log has incidents and notices, each once', async () => {
  const { log, lines, texts } = recorder();
  watch({}, { log });
  await fail();
  await waitFor(() => texts().includes('alert delivered'), 'the delivery in the log');
  await addRun(database.db, 'full', 'success');
  await waitFor(() => texts().length === 4, 'the end in the log');
  expect(texts()).toEqual(['incident opened', 'alert delivered', 'incident over', 'alert delivered']);
  expect(lines[0]).toMatchObject({
    level: 'warn',
    details: { mirror: 'bc', kind: 'run_failed', code: 'odoo_timeout' },
  });
});

test('while PostgreSQL is away it says so once; when it is back it goes on', async () => {
  const { log, texts } = recorder();
  let looks = 0;
  const circuit = async () => {
    looks++;
    return { code: 'tryton_bad_credentials', reason: 'refused' };
  };
  await database.client`alter table alert_incident rename to hidden`;
  watch({ ODOO_URL: '' }, { log, probe: { subject: 'admin@http://tryton.invalid/db/', circuit } });
  await waitFor(() => looks > 5, 'several looks');
  expect(texts()).toEqual(['alerts cannot be watched for now']);
  await database.client`alter table hidden rename to alert_incident`;
  await received('incident.opened');
  expect(texts()).toContain('alerts are watched again');
});

test('a channel that hangs does not hold up the other', async () => {
  const mailbox = await startMailbox();
  receiver.answer = 'hang';
  const watcher = watch({
    SMTP_URL: `smtp://127.0.0.1:${mailbox.port}?ignoreTLS=true`,
    ALERT_EMAIL_TO: 'ops@example.com',
  });
  await fail();
  await waitFor(() => receiver.arrivals.length === 1 && mailbox.mails.length === 1, 'the first notice');
  await addRun(database.db, 'full', 'success');
  await waitFor(() => mailbox.mails.length === 2, 'the all-clear by e-mail');
  // The webhook's first try is not over.
  expect((await deliveriesOf(database.db))[0]).toMatchObject({ channel: 'webhook', lastError: null });
  await watcher.stop();
  await mailbox.stop();
});

test('it stops in bounded time while a receiver hangs, and while PostgreSQL cannot be reached', async () => {
  receiver.answer = 'hang';
  const hanging = watch();
  await fail();
  await waitFor(() => receiver.arrivals.length === 1, 'the notice to be on its way');
  await hanging.stop();
  expect((await deliveriesOf(database.db))[0]).toMatchObject({ deliveredAt: null, attempts: 1 });
  const { db, close } = openDatabase('postgres://user@127.0.0.1:1/none');
  await watch({}, { db }).stop();
  await close();
});
