import { z } from 'zod';
import { FirstSyncFailedError } from '../../src/cli/errors.ts';
import type { Database } from '../../src/db/client.ts';
import { progress } from '../../src/db/runs/ledger.ts';
import { findRun, listRuns } from '../../src/db/runs/runs.ts';
import { BC_KEY, type SyncLogRow } from '../../src/db/schema/sync.ts';
import type { SyncQueue } from '../../src/queues/jobs.ts';
import { firstFullRun } from '../../src/sync/request-run.ts';
import type { SandboxOdoo } from '../sandbox-odoo/sandbox.ts';
import { startSandboxTryton } from '../sandbox-tryton/sandbox.ts';
import type { Address } from './api.ts';
import { type Context, count, type Ending, progressLine } from './context.ts';
import { GatewayError } from './errors.ts';
import { type Environment, isSet, type TrytonVariables } from './settings.ts';

const LOOK_EVERY_MS = 250;

interface FirstSync {
  readonly db: Database;
  readonly queue: SyncQueue;
  readonly ending: Ending;
  readonly show: (text: string) => void;
}

/**
 * Waits for a full run: the one requested here, or the one that the schedule of the worker started before.
 *
 * @throws FirstSyncFailedError
 */
export async function firstFullSync(sync: FirstSync): Promise<SyncLogRow> {
  const run = await firstFullRun(sync.db, sync.queue, BC_KEY, STARTED, (id) => follow(sync, id));
  if (run.status === 'failed') throw new FirstSyncFailedError([{ mirror: null, reason: run.errorMessage }]);
  return run;
}

/** Data that a given database already has are not the first sync of the demo. */
const STARTED = new Date(performance.timeOrigin);

async function follow({ db, ending, show }: FirstSync, runId: number): Promise<SyncLogRow> {
  let begun: number | undefined;
  for (;;) {
    const run = await findRun(db, runId);
    if (run === null) throw new Error(`Run ${runId} is not in sync_log; the database was changed.`);
    if (run.finishedAt !== null) return run;
    if (run.plannedAt === null) {
      show('First full sync: planning');
    } else {
      begun ??= Date.now();
      const { open = 0 } = await progress(db, runId);
      show(progressLine(run.planned - open, run.planned, (Date.now() - begun) / 1000));
    }
    await ending.pause(LOOK_EVERY_MS);
  }
}

const RUN_CHECK_EVERY_MS = 500;
const OUTCOMES = ['created', 'updated', 'unchanged', 'archived', 'gone', 'late', 'failed'] as const;

/** An ended run in one line, with the values of sync_log. */
export function runLine(run: SyncLogRow): string {
  const seconds = ((run.durationMs ?? 0) / 1000).toFixed(1);
  const outcomes = OUTCOMES.filter((name) => run[name] > 0).map((name) => `${count(run[name])} ${name}`);
  const seen = `${count(run.seen)} BC and ${count(run.linesSeen)} lines in ${seconds} s`;
  return `run ${run.id} (${run.mode}) ${run.status}, ${[seen, ...outcomes].join(', ')}`;
}

/** Shows each run that has ended, until the end comes. */
export async function showRuns({ ending, screen }: Context, db: Database): Promise<never> {
  let shown = (await listRuns(db, { limit: 1 }))[0]?.id ?? 0;
  for (;;) {
    const [last] = await listRuns(db, { limit: 1 });
    if (last !== undefined && last.id > shown && last.finishedAt !== null) {
      screen.status(`Last: ${runLine(last)}`);
      shown = last.id;
    }
    await ending.pause(RUN_CHECK_EVERY_MS);
  }
}

const HEADER = 'dimagaz.bc';
/**
 * By then the worker has retried after one minute and after three. Until the next retry there is time to press Retry.
 */
export const BROKEN_MS = 200_000;

/** A BC that Odoo refuses to return for a while, as with a record rule. */
export interface BrokenBc {
  readonly id: number;
  readonly name: string;
}

/** An old BC, which no window reads again, and not the one that the text shows. Null if there is no other. */
export function chooseBroken(sandbox: SandboxOdoo, shown: number): BrokenBc | null {
  const id = sandbox.ids(HEADER).find((one) => one !== shown);
  return id === undefined ? null : { id, name: String(sandbox.record(HEADER, id)['name']) };
}

/** Breaks the BC, requests it, which fails, and repairs it after its time. */
export async function breakForAWhile(
  { defer }: Context,
  sandbox: SandboxOdoo,
  { id }: BrokenBc,
  { url, key }: Address,
): Promise<void> {
  const mend = sandbox.faults.denyRecord(HEADER, id);
  const timer = setTimeout(mend, BROKEN_MS).unref();
  defer(() => clearTimeout(timer));
  await fetch(`${url}/api/v1/bc/${id}/resync`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}` },
  });
}

const SALES = 300;
const SHOWN = ['party.party', 'sale.sale', 'account.invoice'] as const;

/**
 * The Tryton that the environment names, or else a sandbox with customers, orders and invoices of a gas distributor.
 */
export async function trytonFor(
  { screen, defer }: Context,
  wanted: Environment,
): Promise<TrytonVariables | null> {
  if (isSet(wanted, 'TRYTON_RPC_URL')) return null;
  const sandbox = await startSandboxTryton({ sales: SALES, user: 'passerelle', password: 'passerelle' });
  defer(() => sandbox.stop());
  const [parties = 0, sales = 0, invoices = 0] = SHOWN.map((model) => sandbox.count(model));
  screen.line(
    `Tryton: a sandbox at ${sandbox.url} with ${count(parties)} parties, ${count(sales)} sales and ${count(invoices)} invoices`,
  );
  return { TRYTON_RPC_URL: sandbox.url, TRYTON_USER: sandbox.user, TRYTON_PASSWORD: sandbox.password };
}

const report = z.object({
  reachable: z.boolean(),
  authenticated: z.boolean(),
  version: z.string().nullable(),
  error: z.object({ message: z.string() }).nullable(),
});
const answer = z.object({ result: z.int() });

/**
 * Sends a ping and a call through the gateway.
 *
 * @throws GatewayError
 */
export async function checkGateway({ screen, ending }: Context, { url, key }: Address): Promise<void> {
  const ask = async (path: string, init: RequestInit = {}) => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const response = await ending.before(fetch(`${url}/api/v1/tryton/${path}`, { ...init, headers }));
    return ending.before(response.json());
  };
  const { reachable, authenticated, version, error } = report.parse(await ask('ping'));
  if (!reachable || !authenticated) throw new GatewayError(error?.message ?? 'it is not reachable');
  const body = JSON.stringify({ method: 'model.party.party.search_count', params: [[]] });
  const found = answer.safeParse(await ask('rpc', { method: 'POST', body }));
  if (!found.success) throw new GatewayError('it does not count its parties');
  screen.line(`The gateway reaches Tryton ${version}: ${count(found.data.result)} parties.`);
}
