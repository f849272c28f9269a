import { expect, test } from 'vitest';
import { suggestLines } from '../../src/discovery/lines.ts';
import type { OdooFields } from '../../src/odoo/types.ts';

/** One2many fields as `fields_get` of 14.0 and 19.0 describes them: name, line model, inverse; `computed` has no column. */
type List = readonly [name: string, relation: string, inverse: string, computed?: 'computed'];

const fieldsOf = (...lists: readonly List[]): OdooFields =>
  Object.fromEntries(
    lists.map(([name, relation, inverse, computed]) => [
      name,
      {
        ...{ name, relation, type: 'one2many', string: name, relation_field: inverse },
        store: computed === undefined,
      },
    ]),
  );

const MESSAGES: List = ['message_ids', 'mail.message', 'res_id'];

test.each([
  ['purchase.order', [['order_line', 'purchase.order.line', 'order_id'], MESSAGES], 'purchase.order.line'],
  ['sale.order', [['order_line', 'sale.order.line', 'order_id'], MESSAGES], 'sale.order.line'],
  ['dimagaz.bc', [['line_ids', 'dimagaz.bc.line', 'bc_id']], 'dimagaz.bc.line'],
  ['x_order', [['x_line_ids', 'x_order_line_8f2a1', 'x_order_id']], 'x_order_line_8f2a1'],
] as const)('the lines of %s are found by their name', (header, lists, model) => {
  expect(suggestLines(header, fieldsOf(...lists), new Set())).toMatchObject([{ model, isAmbiguous: false }]);
});

test('of several lists of the same lines, the one with all of them is named', () => {
  const move = fieldsOf(
    ['invoice_line_ids', 'account.move.line', 'move_id'],
    ['line_ids', 'account.move.line', 'move_id'],
    ['statement_line_ids', 'account.bank.statement.line', 'move_id'],
  );
  const owned = new Set(['account.move.line.move_id', 'account.bank.statement.line.move_id']);
  expect(suggestLines('account.move', move, owned)[0]).toEqual({
    ...{ model: 'account.move.line', field: 'line_ids', isAmbiguous: true },
  });
});

test('the lines of a picking are its moves, in 14.0 and in 19.0', () => {
  const old = fieldsOf(
    ['move_lines', 'stock.move', 'picking_id'],
    ['move_ids_without_package', 'stock.move', 'picking_id', 'computed'],
    ['move_line_ids', 'stock.move.line', 'picking_id'],
  );
  expect(suggestLines('stock.picking', old, new Set())).toEqual([
    { model: 'stock.move', field: 'move_lines', isAmbiguous: true },
  ]);
  const now = fieldsOf(
    ['move_ids', 'stock.move', 'picking_id'],
    ['move_line_ids', 'stock.move.line', 'picking_id'],
  );
  expect(suggestLines('stock.picking', now, new Set())).toEqual([
    { model: 'stock.move', field: 'move_ids', isAmbiguous: false },
  ]);
});

test('records that only refer to a model are not its lines', () => {
  const partner = fieldsOf(
    ['child_ids', 'res.partner', 'parent_id'],
    ['purchase_line_ids', 'purchase.order.line', 'partner_id'],
    ['bank_ids', 'res.partner.bank', 'partner_id'],
  );
  expect(suggestLines('res.partner', partner, new Set(['res.partner.bank.partner_id']))).toEqual([]);
});

test('lines with another name are found if Odoo deletes them with the header', () => {
  const fields = fieldsOf(['line_ids', 'account.payment.line', 'order_id']);
  expect(suggestLines('account.payment.order', fields, new Set())).toEqual([]);
  expect(
    suggestLines('account.payment.order', fields, new Set(['account.payment.line.order_id'])),
  ).toMatchObject([{ model: 'account.payment.line' }]);
});
