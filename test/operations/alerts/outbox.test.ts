import { sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { openChannels } from '../../../src/alerts/channels/index.ts';
import { deliverDue } from '../../../src/alerts/delivery.ts';
import { noticeOf } from '../../../src/alerts/notice.ts';
import { claimDelivery } from '../../../src/db/alerts.ts';
import { createLogger } from '../../../src/shared/logger.ts';
import { freshDatabase } from '../../support/database.ts';
import { waitFor } from '../../support/wait-for.ts';
import type { Mailbox, Receiver } from './receivers.ts';
import { startMailbox, startReceiver } from './receivers.ts';
import { addRun, deliveriesOf, lookAtMirror, truncateAll } from './rows.ts';

const SECRET = 'sixteen letters and more';
const log = createLogger('silent', 'test');
const never = new AbortController().signal;

let database: Awaited<ReturnType<typeof freshDatabase>>;
let receiver: Receiver;
let mailbox: Mailbox;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await truncateAll(database.db);
  receiver = await startReceiver();
  mailbox = await startMailbox();
});
afterEach(async () => {
  await receiver.stop();
  await mailbox.stop();
});

const BOTH = ['webhook', 'email'] as const;
const channels = () =>
  openChannels({
    webhook: { url: receiver.url, secret: SECRET },
    email: {
      smtpUrl: `smtp://127.0.0.1:${mailbox.port}?ignoreTLS=true`,
      to: ['o@example.com'],
      from: 'p@example.com',
    },
    staleIntervals: 10,
  });
const deliver = (signal = never) =>
  Promise.all(channels().map((channel) => deliverDue({ db: database.db, channel, log }, signal)));
const fail = () =>
  addRun(database.db, 'full', 'failed', { errorCode: 'odoo_timeout', errorMessage: 'Slow.' });
const succeed = () => addRun(database.db, 'full', 'success');
/** As if the pauses were over. */
const later = () => database.db.execute(sql`update alert_delivery set next_attempt_at = now()`);
const types = () => receiver.notices().map(({ type }) => type);

test('beginning and end are sent once on each channel, however frequent the checks', async () => {
  await fail();
  for (let i = 0; i < 3; i++) {
    await lookAtMirror(database.db, BOTH);
    await deliver();
  }
  expect(types()).toEqual(['incident.opened']);
  expect(mailbox.mails).toHaveLength(1);
  await succeed();
  for (let i = 0; i < 3; i++) {
    await lookAtMirror(database.db, BOTH);
    await deliver();
  }
  expect(types()).toEqual(['incident.opened', 'incident.resolved']);
  expect(mailbox.mails).toHaveLength(2);
  const rows = await deliveriesOf(database.db);
  expect(rows.map(({ event, channel, attempts }) => `${event} ${channel} ${attempts}`)).toEqual([
    'opened webhook 1',
    'opened email 1',
    'resolved webhook 1',
    'resolved email 1',
  ]);
});

test('several processes take different notices, and each is sent once', async () => {
  await fail();
  await addRun(database.db, 'sweep', 'failed');
  await lookAtMirror(database.db, ['webhook']);
  // Held for the length of a transaction each, so that they surely meet.
  const takers = Array.from({ length: 3 }, () =>
    database.db.transaction(async (tx) => {
      const taken = await claimDelivery(tx, 'webhook', 60_000);
      await tx.execute(sql`select pg_sleep(0.1)`);
      return taken?.delivery.id ?? null;
    }),
  );
  expect((await Promise.all(takers)).sort()).toEqual([1, 2, null]);
  await truncateAll(database.db);
  await fail();
  await lookAtMirror(database.db, BOTH);
  await Promise.all(Array.from({ length: 6 }, () => deliver()));
  expect(receiver.arrivals).toHaveLength(1);
  expect(mailbox.mails).toHaveLength(1);
});

test('a receiver that is down gets it later, and does not delay the other', async () => {
  await receiver.stop();
  await fail();
  await lookAtMirror(database.db, BOTH);
  await deliver();
  await deliver();
  expect(mailbox.mails).toHaveLength(1);
  const [pending] = await deliveriesOf(database.db);
  expect(pending).toMatchObject({
    attempts: 1,
    deliveredAt: null,
    lastError: expect.stringContaining('ECONNREFUSED'),
  });
  await receiver.start();
  receiver.answer = 503;
  await later();
  await deliver();
  receiver.answer = 200;
  await later();
  await deliver();
  expect(types()).toEqual(['incident.opened']);
  expect((await deliveriesOf(database.db))[0]).toMatchObject({
    attempts: 3,
    deliveredAt: expect.any(Date),
    lastError: null,
  });
});

