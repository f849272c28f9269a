import { randomInt } from 'node:crypto';
import { count, type Ending } from '../dev/demo/context.ts';
import { createApiKey } from '../src/db/api-keys.ts';
import { readState } from '../src/db/runs/lease.ts';
import { BC_KEY } from '../src/db/schema/sync.ts';
import { poll } from '../src/embedded/probes.ts';
import { odooDateTime } from '../src/odoo/fields.ts';
import type { Domain, OdooClient, OdooProtocol } from '../src/odoo/types.ts';
import type { DocumentModel } from '../src/sync/types.ts';
import type { Context } from './context.ts';
import { MeasurementFailedError } from './errors.ts';
import type { Figure } from './reporting/figures.ts';
import { takeTurns } from './reporting/figures.ts';
import type { MeasuredRun } from './setup/mirror.ts';
import { measureRun, openMirror } from './setup/mirror.ts';
import type { OdooLogin } from './setup/sandbox-odoo.ts';
import { odooSettings, startSandboxOdoo } from './setup/sandbox-odoo.ts';
import type { Servers } from './setup/servers.ts';
import { startApi } from './setup/servers.ts';
import { openFetchClient } from './sync/bench.ts';

/*
 * Incremental runs. The first part measures runs with nothing to do, on the sandbox or a real Odoo. The second part
 * measures how long a change takes from Odoo to the read API.
 */

interface IncrementalOptions {
  readonly rounds: number;
  readonly protocol: OdooProtocol;
  /** A real server without other writers, or the number of BCs in a sandbox. */
  readonly odoo: OdooLogin | number;
}

const MOST_CALLS = 6;
/** Longest duration of a run, in durations of its calls alone. */
const AT_MOST = 1.3;
/** Time windows reach back by this many seconds. They must not cover the records of the full run. */
const OVERLAP_S = 1;
/** Rounds before the first one that counts. */
const WARM_UP = 3;
const ID_LIMIT = 10_000;

/** Measures incremental runs with nothing to do, in turns with their calls alone. */
export async function measureIncremental(
  context: Context,
  servers: Servers,
  { rounds, protocol, odoo }: IncrementalOptions,
): Promise<Figure[]> {
  const { ending, screen, defer } = context;
  const login =
    typeof odoo === 'number'
      ? (await startSandboxOdoo(context, servers.workspace, { documents: odoo })).login
      : odoo;
  const { client, model } = await openFetchClient(login, protocol, defer);
  const settings = { ...odooSettings(login, protocol), SYNC_OVERLAP: `${OVERLAP_S}s` };
  const mirror = await openMirror(context, servers, settings);
  const { documents } = await measureRun(context, mirror, 'full', {});
  screen.line(`${count(documents)} BC are mirrored`);
  await ending.pause((OVERLAP_S + 2) * 1000);
  const measures = [
    () => measureRun(context, mirror, 'incremental', { seen: 0 }),
    () => ending.before(callsAlone(client, model)),
  ] as const;
  await takeTurns(WARM_UP, measures);
  const [runs, calls] = await takeTurns(rounds, measures);
  return incrementalFigures(runs, calls, documents);
}

/**
 * Makes the calls of an incremental run with nothing to do, one after another.
 *
 * @returns their duration in milliseconds.
 * @throws MeasurementFailedError if there was something to do.
 */
async function callsAlone(odoo: OdooClient, { header, line, inverse }: DocumentModel): Promise<number> {
  const start = performance.now();
  const now = await odoo.clock();
  await odoo.fieldsGet(header.name);
  await odoo.fieldsGet(line.name);
  const written: Domain = [
    ['write_date', '>=', odooDateTime(now)],
    ['id', '>', 0],
  ];
  const options = { order: 'id', limit: ID_LIMIT };
  const headers = await odoo.search(header.name, written, options);
  const lines = await odoo.searchRead(line.name, written, { ...options, fields: [inverse] });
  const ms = performance.now() - start;
  if (headers.length + lines.length === 0) return ms;
  throw new MeasurementFailedError('Odoo was written to during the measurement of runs with nothing to do');
}

