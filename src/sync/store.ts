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
import type { AuditAction } from '../db/schema/audit.ts';
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
    const ids = lines.map((line) => line.odooId);
    // Sent together: the connection answers them in this order, so the rest waits for the lock.
    const [, before, known] = await Promise.all([
      lockDocument(tx, header.odooId),
      storedHeader(tx, header.odooId),
      storedLines(tx, header.odooId, ids),
    ]);
    const plan = await settledPlan(tx, document, before, known);
    if (before !== null && before.fetchSeq > document.reading.fetchSeq) {
      if (plan.changed) throw new StaleReadingError(header.odooId);
    } else await write(tx, model, document, before, plan, account);
    const outcome = before === null ? 'created' : plan.changed ? 'updated' : 'unchanged';
    await Promise.all([
      closeItems(tx, {
        runId: account.runId,
        odooIds: [header.odooId],
        state: outcome,
        linesSeen: lines.length,
        linesRemoved: plan.removed.length,
        rpcCalls: account.rpcCalls,
      }),
      resolveFailure(tx, account.key, header.odooId, account.runId),
    ]);
    return outcome;
  });
}

/** Lines that leave a BC may be taken by another one's job at this moment: they are locked, then compared again. */
async function settledPlan(
  tx: Queryable,
  document: PreparedDocument,
  before: StoredHeader | null,
  known: readonly StoredLine[],
): Promise<Comparison> {
  const plan = compare(document, before, known);
  if (plan.removed.length === 0 && plan.moved.length === 0) return plan;
  const { header, lines } = document;
  const ids = lines.map((line) => line.odooId);
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
  const action: AuditAction = before === null ? 'created' : before.archived ? 'restored' : 'updated';
  const removed = plan.removed.map((line) => line.odooId);
  await takeMovedLines(tx, plan.moved, account.runId);
  await Promise.all([
    plan.changed || plan.touched
      ? upsertHeader(tx, header, reading, plan.changed)
      : confirmHeader(tx, header.odooId, reading),
    upsertLines(tx, header.odooId, [...plan.added, ...plan.altered, ...plan.touchedLines], reading),
    deleteLines(tx, removed),
    plan.changed && recordChange(tx, { odooId: header.odooId, runId: account.runId, action, changes }),
  ]);
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
