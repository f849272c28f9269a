import { setTimeout as pause } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { heldBytes } from '../support/heap.ts';
import { abuses } from './abuse.ts';
import type { FuzzStage } from './fuzz-setup.ts';
import { ENDLESS, openFuzzStage } from './fuzz-setup.ts';
import { complaints, rawComplaints, rawStatus } from './judge.ts';
import { rawRequests, shellOf, talk } from './raw.ts';
import { trials } from './requests.ts';
import { agent, curlOf, send } from './send.ts';

/** `npm run test:fuzz` sends ten times as many; FUZZ_SEED repeats what a run sent. */
const REQUESTS = Number(process.env['FUZZ_REQUESTS'] ?? 1000);
const SEED = Number(process.env['FUZZ_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

/** Against hanging for ever: a request takes some milliseconds. */
const LIMIT_MS = 60_000 + REQUESTS * 100;

/** Permitted growth of memory after three quarters of the requests: caches and pools, in bytes. */
const GROWTH = 24 * 1024 * 1024;

/** With so many requests each operation was asked for often enough to have answered well. */
const ENOUGH = 10_000;

/** Abusive requests are sent this many at once. */
const AT_ONCE = 8;

/** Pause between two requests for /readyz. */
const PROBE_MS = 100;

/** /readyz may say this many times in a row that a server did not answer in time. */
const PATIENCE = 10;

/** With what buffers hold outside the heap. */
const held = () => heldBytes() + process.memoryUsage().external;

describe(`requests to every route of the API's own description, FUZZ_SEED=${SEED}`, () => {
  let setup: FuzzStage;
  const statuses = new Map<number, number>();
  const fine = new Set<string>();
  const count = (status: number) => statuses.set(status, (statuses.get(status) ?? 0) + 1);
  /** What /readyz came to each time it was asked, which is all the time. */
  const probes: number[] = [];
  let probing = true;
  let prober = Promise.resolve();
  const ready = () =>
    send(setup.origin, { method: 'GET', target: '/readyz', headers: {}, body: null }).then(
      ({ status }) => status,
      () => 0,
    );
  const probe = async () => {
    while (probing) {
      let status = await ready();
      // A loaded machine may be late once; what a request broke stays broken.
      for (let again = 0; status === 503 && again < PATIENCE; again += 1) status = await ready();
      probes.push(status);
      await pause(PROBE_MS);
    }
  };
  beforeAll(async () => {
    setup = await openFuzzStage();
    prober = probe();
  });
  afterAll(async () => {
    probing = false;
    await prober;
    const sorted = [...statuses].sort(([one], [other]) => one - other);
    const sent = sorted.reduce((sum, [, n]) => sum + n, 0);
    const counts = sorted.map(([status, n]) => `${n} × ${status}`).join(', ');
    process.stderr.write(
      `fuzz: ${sent} requests to ${setup?.operations.length} operations, ${probes.length} to /readyz, ` +
        `FUZZ_SEED=${SEED}: ${counts}\n`,
    );
    agent.destroy();
    await setup?.close();
  });

  const refuse = (found: readonly string[], how: string) => {
    if (found.length > 0) throw new Error(`${found.join('; ')}\n${how}`);
  };

  const documented = async (numRuns: number, seed: number) => {
    const { origin, operations, knowledge, leaks } = setup;
    const property = fc.asyncProperty(trials(operations, knowledge), async (trial) => {
      const line = curlOf(origin, trial);
      const answer = await send(origin, trial).catch((error: unknown) => refuse([String(error)], line));
      if (answer === undefined) return;
      count(answer.status);
      if (answer.status < 300) fine.add(`${trial.method} ${trial.operation.path}`);
      const seen = leaks(JSON.stringify(answer.headers) + answer.text).map((secret) => `tells ${secret}`);
      const shown = `${line}\n${answer.status} ${answer.text.slice(0, 500)}`;
      refuse([...complaints(trial, answer), ...seen], shown);
    });
    await fc.assert(property, { numRuns, seed, endOnFailure: true });
  };

  it(
    'are answered as it says, and nothing is held of them',
    async () => {
      const total = Math.ceil(REQUESTS * 0.85);
      const quarter = Math.ceil(total / 4);
      await documented(quarter, SEED);
      setup.forget();
      const before = held();
      await documented(total - quarter, SEED + 1);
      setup.forget();
      expect(held() - before).toBeLessThan(GROWTH);
    },
    LIMIT_MS,
  );

  it(
    'with long lists, forged cursors and slow searches fail nothing, several at once',
    async () => {
      const { origin, operations, knowledge, leaks } = setup;
      const some = fc.array(abuses(operations, knowledge), { minLength: AT_ONCE, maxLength: AT_ONCE });
      const property = fc.asyncProperty(some, async (together) => {
        await Promise.all(
          together.map(async (trial) => {
            const line = curlOf(origin, trial);
            const answer = await send(origin, trial).catch((error: unknown) => refuse([String(error)], line));
            if (answer === undefined) return;
            count(answer.status);
            const seen = leaks(JSON.stringify(answer.headers) + answer.text).map(
              (secret) => `tells ${secret}`,
            );
            refuse(
              [...complaints(trial, answer), ...seen],
              `${line}\n${answer.status} ${answer.text.slice(0, 500)}`,
            );
          }),
        );
      });
      const numRuns = Math.ceil((REQUESTS * 0.1) / AT_ONCE);
      await fc.assert(property, { numRuns, seed: SEED, endOnFailure: true });
    },
    LIMIT_MS,
  );

  it(
    'for an answer of Tryton that does not end are refused, and others are answered meanwhile',
    async () => {
      const { origin, key } = setup;
      const body = Buffer.from(JSON.stringify({ method: ENDLESS, params: [[1], ['data'], {}] }));
      const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
      const endless = { method: 'POST', target: '/api/v1/tryton/rpc', headers, body };
      const list = {
        method: 'GET',
        target: '/api/v1/bc?limit=1',
        headers: { authorization: headers.authorization },
      };
      for (let sent = 0; sent < Math.ceil(REQUESTS / 5000); sent += 1) {
        const [large, small] = await Promise.all([
          send(origin, endless),
          send(origin, { ...list, body: null }),
        ]);
        for (const { status } of [large, small]) count(status);
        expect([large.status, small.status]).toEqual([413, 200]);
      }
    },
    LIMIT_MS,
  );

  it(
    'that are hardly HTTP are answered or cut off, never waited for',
    async () => {
      const { origin, key, leaks } = setup;
      const property = fc.asyncProperty(rawRequests(`Bearer ${key}`), async (bytes) => {
        const answer = await talk(origin, bytes);
        count(rawStatus(answer));
        refuse([...rawComplaints(answer), ...leaks(answer)], shellOf(origin, bytes));
      });
      await fc.assert(property, { numRuns: Math.ceil(REQUESTS * 0.15), seed: SEED, endOnFailure: true });
      const well = await send(origin, { method: 'GET', target: '/healthz', headers: {}, body: null });
      expect(well.status).toBe(200);
    },
    LIMIT_MS,
  );

  it('leave no secret and no fault of ours in the log', () => {
    expect(setup.leaked).toEqual([]);
    expect(setup.faults).toEqual([]);
  });

  it('leave the API ready', () => {
    expect(probes.length).toBeGreaterThan(10);
    expect(probes.filter((status) => status !== 200)).toEqual([]);
  });

  it.skipIf(REQUESTS < ENOUGH)('reach what each operation does, not only its refusals', () => {
    const wanted = setup.operations.filter(({ answers }) => answers.size > 0);
    const names = wanted.map(({ method, path }) => `${method} ${path}`);
    expect(names.filter((name) => !fine.has(name))).toEqual([]);
  });
});
