import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SandboxOdoo, startSandboxOdoo } from '../../../dev/sandbox-odoo/sandbox.ts';
import { search } from './odoo-request.ts';

const BC = 'dimagaz.bc';
const LINE = 'dimagaz.bc.line';
const AT = new Date('2026-03-01T10:00:00.500Z');

/** 1: full, with a line; 2: nearly empty; 3: archived. All written at 10:00:00.5. */
function fill(sandbox: SandboxOdoo): void {
  sandbox.create(BC, {
    name: 'BC/1 50%',
    partner_id: 2,
    notes: 'Été',
    priority: 5,
    urgent: true,
    tag_ids: [1, 2],
    line_ids: [[0, 0, { name: 'Écrou', quantity: 2, price_unit: 10 }]],
  });
  sandbox.create(BC, { name: 'BC/2', date_planned: '2026-03-02' });
  sandbox.create(BC, { name: 'BC/3', partner_id: 1, active: false, priority: 0 });
}

describe.each(['19.0', '14.0'] as const)('a search on version %s', (version) => {
  let sandbox: SandboxOdoo;
  beforeAll(async () => {
    sandbox = await startSandboxOdoo({ version, clock: () => AT });
    fill(sandbox);
  });
  afterAll(() => sandbox.stop());

  const found = (domain: readonly unknown[], keywords: object = {}) =>
    search(sandbox, BC, domain, { order: 'id', ...keywords });

  it('leaves archived records out unless the context or the domain says otherwise', async () => {
    expect(await found([])).toEqual([1, 2]);
    expect(await found([], { context: { active_test: false } })).toEqual([1, 2, 3]);
    expect(await found([['active', '=', false]])).toEqual([3]);
    expect(await found([['active', 'in', [true, false]]])).toEqual([1, 2, 3]);
  });

  it('reads prefix operators, with & where none is written', async () => {
    const every = { context: { active_test: false } };
    expect(await found(['|', ['id', '=', 1], ['id', '=', 3]], every)).toEqual([1, 3]);
    expect(await found(['!', '|', ['id', '=', 1], ['id', '=', 3]], every)).toEqual([2]);
    expect(await found([['id', '>', 1], '|', ['id', '=', 1], ['id', '=', 3]], every)).toEqual([3]);
    expect(await found(['|', ['id', '=', 1]])).toContain('domain');
  });

  it('counts an empty value among what a negation matches', async () => {
    expect(await found([['partner_id', '!=', 2]])).toEqual([2]);
    expect(await found([['partner_id', 'not in', [2]]])).toEqual([2]);
    expect(await found([['partner_id', '=', false]])).toEqual([2]);
    expect(await found([['partner_id', 'in', [2, false]]])).toEqual([1, 2]);
    expect(await found([['notes', 'not ilike', 'x']])).toEqual([1, 2]);
    expect(await found([['notes', 'not ilike', 'é']])).toEqual([2]);
  });

  it('matches patterns with wildcards, and the whole text with =like', async () => {
    expect(await found([['name', 'like', 'C_1%50']])).toEqual([1]);
    expect(await found([['name', 'like', 'bc']])).toEqual([]);
    expect(await found([['name', 'ilike', 'bc']])).toEqual([1, 2]);
    expect(await found([['name', '=like', 'C%']])).toEqual([]);
    expect(await found([['name', '=ilike', 'bc/2']])).toEqual([2]);
  });

  it('goes through relations', async () => {
    expect(await found([['partner_id.name', 'like', 'Noël']])).toEqual([1]);
    expect(await found([['partner_id', 'ilike', 'noël']])).toEqual([1]);
    expect(await found([['line_ids.name', '=', 'Écrou']])).toEqual([1]);
    expect(await found([['line_ids', '=', false]])).toEqual([2]);
    expect(await found([['tag_ids', 'in', [2]]])).toEqual([1]);
  });

  it('takes a condition away when =? has no value', async () => {
    expect(await found([['name', '=?', false]])).toEqual([1, 2]);
    expect(await found([['name', '=?', 'BC/2']])).toEqual([2]);
  });

  it('refuses unknown fields and operators in the words of its version', async () => {
    const unknown = version === '19.0' ? "condition ('nofield', '=', 1)" : "leaf ('nofield', '=', 1)";
    expect(await found([['nofield', '=', 1]])).toBe(`Invalid field dimagaz.bc.nofield in ${unknown}`);
    expect(await found([['name', '~~', 1]])).toContain("('name', '~~', 1)");
    expect(await found([], { order: 'nofield' })).toBe("Invalid field 'nofield' on model 'dimagaz.bc'");
    expect(await found([], { order: 'name; drop' })).toContain('Invalid "order" specified (name; drop)');
  });

  it('orders empty values last going up and first going down, and a many2one by its own order', async () => {
    expect(await found([], { order: 'notes, id' })).toEqual([1, 2]);
    expect(await found([], { order: 'notes desc, id' })).toEqual([2, 1]);
    sandbox.create(LINE, { bc_id: 2, name: 'Câble', product_id: 2 });
    sandbox.create(LINE, { bc_id: 2, name: 'Vis', product_id: 1 });
    const byProduct = await search(sandbox, LINE, [['bc_id', '=', 2]], { order: 'product_id, id' });
    expect(byProduct, 'Câble comes before Vis').toEqual([2, 3]);
    expect(await found([], { order: 'id desc', limit: 1, offset: 1 })).toEqual([1]);
  });

  it('compares a stored microsecond with a bound of whole seconds as its version does', async () => {
    const after = await found([['write_date', '>', '2026-03-01 10:00:00']]);
    const equal = await found([['write_date', '=', '2026-03-01 10:00:00']]);
    const until = await found([['write_date', '<=', '2026-03-01 10:00:00']]);
    expect(await found([['write_date', '>=', '2026-03-01 10:00:00']])).toEqual([1, 2]);
    expect(await found([['write_date', '>=', '2026-03-01 10:00:01']])).toEqual([]);
    const seconds = version === '19.0';
    expect(after).toEqual(seconds ? [] : [1, 2]);
    expect(equal).toEqual(seconds ? [1, 2] : []);
    expect(until).toEqual(seconds ? [1, 2] : []);
  });
});