function incrementalFigures(
  runs: readonly MeasuredRun[],
  calls: readonly number[],
  documents: number,
): Figure[] {
  const title = `An incremental run with nothing to do, ${count(documents)} BC`;
  const beside = { name: 'its calls, one after another', values: calls };
  const ours = (of: (run: MeasuredRun) => number) => ({ name: 'the run', values: runs.map(of) });
  return [
    {
      ...{ id: 'incremental.run', title: `${title}: from its start to its end`, unit: 'ms' },
      ours: ours(({ seconds }) => seconds * 1000),
      ...{ beside, target: { is: 'at most', ratio: AT_MOST } },
    },
    {
      ...{ id: 'incremental.request', title: `${title}: from the request to its end`, unit: 'ms' },
      ours: ours(({ secondsFromRequest }) => secondsFromRequest * 1000),
      ...{ beside, target: null },
    },
    {
      ...{ id: 'incremental.calls', title: `${title}: calls to Odoo`, unit: 'calls' },
      ours: ours((run) => run.calls),
      beside: { name: 'allowed', values: [MOST_CALLS] },
      target: { is: 'at most', ratio: 1 },
    },
  ];
}

interface FreshnessOptions {
  /** BCs in the sandbox. */
  readonly documents: number;
  readonly changes: number;
}

const EVERY_S = 5;
/** For 95 changes in 100, in seconds. */
const FRESHNESS_AT_MOST = 6;
const FIRST_RUN_LIMIT_MS = 600_000;
const CHECK_EVERY_MS = 50;
const CHANGE_LIMIT_MS = 60_000;
/** A random pause before each change spreads the changes over the interval between two runs. */
const LONGEST_PAUSE_MS = 1000;

/** Measures how long a change takes from its commit in Odoo to the read API, with a run every five seconds. */
export async function measureFreshness(
  context: Context,
  servers: Servers,
  { documents, changes }: FreshnessOptions,
): Promise<Figure> {
  const { ending, screen } = context;
  const sandbox = await startSandboxOdoo(context, servers.workspace, { documents });
  const settings = { ...odooSettings(sandbox.login, 'json2'), SYNC_EVERY: `${EVERY_S}s` };
  const { db, databaseUrl } = await openMirror(context, servers, settings);
  const mirrored = async () => (await readState(db, BC_KEY))?.lastSync != null;
  await ending.before(poll(mirrored, 'the first full run', FIRST_RUN_LIMIT_MS));
  const { key } = await createApiKey(db, { name: 'bench', scopes: ['bc:read'] });
  const url = await startApi(context, servers, databaseUrl);
  const ids = await sandbox.call('ids');
  screen.line(`${changes} changes, and a run every ${EVERY_S} s`);
  const waits: Promise<number>[] = [];
  for (let change = 1; change <= changes; change += 1) {
    await ending.pause(randomInt(LONGEST_PAUSE_MS));
    const id = ids[randomInt(ids.length)] ?? 0;
    const at = await sandbox.call('write', id, `change ${change}`);
    const wait = untilShown({ url, key, ending }, id, change, at);
    // It may fail before `Promise.all` below listens, and an unhandled rejection would end the process.
    wait.catch(() => {});
    waits.push(wait);
  }
  return freshnessFigure(await ending.before(Promise.all(waits)), documents);
}

function freshnessFigure(seconds: readonly number[], documents: number): Figure {
  const sorted = [...seconds].sort((a, b) => a - b);
  const percentile = (part: number) => sorted[Math.ceil(part * sorted.length) - 1] ?? Number.NaN;
  const latencies = [0.5, 0.95, 1].map((part) => percentile(part).toFixed(1));
  return {
    id: 'incremental.freshness',
    title:
      `From commit in Odoo to the read API, SYNC_EVERY=${EVERY_S}s, ${seconds.length} changes of ${documents} BC ` +
      `(p50, p95 and slowest: ${latencies.join(', ')} s)`,
    unit: 's',
    ours: { name: 'p95', values: [percentile(0.95)] },
    beside: { name: 'allowed', values: [FRESHNESS_AT_MOST] },
    target: { is: 'at most', ratio: 1 },
  };
}

interface Reader {
  readonly url: string;
  readonly key: string;
  readonly ending: Ending;
}

/** Waits for a change or a later one of the same BC. @returns seconds since the commit. */
async function untilShown(
  { url, key, ending }: Reader,
  id: number,
  change: number,
  at: number,
): Promise<number> {
  for (;;) {
    const response = await fetch(`${url}/api/v1/bc/${id}`, { headers: { authorization: `Bearer ${key}` } });
    const { fields } = (await response.json()) as { fields?: Record<string, unknown> };
    const shown = /^change (\d+)$/.exec(String(fields?.['notes']))?.[1];
    if (Number(shown) >= change) return (Date.now() - at) / 1000;
    if (Date.now() - at > CHANGE_LIMIT_MS) {
      throw new MeasurementFailedError(`Change ${change} of BC ${id} is not shown; HTTP ${response.status}`);
    }
    await ending.pause(CHECK_EVERY_MS);
  }
}
