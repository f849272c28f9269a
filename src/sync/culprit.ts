import { errorCode, errorMessage } from '../errors.ts';
import { OdooApplicationError } from '../odoo/errors.ts';
import type { OdooClient } from '../odoo/types.ts';
import { isRefusal } from './again.ts';
import type { Mirror } from './mirror.ts';
import type { DocumentModel, MirroredModel } from './model.ts';
import { describeDocument } from './model.ts';

/** Fields named in a message; more than that are the record's trouble as a whole. */
const NAMED_AT_MOST = 3;

/** Why a BC failed, for people: with record and field, where Odoo's own sentence (`year 10000 is out of range`) has none. */
export async function failureReason(
  { odoo, definition, log }: Mirror,
  odooId: number,
  error: unknown,
): Promise<{ readonly code: string; readonly message: string }> {
  const reason = { code: errorCode(error), message: errorMessage(error) };
  if (!(error instanceof OdooApplicationError)) return reason;
  try {
    const culprit = await culpritOf(odoo, await describeDocument(odoo, definition), odooId);
    return culprit === null ? reason : { ...reason, message: `${culprit} cannot be read. ${reason.message}` };
  } catch (trouble) {
    log.warn({ odooId, reason: errorMessage(trouble) }, 'looking for the field to blame');
    return reason;
  }
}

/**
 * What of a BC Odoo refuses to hand over: `dimagaz.bc.line 59: price_unit`, by reading ever smaller parts of it. Null
 * where nothing is refused when looked at alone, or the trouble is not Odoo's answer.
 *
 * Odoo reads more than it is asked for: a value that spoils a related field of a line may be its BC's.
 */
export async function culpritOf(
  odoo: OdooClient,
  { header, line, inverse }: DocumentModel,
  odooId: number,
): Promise<string | null> {
  const own = await refusedFields(odoo, header, odooId);
  if (own !== null) return own;
  const lines = await odoo.search(line.name, [[inverse, '=', odooId]], { order: 'id' });
  const bad = await firstRefused(lines, (ids) => reads(odoo, line, ids, line.requested));
  return bad === undefined ? null : refusedFields(odoo, line, bad);
}

async function refusedFields(odoo: OdooClient, model: MirroredModel, id: number): Promise<string | null> {
  if (!(await reads(odoo, model, [id], ['id']))) return `${model.name} ${id}`;
  const named: string[] = [];
  for (let left = model.requested; named.length <= NAMED_AT_MOST; ) {
    const field = await firstRefused(left, (fields) => reads(odoo, model, [id], fields));
    if (field === undefined) break;
    named.push(field);
    left = left.slice(left.indexOf(field) + 1);
  }
  if (named.length === 0) return null;
  return named.length > NAMED_AT_MOST ? `${model.name} ${id}` : `${model.name} ${id}: ${named.join(', ')}`;
}

/** The first of some things that cannot be read, by halving: `log2` of their number in calls. */
async function firstRefused<T>(
  some: readonly T[],
  read: (part: readonly T[]) => Promise<boolean>,
): Promise<T | undefined> {
  if (some.length === 0 || (await read(some))) return undefined;
  let part = some;
  while (part.length > 1) {
    const half = part.slice(0, Math.ceil(part.length / 2));
    part = (await read(half)) ? part.slice(half.length) : half;
  }
  return part[0];
}

async function reads(
  odoo: OdooClient,
  model: MirroredModel,
  ids: readonly number[],
  fields: readonly string[],
): Promise<boolean> {
  try {
    await odoo.read(model.name, ids, { fields, binSize: true });
    return true;
  } catch (error) {
    if (isRefusal(error)) return false;
    throw error;
  }
}
