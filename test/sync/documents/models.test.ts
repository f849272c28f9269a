import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';

const OTHER = { ODOO_MODEL: 'site.tour', ODOO_LINE_MODEL: 'site.tour.stop' };

describe('a document of other models', () => {
  let setup: TestSetup;
  beforeAll(async () => {
    setup = await openTestSetup({ env: OTHER });
    const stamps = { name: { type: 'char', string: 'Name' } } as const;
    setup.odoo.defineModel({
      name: 'site.tour',
      description: 'Tour',
      fields: {
        ...stamps,
        arrets: { type: 'one2many', string: 'Stops', relation: 'site.tour.stop', relation_field: 'tournee' },
      },
    });
    setup.odoo.defineModel({
      name: 'site.tour.stop',
      description: 'Stop',
      fields: { ...stamps, tournee: { type: 'many2one', string: 'Tour', relation: 'site.tour' } },
    });
    const tour = setup.odoo.create('site.tour', { name: 'Tournée du lundi' });
    setup.odoo.create('site.tour.stop', { name: 'Dépôt', tournee: tour });
    await setup.work();
  });
  afterAll(() => setup?.close());

  it('is mirrored with its lines, whatever the fields that tie them are called', async () => {
    expect(await setup.run('full')).toMatchObject({ status: 'success', created: 1, linesSeen: 1 });
    const [line] = await setup.database.client`select bc_odoo_id, fields from scrap_dimagaz_bc_line`;
    expect(line).toMatchObject({
      bc_odoo_id: '1',
      fields: { name: 'Dépôt', tournee: [1, 'Tournée du lundi'] },
    });
  });

  it('ends with a message that names the candidates when two fields could hold the lines', async () => {
    setup.odoo.setField('site.tour', 'arrets_bis', {
      type: 'one2many',
      string: 'Other stops',
      relation: 'site.tour.stop',
      relation_field: 'tournee',
    });
    const run = await setup.run('full');
    expect(run).toMatchObject({ status: 'failed', errorCode: 'odoo_lines_link' });
    expect(run.errorMessage).toMatch(/arrets.*arrets_bis.*ODOO_LINES_FIELD/s);
    const testMirror = setup.also({ ODOO_LINES_FIELD: 'arrets' });
    await testMirror.work();
    expect(await testMirror.run('full')).toMatchObject({ status: 'success', unchanged: 0, updated: 1 });
  });
});
