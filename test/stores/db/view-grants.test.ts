import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { openClient } from '../../../src/db/client.ts';
import { freshDatabase } from '../../support/database.ts';
import { BC_VIEWS, type Fields, followFields, MODEL } from './view-fields.ts';

/** Roles are the server's: their names belong to this test alone. */
const READER = `reader "${randomBytes(4).toString('hex')}"`;
const CLERK = `clerk_${randomBytes(4).toString('hex')}`;

let database: Awaited<ReturnType<typeof freshDatabase>>;
beforeAll(async () => {
  database = await freshDatabase();
  for (const role of [READER, CLERK]) await database.client`create role ${database.client(role)}`;
});
afterAll(async () => {
  for (const role of [READER, CLERK]) {
    await database.client`drop owned by ${database.client(role)}`;
    await database.client`drop role ${database.client(role)}`;
  }
  await database.close();
});
beforeEach(async () => {
  await follow({ a: { type: 'char' }, b: { type: 'char' }, 'C"d': { type: 'char' } });
});
afterEach(() => database.client`drop view if exists dimagaz_bc cascade`);

const follow = (fields: Fields) => followFields(database.db, fields, MODEL, BC_VIEWS.header);
const grants = async () => {
  const rows = await database.client`
    select relacl::text as view, reloptions::text as options, (
      select string_agg(attname || ' ' || attacl::text, ', ' order by attname) from pg_attribute
      where attrelid = oid and attacl is not null) as columns
    from pg_class where relname = 'dimagaz_bc'`;
  return rows[0];
};

test('the readers of a view may read its replacement, and no other role may', async () => {
  const { client } = database;
  await client`grant select on dimagaz_bc to ${client(READER)} with grant option`;
  await client.unsafe(`grant select ("C""d", b) on dimagaz_bc to ${CLERK}`);
  await client`alter view dimagaz_bc set (security_barrier = true)`;
  await client`alter default privileges grant select on tables to public`;
  await follow({ a: { type: 'integer' }, 'C"d': { type: 'char' } });
  await client`alter default privileges revoke select on tables from public`;
  const found = await grants();
  expect(found?.['view']).toContain('=r*/');
  expect(found?.['view']).not.toMatch(/[{,]=r/);
  expect(found).toMatchObject({
    options: '{security_barrier=true}',
    columns: expect.stringMatching(/^C"d \{clerk_\w+=r\/\w+\}$/),
  });
});

test('what depends on a view lives on while columns are only added', async () => {
  await database.client`create view of_an_analyst as select a, b from dimagaz_bc`;
  await follow({ n: { type: 'integer' }, a: { type: 'html' }, b: { type: 'char' }, 'C"d': { type: 'char' } });
  const columns = await database.client`
    select attname as name from pg_attribute where attrelid = 'dimagaz_bc'::regclass and attnum > 0 order by attnum`;
  const [first, second, third, , , last] = columns.map(({ name }) => name);
  expect([first, second, third, last]).toEqual(['a', 'b', 'C"d', 'n']);
});

test('a view that others depend on, or that is being read, stays as it was', async () => {
  const { client } = database;
  const before = await grants();
  await client`create view of_an_analyst as select a, b from dimagaz_bc`;
  await expect(follow({ a: { type: 'integer' } })).rejects.toMatchObject({ cause: { code: '2BP01' } });
  await client`drop view of_an_analyst`;
  const analyst = openClient(database.url, 1);
  await analyst.begin(async (reading) => {
    await reading`select * from dimagaz_bc`;
    await expect(follow({ a: { type: 'integer' } })).rejects.toMatchObject({ cause: { code: '55P03' } });
  });
  await analyst.end();
  expect(await grants()).toEqual(before);
  expect(await follow({ a: { type: 'integer' } })).toBe(true);
});

test('hostile field names are names and nothing else', async () => {
  const names = [
    ...['x"y', "x'y", 'x\\y', 'X_Studio', 'x studio', 'select', '$1', '{}', 'é'.repeat(40), 'xmin'],
    ...['"; drop table scrap_dimagaz_bc; --', '__proto__x', 't', 'f', 'fields', ':name', '--', '/*'],
  ];
  const fields = Object.fromEntries(names.map((name) => [name, { type: 'char', string: name }]));
  await follow(fields);
  const values = JSON.stringify(Object.fromEntries(names.map((name) => [name, `value of ${name}`])));
  await database.client`
    insert into scrap_dimagaz_bc (odoo_id, fields, content_hash, fetch_seq, fetched_at, synced_at)
    values (1, ${values}::text::jsonb, '', 1, now(), now())`;
  const [row] = await database.client`select * from dimagaz_bc`;
  const shown = Object.values(row ?? {}).filter((value) => typeof value === 'string');
  expect(shown).toEqual(expect.arrayContaining(names.map((name) => `value of ${name}`)));
});
