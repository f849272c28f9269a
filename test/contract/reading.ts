import { describe, expect, it } from 'vitest';
import type { OdooClientOptions } from '../../src/odoo/client.ts';
import { binaryFields, linesLink } from '../../src/odoo/fields.ts';
import { BC, idIn, LINE, openClient } from './client.ts';

/** Above every id of a demo database. */
const NO_SUCH_ID = 2_000_000_000;

/** The fields of the add-on, by the type that `fields_get` gives them. */
const TYPES = {
  name: 'char',
  active: 'boolean',
  partner_id: 'many2one',
  date_order: 'datetime',
  date_planned: 'date',
  state: 'selection',
  amount_total: 'monetary',
  discount_rate: 'float',
  priority: 'integer',
  notes: 'text',
  terms: 'html',
  tag_ids: 'many2many',
  line_ids: 'one2many',
  scan: 'binary',
  source_ref: 'reference',
  origin_id: 'many2one_reference',
  write_date: 'datetime',
};

export function readingContract(options: () => OdooClientOptions): void {
  describe('describing', () => {
    const client = openClient(options);

    it('gives name, type, label and the attributes of the type', async () => {
      const fields = await client().fieldsGet(BC);
      const types = Object.fromEntries(Object.keys(TYPES).map((name) => [name, fields[name]?.type]));
      expect(types).toEqual(TYPES);
      for (const [name, field] of Object.entries(fields))
        expect(field).toMatchObject({ name, store: expect.any(Boolean) });
      expect(fields['line_ids']).toMatchObject({ relation: LINE, relation_field: 'bc_id' });
      expect(fields['partner_id']).toMatchObject({ relation: 'res.partner' });
      expect(fields['state']?.selection).toContainEqual(['draft', expect.any(String)]);
      expect(fields['discount_rate']?.digits).toEqual([16, 4]);
    });

    it('is enough to tie header and lines together', async () => {
      const header = await client().fieldsGet(BC);
      const line = await client().fieldsGet(LINE);
      const link = { linesField: 'line_ids', inverse: 'bc_id' };
      expect(linesLink({ model: BC, lineModel: LINE }, header, line)).toEqual(link);
      expect(binaryFields(header)).toContain('scan');
      expect(binaryFields(line)).toEqual(['photo']);
    });
  });

  describe('reading', () => {
    const client = openClient(options);

    it('leaves out ids that do not exist, silently', async () => {
      const [id = 0] = await client().search(BC, [], { limit: 1 });
      const records = await client().read(BC, [NO_SUCH_ID, id], { fields: ['name'] });
      expect(records).toEqual([{ id, name: expect.any(String) }]);
      expect(await client().read(BC, [NO_SUCH_ID], { fields: ['name'] })).toEqual([]);
      expect(await client().read(BC, [], { fields: ['name'] })).toEqual([]);
    });

    it('reads archived records by id', async () => {
      const [id = 0] = await client().search(BC, [['active', '=', false]], { limit: 1 });
      expect(await client().read(BC, [id], { fields: ['active'] })).toEqual([{ id, active: false }]);
    });

    it('lists archived lines among the lines of a header', async () => {
      const [line] = await client().searchRead(LINE, [['active', '=', false]], {
        fields: ['bc_id'],
        limit: 1,
      });
      const bc = idIn(line?.['bc_id']);
      const [header] = await client().read(BC, [bc], { fields: ['line_ids'] });
      expect(header?.['line_ids']).toContain(line?.id);
    });

    it('searches and reads in one call as in two', async () => {
      const fields = ['name', 'state', 'write_date'];
      const records = await client().searchRead(BC, [], { fields, order: 'id', limit: 4 });
      expect(records).toHaveLength(4);
      const ids = records.map((record) => record.id);
      expect(await client().search(BC, [], { order: 'id', limit: 4 })).toEqual(ids);
      expect(await client().read(BC, ids, { fields })).toEqual(records);
    });

    it('gives a many2one as id and name, and False for an empty value', async () => {
      const fields = ['partner_id', 'notes', 'date_planned', 'tag_ids'];
      const [filled] = await client().searchRead(BC, [['partner_id', '!=', false]], { fields, limit: 1 });
      expect(filled?.['partner_id']).toEqual([expect.any(Number), expect.any(String)]);
      const [empty] = await client().searchRead(BC, [['date_planned', '=', false]], { fields, limit: 1 });
      expect(empty?.['date_planned']).toBe(false);
      expect(Array.isArray(empty?.['tag_ids'])).toBe(true);
    });

    it('gives the size of a binary on request, else its content', async () => {
      const [id = 0] = await client().search(BC, [['scan', '!=', false]], { limit: 1 });
      const [sized] = await client().read(BC, [id], { fields: ['scan'], binSize: true });
      const [whole] = await client().read(BC, [id], { fields: ['scan'] });
      expect(sized?.['scan']).toMatch(/^\d+(\.\d+)? (bytes|Kb|Mb|Gb)$/);
      const content = Buffer.from(String(whole?.['scan']), 'base64');
      expect(content.toString('base64')).toBe(whole?.['scan']);
      expect(content.length).toBeGreaterThan(0);
    });

    it('gives no control character that the mirror would not keep by every protocol', async () => {
      const domain = [['notes', 'like', 'Caractère de contrôle']] as const;
      const records = await client().searchRead(BC, domain, { fields: ['notes'], limit: 5 });
      expect(records.length).toBeGreaterThan(0);
      for (const { notes } of records) {
        const codes = [...String(notes)].map((character) => character.charCodeAt(0));
        expect(codes.filter((code) => code < 32 && ![9, 10, 13].includes(code))).toEqual([]);
      }
    });
  });
}
