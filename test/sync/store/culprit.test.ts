import { describe, expect, it } from 'vitest';
import { OdooApplicationError, OdooTimeoutError } from '../../../src/odoo/errors.ts';
import { findUnreadableFields } from '../../../src/sync/runs/failure-handling.ts';
import type { Source } from '../../../src/sync/source/source.ts';
import type { DocumentModel } from '../../../src/sync/types.ts';
import { fakeSource } from '../../support/source.ts';

const SITE = { target: 'http://odoo/ (database prod)', call: 'dimagaz.bc.read', user: 'bot' };
const named = (name: string, requested: readonly string[]) => ({ name, requested, fields: {}, binaries: [] });
const model: DocumentModel = {
  header: named('dimagaz.bc', ['id', 'name', 'notes', 'date_order', 'date_planned', 'line_ids']),
  line: named('dimagaz.bc.line', ['id', 'bc_id', 'name', 'price_unit']),
  linesField: 'line_ids',
  inverse: 'bc_id',
};

/** A source whose `read` fails where `bad` says so: model, id, field. Lines 1 to 9 belong to every BC. */
const failing = (bad: (model: string, id: number, field: string) => boolean, error = refusal): Source =>
  fakeSource({
    ids: async () => [1, 2, 3, 4, 5, 6, 7, 8, 9],
    read: async (name, ids, fields) => {
      if (ids.some((id) => fields.some((field) => bad(name, id, field)))) throw error();
      return ids.map((id) => ({ id }));
    },
  });
const refusal = (): Error => new OdooApplicationError(SITE, 'year 10000 is out of range');

describe('what of a BC Odoo refuses', () => {
  it('is the field of the header, or several', async () => {
    const dates = (_model: string, _id: number, field: string) => field.startsWith('date_');
    expect(
      await findUnreadableFields(
        failing((_m, _i, field) => field === 'notes'),
        model,
        7,
      ),
    ).toBe('dimagaz.bc 7: notes');
    expect(await findUnreadableFields(failing(dates), model, 7)).toBe(
      'dimagaz.bc 7: date_order, date_planned',
    );
  });

  it('is the field of the line among the others', async () => {
    const bad = (name: string, id: number, field: string) =>
      name === 'dimagaz.bc.line' && id === 6 && field === 'price_unit';
    expect(await findUnreadableFields(failing(bad), model, 7)).toBe('dimagaz.bc.line 6: price_unit');
  });

  it('is the record where every field is refused', async () => {
    expect(
      await findUnreadableFields(
        failing((name) => name === 'dimagaz.bc'),
        model,
        7,
      ),
    ).toBe('dimagaz.bc 7');
  });

  it('is nothing when Odoo hands over everything by now', async () => {
    expect(
      await findUnreadableFields(
        failing(() => false),
        model,
        7,
      ),
    ).toBe(null);
  });

  it('is not looked for in an Odoo that does not answer', async () => {
    const away = failing(
      () => true,
      () => new OdooTimeoutError(SITE, 10),
    );
    await expect(findUnreadableFields(away, model, 7)).rejects.toMatchObject({ code: 'odoo_timeout' });
  });
});
