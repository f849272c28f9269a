import type { Queryable } from '../db/connection.ts';
import type { StoredHeader, StoredLine } from '../db/stored.ts';
import { storedHeaders, storedLines } from '../db/stored.ts';
import { byKey } from './by-key.ts';
import type { Known, PreparedDocument } from './compare.ts';
import type { Entry } from './store.ts';

/** What the mirror knows of the lines of documents. */
export type KnownLines = ReadonlyMap<PreparedDocument, Pick<Known, 'lines' | 'ownerSeq'>>;

/** Reads what the mirror knows of the lines of some documents. `locked`: they stay so. */
export async function knownLines(
  tx: Queryable,
  documents: readonly PreparedDocument[],
  lock?: 'locked',
): Promise<KnownLines> {
  const ids = new Set(documents.map(({ header }) => header.odooId));
  const lineIds = documents.flatMap(({ lines }) => lines.map((line) => line.odooId));
  const lines = await storedLines(tx, [...ids], lineIds, lock);
  const byId = new Map(lines.map((line) => [line.odooId, line]));
  const byOwner = byKey(lines, (line) => line.bcOdooId);
  const owners = await storedHeaders(
    tx,
    [...byOwner.keys()].filter((owner) => !ids.has(owner)),
  );
  const ownerSeq = new Map([...owners].map(([id, { fetchSeq }]) => [id, fetchSeq]));
  return new Map(
    documents.map((document) => {
      const { odooId } = document.header;
      const elsewhere = document.lines
        .map((line) => byId.get(line.odooId))
        .filter((line): line is StoredLine => line !== undefined && line.bcOdooId !== odooId);
      return [document, { lines: [...(byOwner.get(odooId) ?? []), ...elsewhere], ownerSeq }];
    }),
  );
}

/** Old content that one transaction loads for the audit trail, in bytes of the table. */
const OLD_CONTENT = 8 * 1024 * 1024;

/**
 * Entries that cannot share a transaction: those that trade lines with one another, whose order matters, and those
 * whose old contents would be too much for memory together.
 */
export function loners(
  entries: readonly Entry[],
  headers: ReadonlyMap<number, StoredHeader>,
  known: KnownLines,
): ReadonlySet<Entry> {
  const alone = new Set<Entry>();
  if (entries.length === 1) return alone;
  const byId = new Map(entries.map((entry) => [entry.document.header.odooId, entry]));
  const claimed = new Map<number, Entry>();
  let room = OLD_CONTENT;
  for (const entry of entries) {
    const { header, lines } = entry.document;
    const stored = known.get(entry.document)?.lines ?? [];
    const others = [
      ...lines.map((line) => claimed.get(line.odooId)),
      ...stored.filter((line) => line.bcOdooId !== header.odooId).map((line) => byId.get(line.bcOdooId)),
    ].filter((other) => other !== undefined);
    for (const line of lines) claimed.set(line.odooId, entry);
    for (const partner of others.length === 0 ? [] : [entry, ...others]) alone.add(partner);
    room -= stored.reduce((sum, line) => sum + line.bytes, headers.get(header.odooId)?.bytes ?? 0);
    if (room < 0) alone.add(entry);
  }
  return alone;
}
