import type { Change } from '../db/audit.ts';
import { recordChanges } from '../db/audit.ts';
import type { Queryable } from '../db/connection.ts';
import type { ReadHeader, ReadLine } from '../db/documents.ts';
import { archiveLines, confirmHeaders, markLeft, upsertHeaders, upsertLines } from '../db/documents.ts';
import { bc, bcLine } from '../db/schema/documents.ts';
import { storedRecords } from '../db/stored.ts';
import { byKey } from './by-key.ts';
import { auditChanges, isHeaderTold, toldLines } from './changes.ts';
import type { Planned } from './store.ts';

/** What the audit trail is to tell of some documents; to be worked out before old content is overwritten. */
export async function changesOf(tx: Queryable, entries: readonly Planned[]): Promise<Change[]> {
  const changed = entries.filter(({ plan }) => plan.changed);
  const known = changed.filter(({ before }) => before !== null);
  const told = known.filter(({ plan }) => isHeaderTold(plan)).map(({ document }) => document.header.odooId);
  const before = {
    headers: await storedRecords(tx, bc, told),
    lines: await storedRecords(
      tx,
      bcLine,
      known.flatMap(({ plan }) => toldLines(plan)),
    ),
  };
  return changed.flatMap((entry) => {
    const { document, model, runId, plan } = entry;
    const own = { odooId: document.header.odooId, runId };
    const left = departures(entry);
    if (entry.before === null) return [...left, { ...own, action: 'created' as const, changes: {} }];
    const action = entry.before.archived ? ('restored' as const) : ('updated' as const);
    return [...left, { ...own, action, changes: auditChanges(model, document, plan, before) }];
  });
}

/** The BCs that lines moved away from change too, and their trail says so. */
function departures({ runId, plan }: Planned): Change[] {
  return [...byKey(plan.moved, (line) => line.bcOdooId)].map(([owner, lines]) => ({
    odooId: owner,
    runId,
    action: 'updated',
    changes: { linesRemoved: lines.map((line) => ({ id: line.odooId, moved: true })) },
  }));
}

/** Writes what is new of some documents, and the trail with it: a statement for each kind of change. */
export async function writeDocuments(
  tx: Queryable,
  entries: readonly Planned[],
  changes: readonly Change[],
): Promise<void> {
  const headers = (some: readonly Planned[]): ReadHeader[] =>
    some.map(({ document: { header, reading } }) => ({ record: header, reading }));
  const isTouched = ({ plan }: Planned) => !plan.changed && plan.touched;
  await markLeft(tx, [...new Set(entries.flatMap(({ plan }) => plan.moved.map((line) => line.bcOdooId)))]);
  await Promise.all([
    upsertHeaders(tx, headers(entries.filter(({ plan }) => plan.changed)), 'changed'),
    upsertHeaders(tx, headers(entries.filter(isTouched)), 'touched'),
    confirmHeaders(
      tx,
      entries
        .filter(({ plan }) => !plan.changed && !plan.touched)
        .map(({ document: { header, reading } }) => ({ odooId: header.odooId, ...reading })),
    ),
    upsertLines(tx, entries.flatMap(newLines)),
    archiveLines(
      tx,
      entries.flatMap(({ document: { reading }, plan }) =>
        plan.removed.map(({ odooId }) => ({ odooId, endSeq: reading.endSeq })),
      ),
    ),
    recordChanges(tx, changes),
  ]);
}

function newLines({ document: { header, reading }, plan }: Planned): ReadLine[] {
  return [...plan.added, ...plan.altered, ...plan.touchedLines].map((record) => ({
    record,
    reading,
    bcOdooId: header.odooId,
  }));
}
