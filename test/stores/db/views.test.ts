import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { saveFields } from '../../../src/db/odoo-model/fields.ts';
import { isViewCurrent, refreshView } from '../../../src/db/odoo-model/typed-views.ts';
import { insertBc, insertLine } from '../../api/documents/rows.ts';
import { freshDatabase } from '../../support/database.ts';
import { BC_VIEWS, EVERY_TYPE, type Fields, followFields, MODEL } from './view-fields.ts';

let database: Awaited<ReturnType<typeof freshDatabase>>;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.client`truncate scrap_dimagaz_bc, scrap_dimagaz_bc_line, odoo_field`;
  await database.client`drop view if exists dimagaz_bc cascade`;
});

const follow = (fields: Fields, model = MODEL, view = BC_VIEWS.header) =>
  followFields(database.db, fields, model, view);
const rows = (query = 'select * from dimagaz_bc order by id') => database.client.unsafe(query);
const columns = async () => {
  const found = await database.client`
    select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute
    where attrelid = 'dimagaz_bc'::regclass and attnum > 0 order by attnum`;
  return Object.fromEntries(found.map(({ name, type }) => [name, type]));
};

test('each field has a column of the PostgreSQL type that fits it, and the mirror adds its own', async () => {
  await follow(EVERY_TYPE);
  await insertBc(database.db, 7, {
    count: 3,
    origin_id: 9_007_199_254_740_991,
    rate: 0.1,
    total: 12.5,
    urgent: false,
    name: 'Équipement « A »',
    state: 'draft',
    source_ref: 'res.partner,5',
    day: '2024-02-29',
    at: '2026-01-31 08:00:59',
    scan: Buffer.from('%PDF').toString('base64'),
    tag_ids: [3, 1],
    partner: [5, 'Azur'],
    extra: { a: [1] },
    novel: { b: null },
  });
  expect(await columns()).toEqual({
    id: 'bigint',
    count: 'bigint',
    origin_id: 'bigint',
    rate: 'double precision',
    total: 'numeric',
    urgent: 'boolean',
    name: 'text',
    state: 'text',
    source_ref: 'text',
    day: 'date',
    at: 'timestamp with time zone',
    scan: 'bytea',
    tag_ids: 'bigint[]',
    partner_id: 'bigint',
    partner_name: 'text',
    extra: 'jsonb',
    novel: 'jsonb',
    mirror_synced_at: 'timestamp with time zone',
    mirror_changed_at: 'timestamp with time zone',
  });
  const [row] =
    await rows(`select id, count, origin_id, rate, total, urgent, name, state, source_ref, day::text,
    at at time zone 'UTC' = '2026-01-31 08:00:59' as "at", convert_from(scan, 'UTF8') as scan, tag_ids::text, partner_id,
    partner_name, extra, novel from dimagaz_bc`);
  expect(row).toEqual({
    ...{ id: '7', count: '3', origin_id: '9007199254740991', rate: 0.1, total: '12.5', urgent: false },
    ...{ name: 'Équipement « A »', state: 'draft', source_ref: 'res.partner,5', day: '2024-02-29', at: true },
    ...{ scan: '%PDF', tag_ids: '{3,1}', partner_id: '5', partner_name: 'Azur' },
    ...{ extra: { a: [1] }, novel: { b: null } },
  });
});

test('an empty value in Odoo, and a missing one, is NULL', async () => {
  await follow(EVERY_TYPE);
  const empty = Object.fromEntries(Object.keys(EVERY_TYPE).map((name) => [name, false]));
  await insertBc(database.db, 1, { ...empty, tag_ids: [] });
  await insertBc(database.db, 2, {});
  const [first, second] = await rows();
  const others = ({ id, mirror_synced_at, mirror_changed_at, ...rest }: Record<string, unknown>) => rest;
  const nothing = Object.fromEntries(Object.keys(others(first ?? {})).map((name) => [name, null]));
  expect(others(first ?? {})).toEqual({ ...nothing, urgent: false, tag_ids: '{}' });
  expect(others(second ?? {})).toEqual(nothing);
});

test('archived BCs and lines are left out; lines name their BC', async () => {
  await follow({ id: { type: 'integer' } });
  await follow({ id: { type: 'integer' }, name: { type: 'char' } }, 'dimagaz.bc.line', BC_VIEWS.line);
  await insertBc(database.db, 1, {});
  await insertBc(database.db, 2, {}, { archivedAt: new Date() });
  await insertLine(database.db, 11, 1);
  await insertLine(database.db, 12, 1, true);
  expect(await rows('select id from dimagaz_bc')).toMatchObject([{ id: '1' }]);
  expect(await rows('select id, name, mirror_bc_id from dimagaz_bc_line')).toMatchObject([
    { id: '11', name: 'line 11', mirror_bc_id: '1' },
  ]);
});

test('a correct view is left alone, and a dropped one is created again', async () => {
  const oid = async () =>
    (
      await rows(`select 'dimagaz_bc'::regclass::oid as oid, xmin from pg_class where relname = 'dimagaz_bc'`)
    )[0];
  expect(await follow(EVERY_TYPE)).toBe(true);
  const before = await oid();
  const reversed = Object.fromEntries(Object.entries(EVERY_TYPE).reverse());
  expect(await follow(reversed)).toBe(false);
  expect(await oid()).toEqual(before);
  await database.client`drop view dimagaz_bc`;
  expect(await isViewCurrent(database.db, BC_VIEWS.header, MODEL)).toBe(false);
  expect(await follow(EVERY_TYPE)).toBe(true);
  expect(await isViewCurrent(database.db, BC_VIEWS.header, MODEL)).toBe(true);
});

test('several processes that make the view at once make it once', async () => {
  await saveFields(database.db, MODEL, { a: { name: 'a', type: 'char', string: 'A' } }, new Date());
  const made = await Promise.all(
    Array.from({ length: 6 }, () => refreshView(database.db, BC_VIEWS.header, MODEL)),
  );
  expect(made.filter(Boolean)).toHaveLength(1);
});

test('something else of that name is left alone', async () => {
  await database.client`create table dimagaz_bc (a int)`;
  await expect(follow(EVERY_TYPE)).rejects.toMatchObject({ code: 'view_name_taken' });
  await database.client`drop table dimagaz_bc`;
});

test('comments carry the labels of Odoo', async () => {
  await follow({
    partner: { type: 'many2one', relation: 'res.partner', string: "L'émetteur \\ $1 ; --" },
    n: { type: 'char' },
  });
  const found = await database.client`
    select attname as name, col_description(attrelid, attnum) as comment from pg_attribute
    where attrelid = 'dimagaz_bc'::regclass and attnum > 0`;
  const comments = Object.fromEntries(found.map(({ name, comment }) => [name, comment]));
  expect(comments).toMatchObject({
    partner_id: "L'émetteur \\ $1 ; -- (id of res.partner)",
    partner_name: "L'émetteur \\ $1 ; -- (name)",
    n: 'n',
  });
  const [view] = await database.client`select obj_description('dimagaz_bc'::regclass, 'pg_class') as comment`;
  expect(view?.['comment']).toMatch(/^dimagaz\.bc as Passerelle mirrors it\. Definition [0-9a-f]{16}\.$/);
});
