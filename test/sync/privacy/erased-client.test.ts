import { describe, expect, it } from 'vitest';
import { withoutErased } from '../../../src/odoo/erased-client.ts';
import type { RecordIds } from '../../../src/odoo/field-policies.ts';
import type {
  Domain,
  OdooClient,
  OdooFieldDescription,
  OdooFields,
  OdooRecord,
} from '../../../src/odoo/types.ts';

const ORDER = 'sale.order';
const LINE = 'sale.order.line';
const PARTNER = 'res.partner';

const named = (name: string, type: string, more: Partial<OdooFieldDescription> = {}): OdooFields => ({
  [name]: { name, type, string: name, ...more },
});
const FIELDS: Readonly<Record<string, OdooFields>> = {
  [ORDER]: {
    ...named('name', 'char'),
    ...named('partner_id', 'many2one', { relation: PARTNER }),
    ...named('properties', 'properties'),
    ...named('line_ids', 'one2many', { relation: LINE, relation_field: 'order_id' }),
  },
  [LINE]: {
    ...named('order_id', 'many2one', { relation: ORDER }),
    ...named('buyer_id', 'many2one', { relation: PARTNER }),
    ...named('user_id', 'many2one', { relation: 'res.users' }),
  },
};

interface Asked {
  readonly method: string;
  readonly model: string;
  readonly domain?: Domain;
  readonly ids?: readonly number[];
  readonly fields?: readonly string[];
}

/** An Odoo that notes its calls and answers with these records, and the client without the erased ones. */
function open(erased: RecordIds, records: readonly OdooRecord[] = []) {
  const asked: Asked[] = [];
  const odoo: OdooClient = {
    target: 'nowhere',
    calls: 0,
    connect: () => Promise.reject(new Error('not used')),
    clock: () => Promise.reject(new Error('not used')),
    fieldsGet: async (model) => {
      asked.push({ method: 'fields_get', model });
      return FIELDS[model] ?? {};
    },
    search: async (model, domain) => {
      asked.push({ method: 'search', model, domain });
      return records.map(({ id }) => id);
    },
    searchCount: async (model, domain) => {
      asked.push({ method: 'search_count', model, domain });
      return records.length;
    },
    searchRead: async (model, domain, { fields }) => {
      asked.push({ method: 'search_read', model, domain, fields });
      return [...records];
    },
    read: async (model, ids, { fields }) => {
      asked.push({ method: 'read', model, ids, fields });
      return records.filter(({ id }) => ids.includes(id));
    },
    close: async () => {},
  };
  const client = withoutErased(odoo, { model: ORDER, lineModel: LINE }, async () => erased);
  return { client, asked };
}

const ids = (...of: number[]) => new Set(of);
const NOTHING: RecordIds = new Map();
const ERASED: RecordIds = new Map([
  [ORDER, ids(7)],
  [PARTNER, ids(5, 6)],
]);

describe('without an erased record', () => {
  it('calls and answers are passed on, and no other call is made', async () => {
    const records = [{ id: 7, partner_id: [5, 'Ann'] }];
    const { client, asked } = open(NOTHING, records);
    expect(await client.read(ORDER, [7], { fields: ['partner_id'] })).toEqual(records);
    expect(await client.search(LINE, [['id', '>', 1]])).toEqual([7]);
    expect(asked).toEqual([
      { method: 'read', model: ORDER, ids: [7], fields: ['partner_id'] },
      { method: 'search', model: LINE, domain: [['id', '>', 1]] },
    ]);
  });
});

describe('an erased record', () => {
  it('is found by no search, and neither are its lines', async () => {
    const { client, asked } = open(ERASED);
    await client.search(ORDER, [['id', '>', 1]]);
    await client.searchCount(LINE, []);
    await client.searchRead(PARTNER, [], { fields: ['display_name'] });
    await client.search('res.users', []);
    expect(asked.filter(({ method }) => method !== 'fields_get')).toEqual([
      {
        ...{ method: 'search', model: ORDER },
        domain: [
          ['id', 'not in', [7]],
          ['id', '>', 1],
        ],
      },
      { method: 'search_count', model: LINE, domain: [['order_id', 'not in', [7]]] },
      {
        ...{ method: 'search_read', model: PARTNER, fields: ['display_name'] },
        domain: [['id', 'not in', [5, 6]]],
      },
      { method: 'search', model: 'res.users', domain: [] },
    ]);
  });

  it('is left out of a reading by id, which is not sent if nothing else is asked', async () => {
    const { client, asked } = open(ERASED, [{ id: 7 }, { id: 8 }]);
    expect(await client.read(ORDER, [7, 8], { fields: ['name'] })).toEqual([{ id: 8 }]);
    asked.length = 0;
    expect(await client.read(ORDER, [7], { fields: ['name'] })).toEqual([]);
    expect(asked).toEqual([]);
  });

  it('takes its lines out of a reading, also of one that does not ask for the header', async () => {
    const lines = [
      { id: 1, user_id: [2, 'Bo'], order_id: [7, 'S7'] },
      { id: 2, user_id: [2, 'Bo'], order_id: [8, 'S8'] },
      { id: 3, user_id: [2, 'Bo'], order_id: false },
    ];
    const { client, asked } = open(ERASED, lines);
    expect(await client.read(LINE, [1, 2, 3], { fields: ['user_id'] })).toEqual([
      { id: 2, user_id: [2, 'Bo'] },
      { id: 3, user_id: [2, 'Bo'] },
    ]);
    expect(asked.at(-1)).toMatchObject({ fields: ['user_id', 'order_id'] });
    const [line, ...others] = await client.read(LINE, [1, 2], { fields: ['order_id'] });
    expect({ line, others }).toMatchObject({ line: { id: 2, order_id: [8, 'S8'] }, others: [] });
  });

  it('loses its label in header and lines, and the id stays', async () => {
    const header = { id: 8, partner_id: [5, 'Ann'] };
    expect(await open(ERASED, [header]).client.read(ORDER, [8], { fields: ['partner_id'] })).toEqual([
      { id: 8, partner_id: [5, false] },
    ]);
    const line = { id: 2, order_id: [8, 'S8'], buyer_id: [6, 'Cy'], user_id: [6, 'Di'] };
    const { client } = open(ERASED, [line, { ...line, id: 3, buyer_id: [9, 'Eve'] }]);
    const fields = ['order_id', 'buyer_id', 'user_id'];
    expect(await client.searchRead(LINE, [], { fields })).toEqual([
      { ...line, buyer_id: [6, false] },
      { ...line, id: 3, buyer_id: [9, 'Eve'] },
    ]);
  });

  it('loses its label in properties', async () => {
    const properties = [
      { name: 'a', type: 'many2one', comodel: PARTNER, value: [5, 'Ann'] },
      {
        name: 'b',
        type: 'many2many',
        comodel: PARTNER,
        value: [
          [6, 'Cy'],
          [9, 'Eve'],
        ],
      },
      { name: 'c', type: 'many2one', comodel: 'res.users', value: [5, 'Di'] },
      { name: 'd', type: 'char', value: 'text' },
    ];
    const { client } = open(ERASED, [{ id: 8, properties }]);
    const [read] = await client.read(ORDER, [8], { fields: ['properties'] });
    expect(read?.['properties']).toEqual([
      { ...properties[0], value: [5, false] },
      {
        ...properties[1],
        value: [
          [6, false],
          [9, 'Eve'],
        ],
      },
      properties[2],
      properties[3],
    ]);
  });
});
