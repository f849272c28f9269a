import { afterAll, beforeAll, expect, it } from 'vitest';
import { OdooApplicationError } from '../../../src/odoo/errors.ts';
import type { OdooRecord } from '../../../src/odoo/types.ts';
import type { Selection, Source } from '../../../src/sync/source/source.ts';
import { openTestSetup, type TestSetup } from '../../support/test-setup.ts';
import { BC, verify } from './source-setup.ts';

/*
 * The engine over a source that is no Odoo: records in memory, read through the interface alone.
 */

const LINE = 'dimagaz.bc.line';

class MemorySource implements Source {
  readonly target = 'memory';
  readonly refused = new Set<number>();
  readonly #records = new Map<string, Map<number, OdooRecord>>([
    [BC, new Map()],
    [LINE, new Map()],
  ]);

  put(model: string, record: OdooRecord, at = new Date()): void {
    const date = at.toISOString().slice(0, 19).replace('T', ' ');
    this.#table(model).set(record.id, { create_date: '2026-01-01 08:00:00', ...record, write_date: date });
  }

  remove(model: string, id: number): void {
    this.#table(model).delete(id);
  }

  async connect() {
    return { protocol: 'json2', version: '1.0', reason: 'in memory', uid: 1 } as const;
  }

  async identity() {
    const database = { name: 'memory', uuid: 'one and only', userCreated: null };
    return { database, reader: { uid: 1 }, calls: 1 };
  }

  async clock() {
    return new Date(Math.floor(Date.now() / 1000) * 1000);
  }

  async describe(model: string) {
    const field = (name: string, type: string, more = {}) => ({ name, type, string: name, ...more });
    const own =
      model === BC
        ? [field('lines', 'one2many', { relation: LINE, relation_field: 'bc' })]
        : [field('bc', 'many2one', { relation: BC })];
    const shared = [field('id', 'integer'), field('name', 'char')];
    const dates = [field('create_date', 'datetime'), field('write_date', 'datetime')];
    return Object.fromEntries([...shared, ...dates, ...own].map((one) => [one.name, one]));
  }

  async ids(model: string, selection: Selection) {
    return this.#find(model, selection).map(({ id }) => id);
  }

  async newestIds(model: string, selection: Selection) {
    const { limit, ...all } = selection;
    return this.#find(model, all)
      .map(({ id }) => id)
      .reverse()
      .slice(0, limit);
  }

  async newestWrite(model: string) {
    return (
      this.#find(model, {}).reduce((newest, { write_date: date }) => max(newest, String(date)), '') || null
    );
  }

  async count(model: string, selection: Selection) {
    return this.#find(model, selection).length;
  }

  async list(model: string, selection: Selection, fields: readonly string[]) {
    return this.read(model, await this.ids(model, selection), fields);
  }

  async read(model: string, ids: readonly number[], fields: readonly string[]) {
    if (model === BC && ids.some((id) => this.refused.has(id)))
      throw new OdooApplicationError({ target: 'memory', call: 'read', user: 'nobody' }, 'refused');
    return ids.flatMap((id) => {
      const record = this.#table(model).get(id);
      return record === undefined
        ? []
        : [{ id, ...Object.fromEntries(fields.map((name) => [name, record[name] ?? false])) }];
    });
  }

  async exists(model: string, ids: readonly number[]) {
    return new Set(await this.ids(model, { ids }));
  }

  #table(model: string): Map<number, OdooRecord> {
    const table = this.#records.get(model);
    if (table === undefined) throw new Error(`no model ${model}`);
    return table;
  }

  #find(model: string, { after, ids, except, since, refersTo, limit }: Selection): OdooRecord[] {
    const from = since?.toISOString().slice(0, 19).replace('T', ' ') ?? '';
    return [...this.#table(model).values()]
      .filter(({ id, write_date: date }) => id > (after ?? 0) && String(date) >= from)
      .filter(({ id }) => (ids?.includes(id) ?? true) && !(except?.includes(id) ?? false))
      .filter((record) => refersTo === undefined || refers(record, refersTo))
      .sort((one, other) => one.id - other.id)
      .slice(0, limit);
  }
}

const max = (one: string, other: string) => (one > other ? one : other);

function refers(record: OdooRecord, { field, ids }: NonNullable<Selection['refersTo']>): boolean {
  const value = record[field];
  const id: unknown = Array.isArray(value) ? value[0] : null;
  return typeof id === 'number' && (ids === 'any' || ids.includes(id));
}

const memory = new MemorySource();
let setup: TestSetup;

beforeAll(async () => {
  for (let id = 1; id <= 30; id += 1) {
    memory.put(BC, { id, name: `order ${id}`, lines: [id * 10, id * 10 + 1] });
    for (const line of [id * 10, id * 10 + 1])
      memory.put(LINE, { id: line, name: 'line', bc: [id, 'order'] });
  }
  setup = await openTestSetup({
    sandbox: { documents: 0 },
    env: { SYNC_ATTEMPTS: '1' },
    adapt: (mirror) => ({ ...mirror, source: memory }),
  });
  await setup.work();
});
afterAll(() => setup?.close());

it('is mirrored by every kind of run, without a call to Odoo', async () => {
  expect(await setup.run('full')).toMatchObject({ status: 'success', created: 30, linesSeen: 60 });
  memory.put(BC, { id: 3, name: 'renamed', lines: [30, 31] });
  memory.put(LINE, { id: 41, name: 'changed line', bc: [4, 'order'] });
  expect(await setup.run('incremental')).toMatchObject({ status: 'success', updated: 2 });
  memory.remove(BC, 5);
  for (const line of [50, 51]) memory.remove(LINE, line);
  expect(await setup.run('sweep')).toMatchObject({ status: 'success', archived: 1 });
  memory.refused.add(7);
  expect(await setup.run('single', [7, 8])).toMatchObject({ status: 'partial', failed: 1, unchanged: 1 });
  memory.refused.clear();
  expect(await setup.run('single', [7])).toMatchObject({ status: 'success' });
  expect(await verify(setup)).toMatchObject({ ok: true, headers: 29, lines: 58 });
  expect(setup.odoo.calls).toEqual([]);
});
