import { afterEach, beforeEach, expect, test } from 'vitest';
import { openEmail } from '../../../src/alerts/channels/email.ts';
import { noticeOf } from '../../../src/alerts/notice.ts';
import type { IncidentRow } from '../../../src/db/schema/alerts.ts';
import type { Mailbox } from './receivers.ts';
import { startMailbox } from './receivers.ts';

const INCIDENT: IncidentRow = {
  id: 17,
  kind: 'run_failed',
  subject: 'bclinbc',
  code: 'odoo_timeout',
  message: 'Run 42 (incremental) failed. Odoo did not answer.',
  runId: 42,
  openedAt: new Date('2026-11-21T08:00:00Z'),
  resolvedAt: new Date('2026-11-21T08:05:00Z'),
};
const OPENED = noticeOf(INCIDENT, 'opened');
const RESOLVED = noticeOf(INCIDENT, 'resolved');
const ADDRESSES = { to: ['ops@example.com', 'night@example.com'], from: 'passerelle@example.org' };
const PASSWORD = 'hush/hush "7f3a91"';

const mailboxes: Mailbox[] = [];
let mailbox: Mailbox;
const open = async (options?: { password: string }) => {
  const opened = await startMailbox(options);
  mailboxes.push(opened);
  return opened;
};
beforeEach(async () => {
  mailbox = await open();
});
afterEach(async () => {
  for (const one of mailboxes.splice(0)) await one.stop();
});

const stop = new AbortController().signal;
const plain = '?ignoreTLS=true';
const channel = (query = plain, port = mailbox.port, user = '') =>
  openEmail({ smtpUrl: `smtp://${user}127.0.0.1:${port}${query}`, ...ADDRESSES });

const header = (name: string, text = '') => new RegExp(`^${name}: (.*)$`, 'im').exec(text)?.[1]?.trim();

test('an incident is a plain text with a clear subject, and its end answers it', async () => {
  await channel().send(OPENED, stop);
  await channel().send(RESOLVED, stop);
  const [first, second] = mailbox.mails;
  expect(first).toMatchObject({ to: ADDRESSES.to, from: ADDRESSES.from });
  expect(header('subject', first?.text)).toBe('[Passerelle] mirror bclinbc: run 42 failed');
  expect(header('content-type', first?.text)).toMatch(/^text\/plain/);
  expect(header('auto-submitted', first?.text)).toBe('auto-generated');
  expect(header('message-id', first?.text)).toBe('<incident_17_opened_1795248000000@example.org>');
  for (const part of [INCIDENT.message, 'Code      odoo_timeout', 'Since     2026-11-21 08:00:00 UTC']) {
    expect(first?.text).toContain(part);
  }
  expect(first?.text).not.toContain('Until');
  expect(header('subject', second?.text)).toBe('[Passerelle] mirror bclinbc: all clear (run 42 failed)');
  expect(header('in-reply-to', second?.text)).toBe(header('message-id', first?.text));
  expect(second?.text).toContain('Until     2026-11-21 08:05:00 UTC');
});

test.each([
  ['run_partial', 'bclinbc', 'mirror bclinbc: run 42 is partial'],
  ['sweep_breaker', 'bclinbc', 'mirror bclinbc: run 42 kept what Odoo no longer shows'],
  ['mirror_stale', 'bclinbc', 'mirror bclinbc: no run succeeds'],
  ['clock_difference', 'bclinbc', 'mirror bclinbc: the clock of Odoo differs'],
  ['tryton_circuit', 'admin@http://t/db/', 'Tryton admin@http://t/db/: logins are suspended'],
] as const)('the subject of %s names its topic', async (kind, subject, title) => {
  await channel().send(noticeOf({ ...INCIDENT, kind, subject }, 'opened'), stop);
  expect(header('subject', mailbox.mails[0]?.text)).toBe(`[Passerelle] ${title}`);
});

test('the connection is upgraded where the server offers it, and its certificate is checked', async () => {
  await expect(channel('').send(OPENED, stop)).rejects.toMatchObject({
    code: 'alert_unreachable',
    message: expect.stringMatching(/cannot be reached: .*certificate/),
  });
  await channel('?tls.rejectUnauthorized=false').send(OPENED, stop);
  expect(mailbox.mails).toMatchObject([{ secure: true }]);
});

test('it signs in with the user and password of the URL', async () => {
  const guarded = await open({ password: PASSWORD });
  await channel(plain, guarded.port, `mailer:${encodeURIComponent(PASSWORD)}@`).send(OPENED, stop);
  expect(guarded.logins).toEqual([`mailer:${PASSWORD}`]);
  expect(guarded.mails).toHaveLength(1);
});

test('a server that says no is quoted, without the password that it quotes', async () => {
  const guarded = await open({ password: 'another' });
  const attempt = channel(plain, guarded.port, `mailer:${encodeURIComponent(PASSWORD)}@`).send(OPENED, stop);
  const error = await attempt.catch((reason: unknown) => reason);
  expect(error).toMatchObject({
    code: 'alert_refused',
    message: expect.stringContaining('no such user with ***'),
  });
  expect(String(error)).not.toContain('hush');
  mailbox.refusal = 'quota exceeded';
  await expect(channel().send(OPENED, stop)).rejects.toMatchObject({
    code: 'alert_refused',
    message: expect.stringMatching(
      /quota exceeded.*\. Check SMTP_URL, ALERT_EMAIL_TO and ALERT_EMAIL_FROM\.$/,
    ),
  });
});

test('a missing server is an error of its own', async () => {
  await expect(channel(plain, 1).send(OPENED, stop)).rejects.toMatchObject({
    code: 'alert_unreachable',
    message: expect.stringMatching(/^127\.0\.0\.1:1 cannot be reached: .*ECONNREFUSED.*\. Check SMTP_URL/),
  });
});
