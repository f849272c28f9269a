import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { circuitFindings } from '../../../src/alerts/checks.ts';
import { evaluateIncidents } from '../../../src/alerts/watcher.ts';
import { recordTrytonHealth } from '../../../src/db/upstream-health.ts';
import { freshDatabase } from '../../support/database.ts';
import { incidentsOf, truncateAll } from './rows.ts';

const SUBJECT = 'admin@http://tryton.invalid/db/';
const REFUSED = { code: 'tryton_bad_credentials', reason: 'login and password were refused.' };

let database: Awaited<ReturnType<typeof freshDatabase>>;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());
beforeEach(() => truncateAll(database.db));

async function news(circuit: typeof REFUSED | null, subject = SUBJECT) {
  const { opened, resolved } = await evaluateIncidents(database.db, 'tryton', [], (tx) =>
    circuitFindings(tx, subject, circuit),
  );
  return [opened, resolved].map((rows) => rows.map((row) => row.subject));
}
const NOTHING = [[], []];

/** Something was seen of Tryton, so many milliseconds from now. */
const seen = (what: 'success' | 'error', inMs: number) => {
  const sighting = {
    at: new Date(Date.now() + inMs),
    method: 'model.party.party.read',
    code: 'c',
    message: 'm',
  };
  const nothing = { success: null, error: null };
  return recordTrytonHealth(database.db, SUBJECT, { ...nothing, [what]: sighting });
};

test('suspended logins are one incident until a call went through since, and nothing after it went wrong', async () => {
  await seen('success', -60_000);
  expect(await news(null)).toEqual(NOTHING);
  expect(await news(REFUSED)).toEqual([[SUBJECT], []]);
  expect(await news(REFUSED)).toEqual(NOTHING);
  expect(await incidentsOf(database.db)).toMatchObject([
    {
      kind: 'tryton_circuit',
      code: 'tryton_bad_credentials',
      message:
        'Logins to Tryton are suspended, because the last one failed: login and password were refused.',
    },
  ]);
  // The pause is over, the password as wrong as before.
  expect(await news(null)).toEqual(NOTHING);
  await seen('success', 1000);
  await seen('error', 2000);
  expect(await news(null)).toEqual(NOTHING);
  await seen('success', 3000);
  expect(await news(REFUSED)).toEqual(NOTHING);
  expect(await news(null)).toEqual([[], [SUBJECT]]);
  expect(await news(null)).toEqual(NOTHING);
});

test('an incident about a user that is no longer configured ends after an hour without calls of this user', async () => {
  const other = 'new@http://tryton.invalid/db/';
  await news(REFUSED);
  expect(await news(null, other)).toEqual(NOTHING);
  await database.client`update alert_incident set opened_at = opened_at - interval '2 hours'`;
  await seen('error', -60_000);
  expect(await news(null, other)).toEqual(NOTHING);
  await database.client`update tryton_health set last_error_at = last_error_at - interval '2 hours'`;
  // Its own process still waits for a call.
  expect(await news(null)).toEqual(NOTHING);
  expect(await news(null, other)).toEqual([[], [SUBJECT]]);
});
