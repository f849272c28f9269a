import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyMirror } from '../../src/sync/maintenance/verify.ts';
import { freshDatabase } from '../support/database.ts';
import { freshPrefix, redisUrl } from '../support/redis.ts';
import { openTestMirrors, QUICK, type Release, type TestMirror } from '../support/test-setup.ts';
import { call, missing, odooEnvironment } from './odoo-setup.ts';

const without = missing();

/** Models that a server may have, each with its lines. */
const CANDIDATES = [
  { name: 'bc', model: 'dimagaz.bc', lines: 'dimagaz.bc.line' },
  { name: 'orders', model: 'purchase.order', lines: 'purchase.order.line' },
  { name: 'products', model: 'product.product' },
  { name: 'partners', model: 'res.partner' },
  { name: 'users', model: 'res.users' },
] as const;

/** Field types whose values every protocol gives in the same way. */
const PLAIN = ['char', 'integer', 'date', 'datetime', 'selection'];

describe.skipIf(without !== null)(`several mirrors of one Odoo (needs ${without})`, () => {
  const releases: Release[] = [];
  let database: Awaited<ReturnType<typeof freshDatabase>>;
  let folder: string;
  let mirrors: ReadonlyMap<string, TestMirror>;
  beforeAll(async () => {
    database = await freshDatabase();
    folder = await mkdtemp(join(tmpdir(), 'passerelle-mirrors-'));
    const models = CANDIDATES.map(({ model }) => model);
    const known = await call('ir.model', 'search_read', [[['model', 'in', models]], ['model']]);
    const here = new Set((known as { model: string }[]).map(({ model }) => model));
    const entries = CANDIDATES.filter(({ model }) => here.has(model)).map(({ name, ...models }) => [
      name,
      models,
    ]);
    const path = join(folder, 'mirrors.json');
    await writeFile(path, JSON.stringify({ mirrors: Object.fromEntries(entries) }));
    const { ODOO_MODEL, ODOO_LINE_MODEL, ODOO_LINES_FIELD, ...odoo } = odooEnvironment('jsonrpc');
    const stores = { DATABASE_URL: database.url, REDIS_URL: redisUrl(), QUEUE_PREFIX: freshPrefix() };
    mirrors = await openTestMirrors({ ...QUICK, ...odoo, ...stores, MIRRORS_FILE: path }, releases);
    for (const mirror of mirrors.values()) await mirror.work();
  });
  afterAll(async () => {
    for (const release of releases.reverse()) await release();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    await database?.close();
  });

  it('are all complete after full runs at the same time', async () => {
    expect(mirrors.size).toBeGreaterThan(2);
    const runs = await Promise.all([...mirrors.values()].map((mirror) => mirror.run('full')));
    for (const run of runs) expect(run).toMatchObject({ status: 'success', failed: 0, created: run.seen });
    for (const [name, { mirror }] of mirrors) {
      const verified = await verifyMirror({ ...mirror, pageSize: 500 }, () => {});
      expect([name, verified]).toMatchObject([name, { ok: true }]);
    }
  });

  it('have what Odoo gives to another client', async () => {
    for (const { mirror } of mirrors.values()) {
      const { model } = mirror.definition;
      const described = Object(await call(model, 'fields_get', [], { attributes: ['type'] }));
      const names = Object.keys(described).filter((name) => PLAIN.includes(described[name].type));
      const context = { active_test: false };
      const ids = await call(model, 'search', [[]], { context, order: 'id' });
      const records = (await call(model, 'read', [ids, names], { context })) as { id: number }[];
      const rows = await mirror.db.select({ fields: mirror.header.fields }).from(mirror.header);
      const stored = new Map(rows.map(({ fields }) => [fields.id, fields]));
      expect([model, stored.size]).toEqual([model, records.length]);
      for (const record of records) expect([model, stored.get(record.id)]).toMatchObject([model, record]);
    }
  });
});
