import { describe, expect, it } from 'vitest';
import { OdooApplicationError, OdooTimeoutError } from '../../../src/odoo/errors.ts';
import type { OdooClient } from '../../../src/odoo/types.ts';
import { findUnreadableFields } from '../../../src/sync/runs/failure-handling.ts';
import type { DocumentModel } from '../../../src/sync/types.ts';

const SITE = { target: 'http://odoo/ (database prod)', call: 'dimagaz.bc.read', user: 'bot' };
const named = (name: string, requested: readonly string[]) => ({ name, requested, fields: {}, binaries: [] });
const model: DocumentModel = {
  header: named('dimagaz.bc', ['id', 'name', 'notes', 'date_order', 'date_planned', 'line_ids']),
  line: named('dimagaz.bc.line', ['id', 'bc_id', 'name', 'price_unit']),
  linesField: 'line_ids',
  inverse: 'bc_id',
};

/** An Odoo whose `read` fails where `bad` says so: model, id, field. Lines 1 to 9 belong to every BC. */
function odoo(bad: (model: string, id: number, field: string) => boolean, error = refusal): OdooClient {
  const never = () => Promise.reject(new Error('not asked for here'));
  return {
    target: SITE.target,
    calls: 0,
    ...{
      connect: never,
      clock: never,
      fieldsGet: never,
      searchCount: never,
      searchRead: never,
      close: never,
    },
    search: async () => [1, 2, 3, 4, 5, 6, 7, 8, 9],
    read: async (name, ids, { fields }) => {
      if (ids.some((id) => fields.some((field) => bad(name, id, field)))) throw error();
      return ids.map((id) => ({ id }));
    },
  };
}
const refusal = (): Error => new OdooApplicationError(SITE, 'year 10000 is out of range');

describe('what of a BC Odoo refuses', () => {
  it('is the field of the header, or several', async () => {
    const dates = (_model: string, _id: number, field: string) => field.startsWith('date_');
    expect(
      await findUnreadableFields(
        odoo((_m, _i, field) => field === 'notes'),
        model,
        7,
      ),
    ).toBe('dimagaz.bc 7: notes');
    expect(await findUnreadableFields(odoo(dates), model, 7)).toBe('dimagaz.bc 7: date_order, date_planned');
  });

  it('is the field of the line among the others', async () => {
    const bad = (name: string, id: number, field: string) =>
      name === 'dimagaz.bc.line' && id === 6 && field === 'price_unit';
    expect(await findUnreadableFields(odoo(bad), model, 7)).toBe('dimagaz.bc.line 6: price_unit');
  });

  it('is the record where every field is refused', async () => {
    expect(
      await findUnreadableFields(
        odoo((name) => name === 'dimagaz.bc'),
        model,
        7,
      ),
    ).toBe('dimagaz.bc 7');
  });

  it('is nothing when Odoo hands over everything by now', async () => {
    expect(
      await findUnreadableFields(
        odoo(() => false),
        model,
        7,
      ),
    ).toBe(null);
  });

  it('is not looked for in an Odoo that does not answer', async () => {
    const away = odoo(
      () => true,
      () => new OdooTimeoutError(SITE, 10),
    );
    await expect(findUnreadableFields(away, model, 7)).rejects.toMatchObject({ code: 'odoo_timeout' });
  });
});
