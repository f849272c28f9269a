import type { Domain, OdooClient } from '../../src/odoo/types.ts';
import { odooDateTime } from '../../src/sync/planning/run-mode.ts';
import type { DocumentModel } from '../../src/sync/types.ts';
import { MeasurementFailedError } from '../frame/errors.ts';

const SLICE = 10_000;

/**
 * The calls of an incremental run with nothing to do, one after another, by a client that has signed in.
 *
 * @returns how long they took, in milliseconds.
 * @throws MeasurementFailedError when there was something to do.
 */
export async function bareCalls(odoo: OdooClient, { header, line, inverse }: DocumentModel): Promise<number> {
  const begun = performance.now();
  const now = await odoo.clock();
  await odoo.fieldsGet(header.name);
  await odoo.fieldsGet(line.name);
  const written: Domain = [
    ['write_date', '>=', odooDateTime(now)],
    ['id', '>', 0],
  ];
  const options = { order: 'id', limit: SLICE };
  const headers = await odoo.search(header.name, written, options);
  const lines = await odoo.searchRead(line.name, written, { ...options, fields: [inverse] });
  const ms = performance.now() - begun;
  if (headers.length + lines.length === 0) return ms;
  throw new MeasurementFailedError(
    'Somebody writes to Odoo while an incremental run with nothing to do is measured',
  );
}
