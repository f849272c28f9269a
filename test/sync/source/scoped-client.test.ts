import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Unstorable } from '../../../src/odoo/decoding/text.ts';
import { OdooAccessError, OdooApplicationError, OdooMalformedError } from '../../../src/odoo/errors.ts';
import { FieldPolicyError, policyProblems } from '../../../src/odoo/field-policies.ts';
import { linesLink, NO_LINES_MODEL } from '../../../src/odoo/fields.ts';
import { type Scope, scopeClient } from '../../../src/odoo/scoped-client.ts';
import type {
  Domain,
  OdooClient,
  OdooFieldDescription,
  OdooFields,
  OdooRecord,
} from '../../../src/odoo/types.ts';
import { modelDigest } from '../../../src/sync/model/document-model.ts';
import { modelDiff } from '../../../src/sync/model/model-drift.ts';

const PARTNER = 'res.partner';
const LINE = 'res.partner.bank';
const KEY = 'a key of the tests';
const hmac = (text: string) => createHmac('sha256', KEY).update(text).digest('hex');

const named = (name: string, type: string, more: Partial<OdooFieldDescription> = {}) => ({
  [name]: { name, type, string: name, ...more },
});

const HEADER: OdooFields = {
  ...named('id', 'integer'),
  ...named('name', 'char'),
  ...named('email', 'char'),
  ...named('birthday', 'date'),
  ...named('kind', 'selection', { selection: [['a', 'A']] }),
  ...named('limit', 'float', { digits: [16, 2] }),
  ...named('settings', 'json'),
  ...named('active', 'boolean'),
  ...named('image', 'binary'),
  ...named('user_id', 'many2one', { relation: 'res.users' }),
  ...named('parent_id', 'many2one', { relation: PARTNER }),
  ...named('bank_ids', 'one2many', { relation: LINE, relation_field: 'partner_id' }),
  ...named('tag_ids', 'many2many', { relation: 'res.tag' }),
  ...named('create_date', 'datetime'),
  ...named('write_date', 'datetime'),
};
const LINES: OdooFields = {
  ...named('id', 'integer'),
  ...named('number', 'char'),
  ...named('partner_id', 'many2one', { relation: PARTNER }),
  ...named('holder_id', 'many2one', { relation: PARTNER }),
  ...named('write_date', 'datetime'),
};

interface Asked {
  readonly method: string;
  readonly model: string;
  readonly domain?: Domain;
  readonly ids?: readonly number[];
  readonly fields?: readonly string[];
}

