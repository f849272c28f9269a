import type { Domain, OdooClient, OdooRecord } from '../odoo/types.ts';
import { isRefusal } from './again.ts';

/** So many refusals without one success: the trouble is Odoo's, not the records'. */
const REFUSED_AT_MOST = 16;

/**
 * Some fields of what a search finds, by ascending id. One record that Odoo lists and refuses to hand over fails the
 * whole answer: the rest is then read without it, and of that one its id is all that is given.
 */
export async function listRecords(
  odoo: OdooClient,
  model: string,
  domain: Domain,
  { fields, limit }: { readonly fields: readonly string[]; readonly limit: number },
): Promise<OdooRecord[]> {
  const options = { order: 'id', limit };
  try {
    return await odoo.searchRead(model, domain, { fields, ...options });
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
  const ids = await odoo.search(model, domain, options);
  const records = new Map((await readable(odoo, model, ids, fields)).map((record) => [record.id, record]));
  return ids.map((id) => records.get(id) ?? { id });
}

/** What Odoo hands over of some records, found by halving. */
export async function readable(
  odoo: OdooClient,
  model: string,
  ids: readonly number[],
  fields: readonly string[],
  tally = { read: 0, refused: 0 },
): Promise<OdooRecord[]> {
  if (ids.length === 0) return [];
  try {
    const records = await odoo.read(model, ids, { fields });
    tally.read += 1;
    return records;
  } catch (error) {
    if (!isRefusal(error) || (tally.read === 0 && tally.refused >= REFUSED_AT_MOST)) throw error;
    if (ids.length === 1) {
      tally.refused += 1;
      return [];
    }
  }
  const middle = Math.ceil(ids.length / 2);
  const first = await readable(odoo, model, ids.slice(0, middle), fields, tally);
  return [...first, ...(await readable(odoo, model, ids.slice(middle), fields, tally))];
}