test('pauses grow from seconds to a quarter of an hour', async () => {
  receiver.answer = 500;
  await fail();
  await lookAtMirror(database.db, ['webhook']);
  const pauses: number[] = [];
  for (const attempts of [0, 1, 2, 5, 10, 50]) {
    await database.db.execute(sql`update alert_delivery set attempts = ${attempts}, next_attempt_at = now()`);
    await deliver();
    const [row] = await database.client`
      select extract(epoch from next_attempt_at - clock_timestamp())::int as pause from alert_delivery`;
    pauses.push(row?.['pause']);
  }
  const most = [10, 20, 40, 320, 900, 900];
  // Each is drawn from the upper half; what the query took is lost.
  for (const [at, pause] of pauses.entries()) {
    expect(pause).toBeLessThanOrEqual(most[at] ?? 0);
    expect(pause).toBeGreaterThan((most[at] ?? 0) / 2 - 5);
  }
});

test('it is given up in the end, and the all-clear goes out only then', async () => {
  receiver.answer = 500;
  await fail();
  await lookAtMirror(database.db, ['webhook']);
  await deliver();
  await succeed();
  await lookAtMirror(database.db, ['webhook']);
  receiver.answer = 200;
  await deliver();
  expect(receiver.arrivals).toHaveLength(1);
  receiver.answer = 500;
  await database.db.execute(
    sql`update alert_delivery set attempts = 129, next_attempt_at = now() where event = 'opened'`,
  );
  await deliver();
  expect((await deliveriesOf(database.db))[0]).toMatchObject({ attempts: 130, givenUpAt: expect.any(Date) });
  receiver.answer = 200;
  await later();
  await deliver();
  expect(types()).toEqual(['incident.resolved']);
});

test('an incident that was over before anything could be sent is reported with its beginning and its end', async () => {
  await fail();
  await lookAtMirror(database.db, BOTH);
  await succeed();
  await lookAtMirror(database.db, BOTH);
  await deliver();
  expect(receiver.notices()).toMatchObject([
    { type: 'incident.opened', resolvedAt: null },
    { type: 'incident.resolved', resolvedAt: expect.any(String) },
  ]);
  expect(mailbox.mails).toHaveLength(2);
});

test('what a process had in hand when it died is sent by another, a repeat under the same id', async () => {
  await fail();
  await lookAtMirror(database.db, ['webhook']);
  // It died after the receiver had it, and before that was noted.
  const claimed = await claimDelivery(database.db, 'webhook', 60_000);
  const [channel] = channels();
  if (claimed === null || channel === undefined) throw new Error('one was due');
  await channel.send(noticeOf(claimed.incident, 'opened'), never);
  await deliver();
  expect(receiver.arrivals).toHaveLength(1);
  await later();
  await deliver();
  await deliver();
  expect(receiver.arrivals).toHaveLength(2);
  expect(new Set(receiver.arrivals.map(({ headers }) => headers['webhook-id']))).toHaveProperty('size', 1);
});

test('a channel set up while something is wrong hears of it; one set up afterwards gets no lone all-clear', async () => {
  await fail();
  await lookAtMirror(database.db);
  await lookAtMirror(database.db, ['webhook']);
  await deliver();
  expect(types()).toEqual(['incident.opened']);
  await succeed();
  // A process without channels ends it.
  await lookAtMirror(database.db);
  await lookAtMirror(database.db, BOTH);
  await deliver();
  expect(types()).toEqual(['incident.opened', 'incident.resolved']);
  expect(mailbox.mails).toEqual([]);
});

test('a notice in progress when the process stops is due again at once', async () => {
  receiver.answer = 'hang';
  await fail();
  await lookAtMirror(database.db, ['webhook']);
  const stop = new AbortController();
  const sending = deliver(stop.signal);
  await waitFor(() => receiver.arrivals.length === 1, 'the notice to be on its way');
  stop.abort();
  await sending;
  receiver.answer = 200;
  await deliver();
  expect(types()).toEqual(['incident.opened']);
});
