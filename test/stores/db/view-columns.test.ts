import { expect, test } from 'vitest';
import { type ViewField, viewColumns } from '../../../src/db/odoo-model/view-columns.ts';
import { BC_VIEWS } from './view-fields.ts';

const field = (name: string, type = 'char'): ViewField => ({ name, type, label: name, relation: null });

/** The columns' names by field; the mirror's own under an empty text. */
function names(fields: readonly ViewField[]): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const column of viewColumns(fields, BC_VIEWS.header.own)) {
    found[column.field ?? ''] = [...(found[column.field ?? ''] ?? []), column.name];
  }
  return found;
}

test('a many2one has a column for its id and one for its name', () => {
  expect(names([field('partner_id', 'many2one')])).toMatchObject({
    partner_id: ['partner_id_id', 'partner_id_name'],
  });
});

test('a field with that exact name keeps it, and a generated name gives way', () => {
  const fields = [field('x', 'many2one'), field('x_name'), field('x_id'), field('x_id_2', 'integer')];
  const expected = { x: ['x_id_3', 'x_name_2'], x_name: ['x_name'], x_id: ['x_id'], x_id_2: ['x_id_2'] };
  expect(names(fields)).toMatchObject(expected);
  expect(names([...fields].reverse())).toMatchObject(expected);
});

test("a field that is called as one of the mirror's own columns keeps its name", () => {
  expect(names([field('mirror_synced_at')])).toEqual({
    mirror_synced_at: ['mirror_synced_at'],
    '': ['mirror_synced_at_2', 'mirror_changed_at'],
  });
});

test('names that PostgreSQL would cut alike stay apart, whatever else there is', () => {
  const long = 'x_studio_une_désignation_particulièrement_longue_de_la_commande';
  const first = field(`${long}_a`);
  const second = field(`${long}_b`);
  const both = names([first, second, field(long.slice(0, 20), 'many2one')]);
  const made = [...(both[first.name] ?? []), ...(both[second.name] ?? [])];
  expect(new Set(made).size).toBe(2);
  for (const name of made) {
    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(63);
    expect(name).toMatch(/^x_studio_une_désignation.*_[0-9a-f]{8}$/);
  }
  expect(names([second])[second.name]).toEqual(both[second.name]);
});
