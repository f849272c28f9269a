import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startAlerts } from '../../../src/alerts/watcher.ts';
import { readConfig } from '../../../src/config/index.ts';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';
import { waitFor } from '../../support/wait-for.ts';
import type { WorkerProcess } from '../../support/worker-process.ts';
import { startWorkerProcess } from '../../support/worker-process.ts';
import type { Mailbox, Receiver } from './receivers.ts';
import { startMailbox, startReceiver } from './receivers.ts';

const BC = 'dimagaz.bc';
const SECRET = 'webhook-secret-5f1c';
const HOOK_PASSWORD = 'hook-password-77aa';
const MAIL_PASSWORD = 'mail-password-c3d4';

describe('alerts reach people', () => {
  let setup: TestSetup;
  let receiver: Receiver;
  let mailbox: Mailbox;
  let children: WorkerProcess[] = [];
  const watchers: { stop(): Promise<void> }[] = [];
  beforeEach(async () => {
    receiver = await startReceiver();
    mailbox = await startMailbox({ password: MAIL_PASSWORD });
    setup = await openTestSetup({
      sandbox: { documents: 120 },
      env: {
        ALERT_WEBHOOK_URL: receiver.url.replace('http://', `http://hook:${HOOK_PASSWORD}@`),
        ALERT_WEBHOOK_SECRET: SECRET,
        SMTP_URL: `smtp://mailer:${MAIL_PASSWORD}@127.0.0.1:${mailbox.port}?ignoreTLS=true`,
        ALERT_EMAIL_TO: 'ops@example.com',
      },
    });
  });
  afterEach(async () => {
    for (const { child } of children) child.kill('SIGKILL');
    children = [];
    for (const watcher of watchers.splice(0)) await watcher.stop();
    await setup.close();
    await receiver.stop();
    await mailbox.stop();
  });

  /** Two processes' watchers, quick enough to wait for. Runs still start only when they are asked for. */
  const watch = () => {
    const config = readConfig(setup.env);
    const { db, log } = setup.mirror;
    const [bc] = config.mirrors;
    const mirrors = [{ ...bc, everyMs: 50 }] as const;
    const alerts = { ...config.alerts, staleIntervals: 1_000_000 };
    for (let i = 0; i < 2; i++) {
      watchers.push(startAlerts({ db, log, config: { ...config, mirrors, alerts }, probe: null }));
    }
  };
  const notices = () => receiver.notices().map(({ type, kind }) => `${String(type).split('.')[1]} ${kind}`);
  const received = (...expected: string[]) =>
    waitFor(
      () => expected.every((one) => notices().includes(one)) && mailbox.mails.length >= expected.length,
      expected.join(),
    );

  it('once when runs fail, and once when one goes well again', async () => {
    await setup.work();
    watch();
    setup.odoo.faults.when({ method: 'search' }, 'error500');
    const first = await setup.run('full');
    expect(first.status).toBe('failed');
    await received('opened run_failed');
    expect(receiver.notices()).toMatchObject([
      { subject: 'bclinbc', runId: first.id, code: first.errorCode },
    ]);
    await setup.run('full');
    setup.odoo.faults.clear();
    expect((await setup.run('full')).status).toBe('success');
    await received('opened run_failed', 'resolved run_failed');
    expect(notices()).toEqual(['opened run_failed', 'resolved run_failed']);
    const subjects = mailbox.mails.map(({ text }) => /^Subject: (.*)$/m.exec(text)?.[1]);
    expect(subjects).toEqual([
      `[Passerelle] mirror bclinbc: run ${first.id} failed`,
      `[Passerelle] mirror bclinbc: all clear (run ${first.id} failed)`,
    ]);
  });

  it('of a BC that cannot be stored until it is, and of a sweep that would archive too much', async () => {
    await setup.work();
    watch();
    const [bad = 0, ...rest] = setup.odoo.ids(BC);
    setup.odoo.faults.denyRecord(BC, bad);
    await setup.run('full');
    await received('opened run_partial');
    // A success, as the BC waits for its next try.
    expect((await setup.run('incremental')).status).toBe('success');
    setup.odoo.faults.hideRecords(BC, rest.slice(0, 60));
    expect(await setup.run('sweep')).toMatchObject({ errorCode: 'sweep_breaker' });
    await received('opened run_partial', 'opened sweep_breaker');
    setup.odoo.faults.clear();
    await setup.run('single', [bad]);
    await received('resolved run_partial');
    expect((await setup.run('sweep')).status).toBe('success');
    await received('resolved sweep_breaker');
    expect(notices()).toEqual([
      'opened run_partial',
      'opened sweep_breaker',
      'resolved run_partial',
      'resolved sweep_breaker',
    ]);
  });

  it('by worker processes, and by others when all of those are gone; nothing secret shows', async () => {
    const env = { ...setup.env, SYNC_EVERY: '1s', ALERT_STALE_INTERVALS: '600', SYNC_LEASE: '3s' };
    const worker = () => {
      const started = startWorkerProcess({ ...env, LOG_LEVEL: 'trace' });
      children.push(started);
      return started;
    };
    setup.odoo.faults.denyRecord(BC, setup.odoo.ids(BC)[0] ?? 0);
    const first = worker();
    await received('opened run_partial');
    await waitFor(() => first.output().split('alert delivered').length > 2, 'both channels in its log');
    first.child.kill('SIGKILL');
    await first.exit;

    // An hour later.
    const { client } = setup.database;
    await client`update sync_log set finished_at = finished_at - interval '1 hour', planned_at = planned_at - interval '1 hour'`;
    await client`update sync_run_item set closed_at = closed_at - interval '1 hour'`;
    receiver.answer = 500;
    const { db, log } = setup.mirror;
    watchers.push(startAlerts({ db, log, config: readConfig(env), probe: null }));
    await waitFor(() => mailbox.mails.some(({ text }) => text.includes('no run succeeds')), 'the e-mail');
    await waitFor(async () => {
      const [row] = await client`select last_error from alert_delivery where last_error is not null`;
      return row !== undefined;
    }, 'a webhook that refuses');
    receiver.answer = 200;
    await client`update alert_delivery set next_attempt_at = now() where delivered_at is null`;
    const second = worker();
    await received('opened mirror_stale', 'resolved mirror_stale');
    await waitFor(() => second.output().includes('worker started'), 'the second worker');
    second.child.kill('SIGTERM');
    expect(await second.exit).toBe(0);

    const rows = await setup.database
      .client`select t::text as row from alert_incident t union all select t::text from alert_delivery t`;
    const shown = [first.output(), second.output(), ...rows.map(({ row }) => String(row))].join('\n');
    expect(shown).toContain('alert delivered');
    for (const secret of [SECRET, HOOK_PASSWORD, MAIL_PASSWORD]) {
      for (const form of [secret, Buffer.from(secret).toString('base64').replace(/=+$/, '')]) {
        expect(shown.includes(form), form).toBe(false);
      }
    }
  });
});
