import type { Reading, RecordToStore } from '../db/documents.ts';
import type { StoredHeader, StoredLine } from '../db/stored.ts';

/** A BC ready to be stored, contents of binaries included. */
export interface PreparedDocument {
  readonly header: RecordToStore;
  readonly lines: readonly RecordToStore[];
  readonly reading: Reading;
}

/** What storing a document would change. */
export interface Comparison {
  readonly headerChanged: boolean;
  readonly changed: boolean;
  /** Same content, but saved again in Odoo: dates move, nothing is audited. */
  readonly touched: boolean;
  readonly added: readonly RecordToStore[];
  readonly altered: readonly RecordToStore[];
  readonly touchedLines: readonly RecordToStore[];
  readonly removed: readonly StoredLine[];
  /** Lines that the mirror still gives another BC. */
  readonly moved: readonly StoredLine[];
}

/** Compares a reading with what is stored. Pure. */
export function compare(
  document: PreparedDocument,
  before: StoredHeader | null,
  known: readonly StoredLine[],
): Comparison {
  const { header, reading } = document;
  const own = new Map(
    known.filter((line) => line.bcOdooId === header.odooId).map((line) => [line.odooId, line]),
  );
  const elsewhere = new Map(
    known.filter((line) => line.bcOdooId !== header.odooId).map((line) => [line.odooId, line]),
  );
  // A line that a later reading gave another BC stays there.
  const lines = document.lines.filter(
    (line) => (elsewhere.get(line.odooId)?.ownerSeq ?? 0) < reading.fetchSeq,
  );
  const present = new Set(lines.map((line) => line.odooId));
  const added = lines.filter((line) => !own.has(line.odooId));
  const altered = lines.filter((line) => differs(own.get(line.odooId), line));
  const removed = [...own.values()].filter((line) => !present.has(line.odooId));
  const headerChanged = before === null || before.archived || before.contentHash !== header.contentHash;
  return {
    headerChanged,
    changed: headerChanged || added.length > 0 || altered.length > 0 || removed.length > 0,
    touched: before !== null && !sameDate(before.writeDate, header.writeDate),
    added,
    altered,
    touchedLines: lines.filter((line) => wasTouched(own.get(line.odooId), line)),
    removed,
    moved: [...elsewhere.values()].filter((line) => present.has(line.odooId)),
  };
}

function differs(stored: StoredLine | undefined, line: RecordToStore): boolean {
  return stored !== undefined && stored.contentHash !== line.contentHash;
}

function wasTouched(stored: StoredLine | undefined, line: RecordToStore): boolean {
  return (
    stored !== undefined &&
    stored.contentHash === line.contentHash &&
    (stored.archived || !sameDate(stored.writeDate, line.writeDate))
  );
}

function sameDate(stored: Date | null, text: string | null): boolean {
  return (stored?.getTime() ?? null) === (text === null ? null : Date.parse(`${text.replace(' ', 'T')}Z`));
}
