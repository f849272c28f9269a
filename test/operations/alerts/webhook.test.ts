import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openWebhook } from '../../../src/alerts/channels/webhook.ts';
import type { Notice } from '../../../src/alerts/notice.ts';
import { noticeOf } from '../../../src/alerts/notice.ts';
import type { IncidentRow } from '../../../src/db/schema/alerts.ts';
import { heldBytes } from '../../support/heap.ts';
import { waitFor } from '../../support/wait-for.ts';
import type { Receiver } from './receivers.ts';
import { isSigned, startReceiver } from './receivers.ts';

const SECRET = 'a secret of many letters: ü';
const INCIDENT: IncidentRow = {
  id: 17,
  kind: 'run_failed',
  subject: 'bclinbc',
  code: 'odoo_timeout',
  message: 'Run 42 (incremental) failed. Délai dépassé.',
  runId: 42,
  openedAt: new Date('2026-11-21T08:00:00.123Z'),
  resolvedAt: new Date('2026-11-21T08:05:00Z'),
};
const OPENED = noticeOf(INCIDENT, 'opened');

let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver.stop());
beforeEach(() => {
  receiver.arrivals.length = 0;
  receiver.answer = 200;
});

const never = new AbortController().signal;
const send = (notice: Notice = OPENED, url = receiver.url, secret = SECRET, signal = never) =>
  openWebhook({ url, secret }).send(notice, signal);

test('a notice is JSON that says everything about the incident, the beginning without its end', async () => {
  await send();
  await send(noticeOf(INCIDENT, 'resolved'));
  const about = { id: 17, kind: 'run_failed', subject: 'bclinbc', code: 'odoo_timeout', runId: 42 };
  const { message } = INCIDENT;
  const openedAt = '2026-11-21T08:00:00.123Z';
  expect(receiver.notices()).toEqual([
    { type: 'incident.opened', ...about, message, openedAt, resolvedAt: null },
    { type: 'incident.resolved', ...about, message, openedAt, resolvedAt: '2026-11-21T08:05:00.000Z' },
  ]);
  expect(receiver.arrivals[0]?.headers).toMatchObject({
    'content-type': 'application/json',
    'webhook-id': 'incident_17_opened_1795248000123',
  });
  expect(receiver.arrivals[1]?.headers['webhook-id']).toBe('incident_17_resolved_1795248000123');
});

test('its signature holds for this id, time, body and secret only', async () => {
  await send();
  const [arrival] = receiver.arrivals;
  if (arrival === undefined) throw new Error('nothing arrived');
  expect(isSigned(arrival, SECRET)).toBe(true);
  expect(isSigned(arrival, 'another secret of many letters')).toBe(false);
  expect(isSigned({ ...arrival, body: arrival.body.replace('42', '43') }, SECRET)).toBe(false);
  for (const name of ['webhook-id', 'webhook-timestamp']) {
    const headers = { ...arrival.headers, [name]: '1' };
    expect(isSigned({ ...arrival, headers }, SECRET)).toBe(false);
  }
  const sentAt = Number(arrival.headers['webhook-timestamp']);
  expect(Math.abs(sentAt - Date.now() / 1000)).toBeLessThan(60);
});

test('a secret after whsec_ is base64, as Standard Webhooks writes it', async () => {
  const key = Buffer.from('0123456789abcdef01234567');
  await send(OPENED, receiver.url, `whsec_${key.toString('base64')}`);
  const [arrival] = receiver.arrivals;
  expect(arrival !== undefined && isSigned(arrival, key)).toBe(true);
});

test('a repeat is the same but for its time: its receiver can recognise it', async () => {
  await send();
  await send();
  const [one, other] = receiver.arrivals;
  expect(other?.body).toBe(one?.body);
  expect(other?.headers['webhook-id']).toBe(one?.headers['webhook-id']);
});

test.each([200, 201, 204])('HTTP %i is an arrival', async (status) => {
  receiver.answer = status;
  await send();
  expect(receiver.notices()).toHaveLength(1);
});

test.each([302, 307, 400, 401, 404, 410, 429, 500, 503])(
  'HTTP %i is a failure, and no redirect is followed',
  async (status) => {
    receiver.answer = status;
    await expect(send()).rejects.toMatchObject({
      code: 'alert_refused',
      message: `${new URL(receiver.url).host} did not take the notice: it answered HTTP ${status}. Check ALERT_WEBHOOK_URL.`,
    });
    expect(receiver.arrivals).toHaveLength(1);
  },
);

test('user and password of the URL go into Authorization, and nothing of the URL but its host is shown', async () => {
  const url = new URL(receiver.url);
  url.username = 'pass:er';
  url.password = 'hush%hush';
  url.pathname = '/services/T0-secret-path';
  url.search = '?token=secret-token';
  receiver.answer = 500;
  const channel = openWebhook({ url: url.href, secret: SECRET });
  const error = await channel.send(OPENED, never).catch((reason: unknown) => reason);
  const [arrival] = receiver.arrivals;
  expect(arrival?.url).toBe('/services/T0-secret-path?token=secret-token');
  expect(Buffer.from(arrival?.headers.authorization?.slice(6) ?? '', 'base64').toString()).toBe(
    'pass:er:hush%hush',
  );
  expect(`${error} ${channel.target}`).not.toMatch(/hush|secret|token|pass:er/);
});

test('a missing server and a missing answer are errors of their own', async () => {
  await expect(send(OPENED, 'http://127.0.0.1:1/x')).rejects.toMatchObject({
    code: 'alert_unreachable',
    message: expect.stringMatching(
      /^127\.0\.0\.1:1 cannot be reached: .*ECONNREFUSED.*\. Check ALERT_WEBHOOK_URL/,
    ),
  });
  receiver.answer = 'hang';
  const stop = new AbortController();
  const stopped = send(OPENED, receiver.url, SECRET, stop.signal);
  stop.abort();
  await expect(stopped).rejects.toMatchObject({ code: 'alert_unreachable' });
});

test('a try ends at its limit, also where garbage is collected meanwhile', async () => {
  receiver.answer = 'hang';
  let error: unknown;
  openWebhook({ url: receiver.url, secret: SECRET }, 300)
    .send(OPENED, never)
    .catch((reason: unknown) => {
      error = reason;
    });
  await waitFor(() => {
    // Collects garbage.
    heldBytes();
    return error !== undefined;
  }, 'the limit');
  expect(error).toMatchObject({
    code: 'alert_timeout',
    message: expect.stringMatching(/did not answer within 300 ms\. Check ALERT_WEBHOOK_URL/),
  });
});
