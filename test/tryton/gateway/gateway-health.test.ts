import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openDatabase } from '../../../src/db/client.ts';
import { findTrytonHealth, recordTrytonHealth } from '../../../src/db/upstream-health.ts';
import { createLogger } from '../../../src/shared/logger.ts';
import {
  TrytonConcurrencyError,
  TrytonMethodNotAllowedError,
  TrytonRequestError,
  TrytonUnreachableError,
  TrytonUserError,
  TrytonUserWarning,
} from '../../../src/tryton/errors.ts';
import { TrytonHealthRecorder } from '../../../src/upstream-health/tryton.ts';
import { freshDatabase } from '../../support/database.ts';
import { waitFor } from '../../support/wait-for.ts';

const log = createLogger('silent', 'test');
const TARGET = 'portal@http://tryton/db/';
const READ = 'model.party.party.read';
const site = { server: 'http://tryton/db/', method: READ };
const unreachable = new TrytonUnreachableError(site, 'ECONNREFUSED');

let database: Awaited<ReturnType<typeof freshDatabase>>;
beforeAll(async () => {
  database = await freshDatabase();
  // Counts the writes of all processes.
  await database.db.execute(sql`create table writes (at timestamptz)`);
  await database.db.execute(
    sql`create function note() returns trigger language plpgsql as $$ begin insert into writes values (now()); return new; end $$`,
  );
  await database.db.execute(
    sql`create trigger note after insert or update on tryton_health for each row execute function note()`,
  );
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.db.execute(sql`truncate tryton_health, writes`);
});

const stored = () => findTrytonHealth(database.db, TARGET);
const writes = async () => (await database.db.execute(sql`select 1 from writes`)).length;

test('the first success is written at once, a thousand more are one more write', async () => {
  const health = new TrytonHealthRecorder(database.db, TARGET, log);
  health.observe({ method: READ, error: null });
  await waitFor(async () => (await stored()).success !== null, 'the first success');
  for (let i = 0; i < 1000; i++) health.observe({ method: `${READ}${i}`, error: null });
  expect((await health.read()).success?.method).toBe(`${READ}999`);
  expect((await stored()).success?.method).toBe(READ);
  await health.close();
  expect((await stored()).success?.method).toBe(`${READ}999`);
  expect(await writes()).toBe(2);
});

test('a thousand errors are one write, which says what the last one was', async () => {
  const health = new TrytonHealthRecorder(database.db, TARGET, log);
  health.observe({ method: READ, error: null });
  await waitFor(async () => (await stored()).success !== null, 'the first success');
  for (let i = 0; i < 1000; i++) health.observe({ method: READ, error: unreachable });
  const { error } = await waitFor(async () => {
    const found = await stored();
    return found.error !== null && found;
  }, 'the error');
  expect(error).toMatchObject({ method: READ, code: 'tryton_unreachable', message: unreachable.message });
  expect(await writes()).toBe(2);
  await health.close();
});

test('a fault of the caller, or of no side, is neither an error of Tryton nor a success', async () => {
  const health = new TrytonHealthRecorder(database.db, TARGET, log);
  for (const error of [
    new TrytonUserError(site, 'no', ''),
    new TrytonUserWarning(site, 'w', 'sure?', ''),
    new TrytonConcurrencyError(site, ''),
    new TrytonMethodNotAllowedError(site),
    new TrytonRequestError('bad'),
    new DOMException('gone', 'AbortError'),
  ]) {
    health.observe({ method: READ, error });
  }
  health.observe({ method: 'common.server.version', error: null });
  expect(await health.read()).toEqual({ success: null, error: null });
  await health.close();
  expect(await writes()).toBe(0);
});

test('an older moment never replaces a newer one', async () => {
  const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute));
  const error = { method: READ, code: 'tryton_timeout', message: 'slow' };
  const put = (success: number | null, failure: number | null) =>
    recordTrytonHealth(database.db, TARGET, {
      success: success === null ? null : { at: at(success), method: `m${success}` },
      error: failure === null ? null : { ...error, at: at(failure), method: `m${failure}` },
    });
  await put(5, null);
  await put(4, 3);
  await put(null, 2);
  expect(await stored()).toMatchObject({
    success: { at: at(5), method: 'm5' },
    error: { at: at(3), method: 'm3' },
  });
  await put(6, 7);
  expect(await stored()).toMatchObject({ success: { method: 'm6' }, error: { method: 'm7' } });
});

test('two processes share one row, and each knows the newest of both', async () => {
  const first = new TrytonHealthRecorder(database.db, TARGET, log);
  const second = new TrytonHealthRecorder(database.db, TARGET, log);
  first.observe({ method: 'first', error: null });
  await first.close();
  second.observe({ method: 'second', error: unreachable });
  await second.close();
  expect(await first.read()).toMatchObject({ success: { method: 'first' }, error: { method: 'second' } });
});

test('PostgreSQL down disturbs no call, is logged once, and nothing seen is lost', async () => {
  const warnings: string[] = [];
  const recording = {
    debug: () => {},
    info: () => {},
    warn: (_: object, text: string) => warnings.push(text),
  };
  const { db, close } = openDatabase('postgres://user@127.0.0.1:1/none');
  const health = new TrytonHealthRecorder(db, TARGET, recording);
  health.observe({ method: READ, error: unreachable });
  await waitFor(() => warnings.length > 0, 'the warning');
  health.observe({ method: READ, error: null });
  await health.close();
  expect(warnings).toEqual(['tryton_health cannot be written for now']);
  await expect(health.read()).rejects.toThrow();
  await close();
});

test('what could not be written is written when PostgreSQL is back', async () => {
  await database.db.execute(sql`alter table tryton_health rename to hidden`);
  const health = new TrytonHealthRecorder(database.db, TARGET, log);
  health.observe({ method: READ, error: unreachable });
  await health.close();
  await database.db.execute(sql`alter table hidden rename to tryton_health`);
  await health.close();
  expect((await stored()).error?.code).toBe('tryton_unreachable');
});
