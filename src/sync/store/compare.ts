import type { StoredHeader, StoredLine } from '../../db/documents/stored-documents.ts';
import type { RecordToStore } from '../../db/documents/writes.ts';
import type { Comparison, PreparedDocument } from '../types.ts';

/** The stored state of a document and its lines. */
export interface Known {
  readonly header: StoredHeader | null;
  /** Lines of this BC in the mirror, and lines of the document that are stored with other BCs. */
  readonly lines: readonly StoredLine[];
  /** For those other BCs: where their last readings ended, by id. */
  readonly ownerSeq: ReadonlyMap<number, number>;
}

/** Compares a fetched document with the stored one. */
export function compare(
  { header, lines: read, reading, missing }: PreparedDocument,
  known: Known,
): Comparison {
  const before = known.header;
  const own = new Map<number, StoredLine>();
  const elsewhere = new Map<number, StoredLine>();
  for (const line of known.lines) (line.bcOdooId === header.odooId ? own : elsewhere).set(line.odooId, line);
  const ownerSeq = (line: StoredLine | undefined) =>
    line === undefined ? 0 : (known.ownerSeq.get(line.bcOdooId) ?? 0);
  // If a later or overlapping reading gave the line to another BC, it stays there.
  const lines =
    elsewhere.size === 0
      ? read
      : read.filter((line) => ownerSeq(elsewhere.get(line.odooId)) < reading.fetchSeq);
  const present = new Set(lines.map((line) => line.odooId));
  const added = lines.filter((line) => !own.has(line.odooId));
  const altered = lines.filter((line) => differs(own.get(line.odooId), line));
  const absent = [...own.values()].filter((line) => !present.has(line.odooId));
  const gone = new Set(missing.gone);
  const hidden = new Set(missing.hidden);
  const removed = absent.filter((line) => gone.has(line.odooId));
  const former = isAnother(before?.createDate ?? null, header.createDate) ? [...own.values()] : null;
  const headerChanged =
    before === null || before.archived || former !== null || before.contentHash !== header.contentHash;
  return {
    former,
    headerChanged,
    changed: headerChanged || added.length > 0 || altered.length > 0 || removed.length > 0,
    touched: before !== null && !sameDate(before.writeDate, header.writeDate),
    added,
    altered,
    touchedLines: lines.filter((line) => wasTouched(own.get(line.odooId), line)),
    removed,
    kept: absent.filter((line) => hidden.has(line.odooId)),
    unproven: absent.filter((line) => !gone.has(line.odooId) && !hidden.has(line.odooId)),
    moved: [...elsewhere.values()].filter((line) => present.has(line.odooId)),
    overtaken: lines.length < read.length,
  };
}

/** The same comparison, with other lists of removed and kept lines. */
export function withRemoved(
  plan: Comparison,
  { removed, kept }: Pick<Comparison, 'removed' | 'kept'>,
): Comparison {
  const changed =
    plan.headerChanged || plan.added.length > 0 || plan.altered.length > 0 || removed.length > 0;
  return { ...plan, removed, kept, changed };
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

/** Odoo never changes `create_date`. A missing one proves nothing. */
function isAnother(stored: Date | null, read: string | null): boolean {
  return stored !== null && read !== null && !sameDate(stored, read);
}

function sameDate(stored: Date | null, text: string | null): boolean {
  return (stored?.getTime() ?? null) === (text === null ? null : Date.parse(`${text.replace(' ', 'T')}Z`));
}
