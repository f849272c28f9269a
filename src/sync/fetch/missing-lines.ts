import type { OdooRecord } from '../../odoo/types.ts';
import { isRefusal } from '../error-policy.ts';
import { headerOf } from '../model/document-model.ts';
import type { Source } from '../source/source.ts';
import type { DocumentModel, HeaderAndLines, MissingLines } from '../types.ts';
export const NONE_MISSING: MissingLines = { gone: [], hidden: [] };

/** A line in the mirror of one of the BCs of a reading. */
interface MirroredLine {
  readonly odooId: number;
  readonly bcOdooId: number;
}

/** Returns the lines of these BCs in the mirror, except the ids in `read`. */
export type FindUnread = (
  ids: readonly number[],
  read: readonly number[],
) => Promise<readonly MirroredLine[]>;

/** Maximum of lines requested in one call. */
const LINES_PER_CALL = 1000;

/**
 * Maximum of calls for the proof of one reading. Each refused call is split in two. When the calls are used up, the
 * remaining lines count as hidden. The next sweep plans their BCs again, so a deleted line among them is removed later.
 */
const MAX_CALLS = 40;

/** After this many refusals without an answer, all remaining lines count as hidden: a rule hides the whole page. */
const MAX_REFUSALS = 6;

/** Finds out why lines are missing from a reading, for each BC with missing lines. */
export async function explainMissing(
  source: Source,
  model: DocumentModel,
  documents: readonly HeaderAndLines[],
  findUnread: FindUnread,
): Promise<ReadonlyMap<number, MissingLines>> {
  const ids = documents.map(({ header }) => header.id);
  const owners = new Map(documents.flatMap(({ header, lines }) => lines.map((line) => [line.id, header.id])));
  // A line of another BC of the page is not unread: it moved within the page.
  const unread = await findUnread(ids, [...owners.keys()]);
  if (unread.length === 0) return new Map();
  const promised = new Set(documents.flatMap(({ header }) => promisedLines(header, model.linesField)));
  const listed = unread.filter(({ odooId }) => promised.has(odooId));
  const asked = unread.filter(({ odooId }) => !promised.has(odooId));
  const hidden = new Set(
    [...listed, ...(await findHidden(source, model, asked))].map(({ odooId }) => odooId),
  );
  const missing = new Map<number, { gone: number[]; hidden: number[] }>();
  for (const { odooId, bcOdooId } of unread) {
    const own = missing.get(bcOdooId) ?? { gone: [], hidden: [] };
    (hidden.has(odooId) ? own.hidden : own.gone).push(odooId);
    missing.set(bcOdooId, own);
  }
  return missing;
}

/** The lines whose deletion `read` does not prove. */
async function findHidden(
  source: Source,
  { line, inverse }: DocumentModel,
  lines: readonly MirroredLine[],
): Promise<MirroredLine[]> {
  const hidden: MirroredLine[] = [];
  const parts: (readonly MirroredLine[])[] = [];
  for (let at = 0; at < lines.length; at += LINES_PER_CALL) parts.push(lines.slice(at, at + LINES_PER_CALL));
  let answered = 0;
  let refused = 0;
  for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
    if (answered + refused >= MAX_CALLS || (answered === 0 && refused >= MAX_REFUSALS)) {
      hidden.push(...part);
      continue;
    }
    const ids = part.map(({ odooId }) => odooId);
    let found: OdooRecord[];
    try {
      found = await source.read(line.name, ids, [inverse]);
      answered += 1;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      refused += 1;
      const middle = Math.ceil(part.length / 2);
      if (part.length === 1) hidden.push(...part);
      else parts.push(part.slice(0, middle), part.slice(middle));
      continue;
    }
    // Odoo returns the line although no search found it. It still belongs to the BC, so it is kept.
    const owners = new Map(found.map((record) => [record.id, headerOf(record, inverse)]));
    hidden.push(...part.filter(({ odooId, bcOdooId }) => owners.get(odooId) === bcOdooId));
  }
  return hidden;
}

/** Lines that a header lists. Record rules may hide them, or remove others from the list. */
export function promisedLines(header: OdooRecord, linesField: string): number[] {
  const { [linesField]: value } = header;
  return Array.isArray(value) ? value.filter((id) => typeof id === 'number') : [];
}
