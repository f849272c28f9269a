import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Office } from '../../support/test-environment.ts';
import { openOffice } from '../../support/test-environment.ts';

const OTHER = { ODOO_MODEL: 'site.tour', ODOO_LINE_MODEL: 'site.tour.stop' };

describe('a document of other models', () => {
  let office: Office;
  beforeAll(async () => {
    office = await openOffice({ env: OTHER });
    const stamps = { name: { type: 'char', string: 'Name' } } as const;
    office.odoo.defineModel({
      name: 'site.tour',
      description: 'Tour',
      fields: {
        ...stamps,
        arrets: { type: 'one2many', string: 'Stops', relation: 'site.tour.stop', relation_field: 'tournee' },
      },
    });
    office.odoo.defineModel({
      name: 'site.tour.stop',
      description: 'Stop',
      fields: { ...stamps, tournee: { type: 'many2one', string: 'Tour', relation: 'site.tour' } },
    });
    const tour = office.odoo.create('site.tour', { name: 'Tournée du lundi' });
    office.odoo.create('site.tour.stop', { name: 'Dépôt', tournee: tour });
    await office.work();
  });
  afterAll(() => office?.close());

  it('is mirrored with its lines, whatever the fields that tie them are called', async () => {
    expect(await office.run('full')).toMatchObject({ status: 'success', created: 1, linesSeen: 1 });
    const [line] = await office.database.client`select bc_odoo_id, fields from scrap_dimagaz_bc_line`;
    expect(line).toMatchObject({
      bc_odoo_id: '1',
      fields: { name: 'Dépôt', tournee: [1, 'Tournée du lundi'] },
    });
  });

  it('ends with a message that names the candidates when two fields could hold the lines', async () => {
    office.odoo.setField('site.tour', 'arrets_bis', {
      type: 'one2many',
      string: 'Other stops',
      relation: 'site.tour.stop',
      relation_field: 'tournee',
    });
    const run = await office.run('full');
    expect(run).toMatchObject({ status: 'failed', errorCode: 'odoo_lines_link' });
    expect(run.errorMessage).toMatch(/arrets.*arrets_bis.*ODOO_LINES_FIELD/s);
    const desk = office.also({ ODOO_LINES_FIELD: 'arrets' });
    await desk.work();
    expect(await desk.run('full')).toMatchObject({ status: 'success', unchanged: 0, updated: 1 });
  });
});
