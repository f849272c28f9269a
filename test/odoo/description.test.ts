import { describe, expect, it } from 'vitest';
import { binaryFields, linesLink, readableFields } from '../../src/odoo/fields.ts';
import type { OdooFieldDescription, OdooFields } from '../../src/odoo/types.ts';

const models = { model: 'purchase.order', lineModel: 'purchase.order.line' };

function fields(...list: (Partial<OdooFieldDescription> & { name: string })[]): OdooFields {
  return Object.fromEntries(
    list.map((field) => [field.name, { type: 'char', string: field.name, ...field }]),
  );
}
const one2many = (name: string, relation: string, relation_field?: string) => ({
  name,
  type: 'one2many',
  relation,
  ...(relation_field !== undefined && { relation_field }),
});
const many2one = (name: string, relation: string) => ({ name, type: 'many2one', relation });

const line = fields(many2one('order_id', models.model), many2one('partner_id', 'res.partner'));

describe('the link between header and lines', () => {
  it('is the one2many to the line model, whatever its name, and its inverse', () => {
    const header = fields(
      one2many('order_line', models.lineModel, 'order_id'),
      one2many('activity_ids', 'mail.activity', 'res_id'),
      { name: 'tag_ids', type: 'many2many', relation: models.lineModel },
    );
    expect(linesLink(models, header, line)).toEqual({ linesField: 'order_line', inverse: 'order_id' });
  });

  it('takes the only many2one of the line to the header when the inverse is unknown', () => {
    const header = fields(one2many('order_line', models.lineModel));
    expect(linesLink(models, header, line)).toEqual({ linesField: 'order_line', inverse: 'order_id' });
  });

  it('is refused when the inverse is unknown and several fit, or none', () => {
    const header = fields(one2many('order_line', models.lineModel));
    const two = fields(many2one('order_id', models.model), many2one('return_id', models.model));
    expect(() => linesLink(models, header, two)).toThrow('are: order_id, return_id.');
    expect(() => linesLink(models, header, fields())).toThrow('are: none.');
  });

  it('is refused when there is no one2many', () => {
    expect(() => linesLink(models, fields(many2one('line_id', models.lineModel)), line)).toThrow(
      'purchase.order has no one2many to purchase.order.line. Check ODOO_MODEL and ODOO_LINE_MODEL.',
    );
  });

  const several = fields(
    one2many('order_line', models.lineModel, 'order_id'),
    one2many('return_line', models.lineModel, 'return_id'),
  );

  it('is refused when several fit, naming them and the variable to set', () => {
    expect(() => linesLink(models, several, line)).toThrow(/order_line, return_line\. Set ODOO_LINES_FIELD/);
    expect(() => linesLink({ ...models, linesField: 'nope' }, several, line)).toThrow(
      'ODOO_LINES_FIELD is nope, but the one2many fields of purchase.order to purchase.order.line are: order_line, return_line.',
    );
  });

  it('is the preferred one of several', () => {
    const link = linesLink({ ...models, linesField: 'return_line' }, several, line);
    expect(link).toEqual({ linesField: 'return_line', inverse: 'return_id' });
  });
});

describe('fields', () => {
  const some = fields(
    { name: 'name' },
    { name: 'image_1920', type: 'binary' },
    { name: 'id', type: 'integer' },
  );

  it('are asked for by name, the id always and once', () => {
    expect(readableFields(some)).toEqual(['id', 'name', 'image_1920']);
    expect(readableFields(fields({ name: 'name' }))).toEqual(['id', 'name']);
  });

  it('with contents of their own are the binary ones', () => {
    expect(binaryFields(some)).toEqual(['image_1920']);
  });
});
