import { afterEach, describe, expect, it } from 'vitest';
import { Raw } from '../../../dev/sandbox-odoo/planted.ts';
import type { SandboxOptions } from '../../../dev/sandbox-odoo/sandbox.ts';
import { PROTOCOLS } from '../../../src/odoo/types.ts';
import { verifyMirror } from '../../../src/sync/maintenance/verify.ts';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';

describe.each(PROTOCOLS)('models and records of an unexpected shape, over %s', (protocol) => {
  let setup: TestSetup;
  const open = async (sandbox: SandboxOptions = {}) => {
    setup = await openTestSetup({ sandbox, env: { ODOO_PROTOCOL: protocol, SYNC_PAGE_SIZE: '16' } });
    await setup.work();
    return setup.odoo;
  };
  afterEach(() => setup?.close());

  const failures = () => setup.database.client`select odoo_id::int, code, message from sync_failure`;
  const linesOf = async (id: number) => {
    const rows = await setup.database.client`
      select odoo_id::int from scrap_dimagaz_bc_line where bc_odoo_id = ${id} order by 1`;
    return rows.map((row) => row['odoo_id']);
  };
  const fields = async (id: number) => {
    const [row] = await setup.database.client`select fields from scrap_dimagaz_bc where odoo_id = ${id}`;
    return row?.['fields'];
  };
  const verified = () => {
    return verifyMirror({ ...setup.mirror, pageSize: 10 }, () => {});
  };

  it('an empty model: full and incremental run succeed with nothing', async () => {
    await open({ documents: 0 });
    expect(await setup.run('full')).toMatchObject({ status: 'success', seen: 0, failed: 0 });
    expect(await setup.run('incremental')).toMatchObject({
      status: 'success',
      mode: 'incremental',
      seen: 0,
    });
  });

  it.each([['dimagaz.bc'], ['dimagaz.bc.line']])(
    '%s without write_date: everything is stored, and every incremental run is a full one',
    async (model) => {
      const odoo = await open();
      odoo.removeField(model, 'write_date');
      odoo.removeField(model, 'create_date');
      expect(await setup.run('full')).toMatchObject({ status: 'success', created: 40 });
      odoo.write('dimagaz.bc', odoo.ids('dimagaz.bc').slice(0, 1), { notes: 'nouveau' });
      const run = await setup.run('incremental');
      expect(run).toMatchObject({ status: 'success', mode: 'full', seen: 40, updated: 1 });
    },
  );

  it.each([
    ['is False', false],
    ['is another id', [999_999, 'BC/X']],
    ['is a text', 'dimagaz.bc,1'],
  ])('a line found by its BC whose link %s is stored with that BC', async (_, value) => {
    const odoo = await open();
    const [bc = 0] = odoo.ids('dimagaz.bc');
    const line = odoo.create('dimagaz.bc.line', { name: 'caché', bc_id: bc });
    odoo.plant('dimagaz.bc.line', line, 'bc_id', value);
    expect(await setup.run('full')).toMatchObject({ status: 'success', created: 40 });
    expect(await linesOf(bc)).toContain(line);
  });

  it('a line whose BC cannot be read: that BC fails alone and is named, the others have their lines', async () => {
    const odoo = await open();
    const [, bc = 0] = odoo.ids('dimagaz.bc');
    odoo.faults.denyRecord('dimagaz.bc', bc);
    expect(await setup.run('full')).toMatchObject({ status: 'partial', created: 39, failed: 1 });
    expect(await failures()).toMatchObject([{ odoo_id: bc, code: 'odoo_access_denied' }]);
    expect(await linesOf(bc)).toEqual([]);
  });

  it.each([
    ['a text', 'abc', '"abc"'],
    ['negative', -5, '-5'],
    ['beyond 2^53', new Raw('9007199254740993', '<i8>9007199254740993</i8>'), '9007199254740993'],
  ])('a BC that answers with an id that is %s fails alone, and the id is named', async (_, id, named) => {
    const odoo = await open();
    const [, bc = 0] = odoo.ids('dimagaz.bc');
    odoo.plant('dimagaz.bc', bc, 'id', id);
    expect(await setup.run('full')).toMatchObject({ status: 'partial', created: 39, failed: 1, gone: 0 });
    const [failure] = await failures();
    expect(failure).toMatchObject({ odoo_id: bc, code: 'odoo_malformed_answer' });
    expect(failure?.['message']).toContain('dimagaz.bc.read');
    expect(failure?.['message']).toContain(named);
  });

  it.each([
    ['of no BC', 999_999],
    ['of another BC of its page', 1],
    ['of a BC of another page', 40],
  ])('a BC that answers with the id %s fails alone, and the other is stored as it is', async (_, id) => {
    const odoo = await open();
    const [first = 0, second = 0] = odoo.ids('dimagaz.bc');
    odoo.plant('dimagaz.bc', second, 'id', id);
    expect(await setup.run('full')).toMatchObject({ status: 'partial', created: 39, failed: 1, gone: 0 });
    expect(await failures()).toMatchObject([{ odoo_id: second, code: 'odoo_malformed_answer' }]);
    expect(await fields(first)).toMatchObject({ id: first, name: odoo.record('dimagaz.bc', first)['name'] });
  });

  it('fields with hostile names are stored, audited and verified like others', async () => {
    const odoo = await open();
    const [bc = 0] = odoo.ids('dimagaz.bc');
    const names = ['__proto__', 'constructor', 'it\'s."quoted"', 'a.b', 'x'.repeat(300), 'é$1\\n'];
    for (const name of names) odoo.setField('dimagaz.bc', name, { type: 'char', string: name });
    for (const name of names) odoo.plant('dimagaz.bc', bc, name, `value of ${name}`);
    expect(await setup.run('full')).toMatchObject({ status: 'success', created: 40 });
    const stored = new Map(Object.entries(await fields(bc)));
    for (const name of names) expect(stored.get(name)).toBe(`value of ${name}`);
    expect(await verified()).toMatchObject({ ok: true });
    for (const name of names) odoo.removeField('dimagaz.bc', name);
    expect(await setup.run('full')).toMatchObject({ status: 'success', updated: 40 });
    const [row] = await setup.database
      .client`select changes from audit_log where odoo_id = ${bc} and action = 'updated'`;
    const changes = new Map<string, unknown>(Object.entries(row?.['changes'].header));
    for (const name of names) expect(changes.get(name)).toEqual({ old: `value of ${name}`, new: null });
  });

  it('NUL, control characters and half surrogates are kept as text that PostgreSQL can hold, the rest of the text untouched', async () => {
    const odoo = await open();
    const [bc = 0] = odoo.ids('dimagaz.bc');
    odoo.write('dimagaz.bc', [bc], { notes: 'a\u0000b\u0001c\u001fd\te\r\nf' });
    const half = new Raw('"x\\ud83dy"', '<string>x&#xD83D;y</string>');
    odoo.plant('dimagaz.bc', bc, 'scan_name', half);
    expect(await setup.run('full')).toMatchObject({ status: 'success', created: 40 });
    expect(await fields(bc)).toMatchObject({ notes: 'abcd\te\r\nf', scan_name: 'x\ufffdy' });
  });
});