/** An Odoo that notes its calls. A search finds `found`. */
function fakeOdoo(
  records: readonly OdooRecord[] = [],
  found: readonly number[] = records.map(({ id }) => id),
) {
  const asked: Asked[] = [];
  const client: OdooClient = {
    target: 'nowhere',
    calls: 0,
    connect: () => Promise.reject(new Error('not used')),
    clock: () => Promise.reject(new Error('not used')),
    fieldsGet: async (model) => {
      asked.push({ method: 'fields_get', model });
      return model === LINE ? LINES : HEADER;
    },
    search: async (model, domain) => {
      asked.push({ method: 'search', model, domain });
      return [...found];
    },
    searchCount: async (model, domain) => {
      asked.push({ method: 'search_count', model, domain });
      return found.length;
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
  return { client, asked };
}

const scope = (more: Partial<Scope> = {}): Scope => ({
  model: PARTNER,
  lineModel: LINE,
  domain: [],
  reads: () => true,
  policyOf: () => undefined,
  labelPolicyOf: () => undefined,
  hashKey: KEY,
  ...more,
});

const policies =
  (of: Readonly<Record<string, 'hash' | 'mask'>>): Scope['policyOf'] =>
  (field) =>
    of[field];

/** The record as the scope shows it. */
async function shown(record: Omit<OdooRecord, 'id'>, more: Partial<Scope>): Promise<OdooRecord | undefined> {
  const { client } = fakeOdoo([{ id: 1, ...record }]);
  const [read] = await scopeClient(client, scope(more)).read(PARTNER, [1], { fields: Object.keys(record) });
  return read;
}

describe('the line model of a mirror without lines', () => {
  it('has no fields and no records, without a call', async () => {
    const { client, asked } = fakeOdoo([{ id: 1 }]);
    const odoo = scopeClient(client, scope({ lineModel: null, domain: [['name', '!=', false]] }));
    expect(await odoo.fieldsGet(NO_LINES_MODEL)).toEqual({});
    expect(await odoo.search(NO_LINES_MODEL, [])).toEqual([]);
    expect(await odoo.searchCount(NO_LINES_MODEL, [])).toBe(0);
    expect(await odoo.searchRead(NO_LINES_MODEL, [], { fields: ['id'] })).toEqual([]);
    expect(await odoo.read(NO_LINES_MODEL, [1], { fields: ['id'] })).toEqual([]);
    expect(asked).toEqual([]);
  });

  it('has no link', () => {
    const models = { model: PARTNER, lineModel: NO_LINES_MODEL };
    expect(linesLink(models, HEADER, {})).toEqual({ linesField: '', inverse: '' });
  });
});

describe('the domain', () => {
  const domain: Domain = ['|', ['name', '=', 'a'], ['name', '=', 'b']];

  it('is a part of each search of headers, and of no other', async () => {
    const { client, asked } = fakeOdoo();
    const odoo = scopeClient(client, scope({ domain }));
    await odoo.search(PARTNER, [['id', '>', 5]]);
    await odoo.searchCount(PARTNER, []);
    await odoo.searchRead(PARTNER, ['!', ['id', '=', 5]], { fields: ['name'] });
    await odoo.search(LINE, [['id', '>', 5]]);
    await odoo.search('res.users', []);
    expect(asked.filter(({ method }) => method !== 'fields_get').map((one) => one.domain)).toEqual([
      [...domain, ['id', '>', 5]],
      domain,
      [...domain, '!', ['id', '=', 5]],
      [['id', '>', 5]],
      [],
    ]);
  });

  it('makes a read of a header outside of it like that of a deleted one', async () => {
    const { client, asked } = fakeOdoo([{ id: 1 }, { id: 2 }], [2]);
    const odoo = scopeClient(client, scope({ domain }));
    expect(await odoo.read(PARTNER, [1, 2], { fields: ['id'] })).toEqual([{ id: 2 }]);
    expect(asked.find(({ method }) => method === 'search')?.domain).toEqual([
      ...domain,
      ['id', 'in', [1, 2]],
    ]);
    expect(asked.find(({ method }) => method === 'read')?.ids).toEqual([2]);
    asked.length = 0;
    expect(await odoo.read(PARTNER, [], { fields: ['id'] })).toEqual([]);
    expect(asked).toEqual([]);
    expect(await odoo.read(LINE, [1], { fields: ['id'] })).toEqual([{ id: 1 }]);
    expect(asked.map(({ method }) => method)).not.toContain('search');
  });

  it('costs no call if it is empty', async () => {
    const { client, asked } = fakeOdoo([{ id: 1 }]);
    await scopeClient(client, scope()).read('res.users', [1], { fields: ['name'] });
    expect(asked.map(({ method }) => method)).toEqual(['read']);
  });
});

describe('fields that are not read', () => {
  const reads = (field: string) => field === 'name';

  it('are not described, except those that the engine needs', async () => {
    const odoo = scopeClient(fakeOdoo().client, scope({ reads }));
    const header = ['id', 'name', 'bank_ids', 'create_date', 'write_date'];
    expect(Object.keys(await odoo.fieldsGet(PARTNER))).toEqual(header);
    // The header names the inverse, so the other many2one to it is left out.
    expect(Object.keys(await odoo.fieldsGet(LINE))).toEqual(['id', 'partner_id', 'write_date']);
    expect(Object.keys(await odoo.fieldsGet('res.users'))).toContain('email');
  });

  it('are never requested', async () => {
    const { client, asked } = fakeOdoo([{ id: 1 }]);
    const odoo = scopeClient(client, scope({ reads }));
    await odoo.read(PARTNER, [1], { fields: ['id', 'name', 'email', 'bank_ids'] });
    await odoo.searchRead(PARTNER, [], { fields: ['email'] });
    // Odoo reads all fields if the list is empty.
    const requested = asked.flatMap(({ fields }) => (fields === undefined ? [] : [fields]));
    expect(requested).toEqual([['id', 'name', 'bank_ids'], ['id']]);
  });
});

describe('a policy', () => {
  it('hashes texts as they are and other values as canonical JSON', async () => {
    const policyOf = policies({ email: 'hash', birthday: 'hash', limit: 'hash', settings: 'hash' });
    const record = {
      email: 'é@x',
      birthday: '2000-01-02',
      limit: 1.5,
      settings: { b: 1, a: [2] },
      name: 'Zoé',
    };
    expect(await shown(record, { policyOf })).toEqual({
      id: 1,
      email: hmac('é@x'),
      birthday: hmac('2000-01-02'),
      limit: hmac('1.5'),
      settings: hmac('{"a":[2],"b":1}'),
      name: 'Zoé',
    });
  });

  it('keeps empty values', async () => {
    const policyOf = policies({ email: 'hash', name: 'mask', user_id: 'hash' });
    const record = { email: false, name: false, user_id: false };
    expect(await shown(record, { policyOf })).toEqual({ id: 1, ...record });
  });

  it.each([
    ['Zoé', 'Z***'],
    ['é', 'é***'],
    ['👩‍👧 x', '👩‍👧***'],
    [7, '***'],
  ])('masks %j as %j', async (value, expected) => {
    expect(await shown({ name: value }, { policyOf: policies({ name: 'mask' }) })).toEqual({
      id: 1,
      name: expected,
    });
  });

  it('hides the label of a many2one and keeps its id', async () => {
    const record = { user_id: [4, 'Zoé'], parent_id: [5, 'Léa'] };
    const policyOf = policies({ user_id: 'mask' });
    const labelPolicyOf = (model: string) => (model === PARTNER ? ('hash' as const) : undefined);
    const expected = { id: 1, user_id: [4, 'Z***'], parent_id: [5, hmac('Léa')] };
    expect(await shown(record, { policyOf, labelPolicyOf })).toEqual(expected);
    // Its own policy precedes that of the labels.
    const own = { policyOf, labelPolicyOf: () => 'hash' as const };
    expect(await shown(record, own)).toEqual(expected);
  });

  it('holds for records of a search and for lines, also before the fields were described', async () => {
    const { client } = fakeOdoo([{ id: 1, number: 'FR76', partner_id: [1, 'Zoé'] }]);
    const odoo = scopeClient(
      client,
      scope({ policyOf: policies({ number: 'hash' }), labelPolicyOf: () => 'mask' }),
    );
    const [line] = await odoo.searchRead(LINE, [], { fields: ['number', 'partner_id'] });
    expect(line).toEqual({ id: 1, number: hmac('FR76'), partner_id: [1, 'Z***'] });
    const [other] = await odoo.searchRead('res.users', [], { fields: ['number'] });
    expect(other).toMatchObject({ number: 'FR76' });
  });

  it('hides the reason why a value cannot be stored', async () => {
    const policyOf = policies({ limit: 'hash', user_id: 'mask' });
    const record = { limit: new Unstorable('the integer 99'), user_id: [4, new Unstorable('text')] };
    const text = JSON.stringify(await shown(record, { policyOf }));
    expect(text).toContain('hidden by its policy');
    expect(text).not.toMatch(/99|text/);
  });

  it('describes a hash as a text, with the policy', async () => {
    const policyOf = policies({ kind: 'hash', limit: 'hash', user_id: 'hash', name: 'mask' });
    const fields = await scopeClient(fakeOdoo().client, scope({ policyOf })).fieldsGet(PARTNER);
    const hashed = { policy: 'hash', keyId: expect.stringMatching(/^[0-9a-f]{12}$/) };
    expect(fields['kind']).toEqual({ name: 'kind', type: 'char', string: 'kind', ...hashed });
    expect(fields['limit']).toEqual({ name: 'limit', type: 'char', string: 'limit', ...hashed });
    expect(fields['user_id']).toMatchObject({ type: 'many2one', relation: 'res.users', ...hashed });
    expect(fields['name']).toMatchObject({ type: 'char', policy: 'mask' });
    expect(fields['name']).not.toHaveProperty('keyId');
    expect(fields['email']).toEqual(HEADER['email']);
  });

  it('is a change of the model that requires a full read, and another description', () => {
    const known = [{ name: 'name', description: { name: 'name', type: 'char', string: 'Name' } }];
    const masked = { name: { name: 'name', type: 'char', string: 'Name', policy: 'mask' as const } };
    expect(modelDiff(known, masked)).toMatchObject([{ field: 'name', kind: 'changed', reread: true }]);
    const line = { name: NO_LINES_MODEL, fields: {}, requested: ['id'], binaries: [] };
    const digestOf = (fields: OdooFields) =>
      modelDigest({
        header: { name: PARTNER, fields, requested: ['name'], binaries: [] },
        ...{ line, linesField: '', inverse: '' },
      });
    expect(digestOf(masked)).not.toBe(digestOf({ name: { name: 'name', type: 'char', string: 'Name' } }));
  });
});

describe('a policy that does not fit', () => {
  it.each([
    ['active', 'hash', 'its type is boolean'],
    ['image', 'hash', 'its type is binary'],
    ['bank_ids', 'mask', 'its type is one2many'],
    ['tag_ids', 'hash', 'its type is many2many'],
    ['birthday', 'mask', 'not a text'],
    ['kind', 'mask', 'not a text'],
    ['id', 'hash', 'the mirror needs it'],
    ['write_date', 'hash', 'the mirror needs it'],
    ['create_date', 'mask', 'the mirror needs it'],
  ] as const)('%s (%s) is refused before anything is read', async (field, policy, reason) => {
    const own = scope({ policyOf: policies({ [field]: policy }) });
    const problems = policyProblems(HEADER, own);
    expect(problems).toEqual([expect.stringMatching(new RegExp(`^${field} cannot be .*${reason}`))]);
    const { client, asked } = fakeOdoo([{ id: 1 }]);
    const odoo = scopeClient(client, own);
    await expect(odoo.fieldsGet(PARTNER)).rejects.toThrow(FieldPolicyError);
    await expect(odoo.read(PARTNER, [1], { fields: ['id'] })).rejects.toMatchObject({
      code: 'bad_field_policy',
      retryable: false,
    });
    expect(asked.map(({ method }) => method)).not.toContain('read');
  });

  it('of a field that is not read is no problem, and a missing key is one', async () => {
    const policyOf = policies({ image: 'hash', email: 'hash' });
    const odoo = scopeClient(fakeOdoo().client, scope({ policyOf, reads: (field) => field !== 'image' }));
    expect(await odoo.fieldsGet(PARTNER)).not.toHaveProperty('image');
    expect(policyProblems(HEADER, scope({ policyOf: policies({ email: 'hash' }), hashKey: null }))).toEqual([
      'email cannot be hashed, because FIELD_HASH_KEY is not set.',
    ]);
  });
});

describe('errors', () => {
  const site = { target: 'nowhere', call: 'res.partner.read', user: 'nobody' };
  const failing = (error: Error, more: Partial<Scope>) => {
    const { client } = fakeOdoo([{ id: 1 }]);
    const odoo = scopeClient({ ...client, read: () => Promise.reject(error) }, scope(more));
    return odoo.read(PARTNER, [1], { fields: ['name'] });
  };

  it.each([
    new OdooAccessError(site, 'You may not read Zoé'),
    new OdooApplicationError(site, 'Zoé is out of range'),
    new OdooMalformedError(site, '"Zoé" is not an integer'),
  ])('lose the text of Odoo if a field has a policy: $code', async (error) => {
    const policyOf = policies({ name: 'mask' });
    const thrown: unknown = await failing(error, { policyOf }).catch((caught: unknown) => caught);
    expect(thrown).toBeInstanceOf(error.constructor);
    expect(String(thrown)).toContain('call res.partner.read');
    expect(String(thrown)).not.toContain('Zoé');
    await expect(failing(error, {})).rejects.toBe(error);
    await expect(failing(error, { hidesTexts: true })).rejects.not.toThrow('Zoé');
  });
});
