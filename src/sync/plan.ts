import { dueFailures } from '../db/failures.ts';
import { heartbeat } from '../db/lease.ts';
import { addItems, addPages, clearLedger, owedIds } from '../db/ledger.ts';
import { updateRun } from '../db/runs.ts';
import { errorMessage } from '../errors.ts';
import type { OdooClient, OdooServer } from '../odoo/types.ts';
import type { CountedClient } from './calls.ts';
import { countCalls } from './calls.ts';
import type { HeldRun } from './hold.ts';
import { whilePlanning } from './hold.ts';
import { allHeaders, changedHeaders } from './ids.ts';
import type { Mirror } from './mirror.ts';
import type { Decision } from './mode.ts';
import { decideMode, nextWindow } from './mode.ts';
import type { DescribedModel, DocumentModel } from './model.ts';
import { noteModel, withModel } from './model-watch.ts';
import { planSweep } from './sweep.ts';

/**
 * Writes the ledger of a run: every id it owes, spread over pages. Nothing is queued here.
 *
 * The moment that the next window starts from is Odoo's clock, read before the first id.
 *
 * @throws LeaseLostError when another holder took the run meanwhile; what it wrote stays as it is.
 */
export async function planRun(mirror: Mirror, run: HeldRun): Promise<void> {
  const { definition, settings, log } = mirror;
  const beat = setInterval(() => {
    heartbeat(mirror.db, definition.key, run.leaseToken, settings.leaseMs).catch((error: unknown) =>
      log.warn({ runId: run.id, reason: errorMessage(error) }, 'heartbeat'),
    );
  }, settings.leaseMs / 3);
  try {
    await writePlan(mirror, run);
  } finally {
    clearInterval(beat);
  }
}

interface Planning {
  readonly odoo: CountedClient;
  readonly server: OdooServer;
  readonly nowSync: Date;
  readonly model: DescribedModel;
}

async function writePlan(mirror: Mirror, run: HeldRun): Promise<void> {
  const odoo = countCalls(mirror.odoo);
  const server = await odoo.connect();
  const nowSync = await odoo.clock();
  await withModel(mirror, odoo, run.id, (model) =>
    writeLedger(mirror, run, { odoo, server, nowSync, model }),
  );
}

async function writeLedger(
  mirror: Mirror,
  run: HeldRun,
  { odoo, server, nowSync, model }: Planning,
): Promise<void> {
  const modelChange = await noteModel(mirror, run.id, model);
  const decided = await decideMode(mirror, run, { model, nowSync, modelChange });
  const { mode } = decided;
  const found = {
    ...decided,
    ...{ nowSync, modelChange, protocol: server.protocol, odooVersion: server.version },
  };
  await whilePlanning(mirror, run, async (tx) => {
    await updateRun(tx, run.id, found);
    await clearLedger(tx, run.id);
  });
  mirror.log.info(
    { runId: run.id, ...decided, protocol: server.protocol, reason: server.reason },
    'planning',
  );
  if (mode === 'sweep') await planSweep(mirror, run, odoo, model, await nextWindow(mirror, nowSync));
  else await writeItems(mirror, run, idsOf(mirror, odoo, model, { ...decided, odooIds: run.odooIds ?? [] }));
  await whilePlanning(mirror, run, async (tx) => {
    const planned = await addPages(tx, run.id);
    await updateRun(tx, run.id, { planned, plannedAt: new Date(), rpcCalls: odoo.used() });
  });
}

async function* idsOf(
  { db, definition }: Mirror,
  odoo: OdooClient,
  model: DocumentModel,
  wanted: Decision & { readonly odooIds: readonly number[] },
): AsyncGenerator<readonly number[]> {
  if (wanted.mode === 'single') {
    yield wanted.odooIds;
    return;
  }
  if (wanted.continues !== null) yield* owedIds(db, wanted.continues);
  if (wanted.since === null) yield* allHeaders(odoo, model);
  else yield* changedHeaders(odoo, db, model, wanted.since);
  yield await dueFailures(db, definition.key);
}

/** Memory holds one number for each id planned so far: some 20 MB for a million. */
async function writeItems(
  mirror: Mirror,
  run: HeldRun,
  slices: AsyncIterable<readonly number[]>,
): Promise<void> {
  const { pageSize } = mirror.settings;
  const planned = new Set<number>();
  for await (const slice of slices) {
    const fresh = [...new Set(slice)].filter((id) => !planned.has(id));
    const items = fresh.map((odooId, index) => ({
      odooId,
      page: Math.floor((planned.size + index) / pageSize),
    }));
    for (const id of fresh) planned.add(id);
    if (items.length > 0) await whilePlanning(mirror, run, (tx) => addItems(tx, run.id, items));
  }
}
