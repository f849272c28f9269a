import { recordChange } from '../db/audit.ts';
import type { Database, Queryable } from '../db/connection.ts';
import {
  confirmHeader,
  deleteLines,
  lockDocument,
  markChanged,
  upsertHeader,
  upsertLines,
} from '../db/documents.ts';
import { resolveFailure } from '../db/failures.ts';
import { closeItems } from '../db/ledger.ts';
import type { AuditAction } from '../db/schema/sync.ts';
import type { StoredHeader, StoredLine } from '../db/stored.ts';
import { storedHeader, storedLines } from '../db/stored.ts';
import { PasserelleError } from '../errors.ts';
import { auditChanges } from './changes.ts';
import type { Comparison, PreparedDocument } from './compare.ts';
import { compare } from './compare.ts';
import type { DocumentModel } from './model.ts';

/** A later reading of the same BC is stored already, with other content: read again, then store that. */
export class StaleReadingError extends PasserelleError {
  override readonly name = 'StaleReadingError';
  readonly code = 'stale_reading';
  override readonly retryable = true;
  constructor(odooId: number) {
    super(`BC ${odooId}: a later reading is stored already; it is read again.`);
  }
}

export interface StoreAccount {
  readonly key: string;
  readonly runId: number;
  readonly rpcCalls: number;
}

export type StoreOutcome = 'created' | 'updated' | 'unchanged';

/**
 * Stores one BC in one transaction: header, lines, removed lines, audit trail, ledger and failure change together.
 *
 * @throws StaleReadingError when a later reading with other content is there first; nothing is changed then.
 */
export async function storeDocument(
  db: Database,
  model: DocumentModel,
  document: PreparedDocument,
  account: StoreAccount,
): Promise<StoreOutcome> {
  return db.transaction(async (tx) => {
    const { header, lines } = document;
    await lockDocument(tx, header.odooId);
    const before = await storedHeader(tx, header.odooId);
    const plan = await planWrite(tx, document, before);
    if (before !== null && before.fetchSeq > document.reading.fetchSeq) {
      if (plan.changed) throw new StaleReadingError(header.odooId);
    } else await write(tx, model, document, before, plan, account);
    const outcome = before === null ? 'created' : plan.changed ? 'updated' : 'unchanged';
    await closeItems(tx, {
      runId: account.runId,
      odooIds: [header.odooId],
      state: outcome,
      linesSeen: lines.length,
      linesRemoved: plan.removed.length,
      rpcCalls: account.rpcCalls,
    });
    await resolveFailure(tx, account.key, header.odooId, account.runId);
    return outcome;
  });
}

/** Lines that leave a BC may be taken by another one's job at this moment: they are locked, then compared again. */
async function planWrite(
  tx: Queryable,
  document: PreparedDocument,
  before: StoredHeader | null,
): Promise<Comparison> {
  const { header } = document;
  const ids = document.lines.map((line) => line.odooId);
  const plan = compare(document, before, await storedLines(tx, header.odooId, ids));
  if (plan.removed.length === 0 && plan.moved.length === 0) return plan;
  return compare(document, before, await storedLines(tx, header.odooId, ids, 'locked'));
}

async function write(
  tx: Queryable,
  model: DocumentModel,
  document: PreparedDocument,
  before: StoredHeader | null,
  plan: Comparison,
  account: StoreAccount,
): Promise<void> {
  const { header, reading } = document;
  // Old content is read before it is overwritten.
  const changes = plan.changed && before !== null ? await auditChanges(tx, model, document, plan) : {};
  if (plan.changed || plan.touched) await upsertHeader(tx, header, reading, plan.changed);
  else await confirmHeader(tx, header.odooId, reading);
  await takeMovedLines(tx, plan.moved, account.runId);
  await upsertLines(tx, header.odooId, [...plan.added, ...plan.altered, ...plan.touchedLines], reading);
  await deleteLines(
    tx,
    plan.removed.map((line) => line.odooId),
  );
  if (!plan.changed) return;
  const action: AuditAction = before === null ? 'created' : before.archived ? 'restored' : 'updated';
  await recordChange(tx, { odooId: header.odooId, runId: account.runId, action, changes });
}

/** The BC that a line moved away from changes too, and its trail says so. */
async function takeMovedLines(tx: Queryable, moved: readonly StoredLine[], runId: number): Promise<void> {
  for (const owner of new Set(moved.map((line) => line.bcOdooId))) {
    const linesRemoved = moved
      .filter((line) => line.bcOdooId === owner)
      .map((line) => ({ id: line.odooId, moved: true }));
    await markChanged(tx, owner);
    await recordChange(tx, { odooId: owner, runId, action: 'updated', changes: { linesRemoved } });
  }
}
